"""The record as one proven account reaches it by actions: alerts filed, cases read and closed, plans answered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import sqlalchemy as sa

from playbook.actions import Action, Outside, Result
from playbook.actions._record import Answered, CaseState, FiledAlert, OutcomeState
from playbook.alerts import work
from playbook.alerts.intake import Received, receive, row_sentence
from playbook.alerts.work import Ground
from playbook.cases import alerts, approval_requests, approvals, audit, case_rows, outbox, write_back_outbox
from playbook.cases.accounts import Proof
from playbook.cases.alerts import Alert
from playbook.cases.approvals import Enqueue
from playbook.cases.store import Store
from playbook.cases.write_back import write_back
from playbook.config import Config
from playbook.errors import NotApproved
from playbook.model.finding_update import Fault
from playbook.model.response import Decision
from playbook.model.verdict import Disposition
from playbook.web import case_state


@dataclass(frozen=True)
class Recorder:
    """``actions._record.Record`` over the durable record.

    ``stopped`` is why no approval can be carried out now, "" when it can; ``base`` is where people reach the pages, ""
    for nowhere.
    """

    store: Store
    config: Config
    proof: Proof
    now: Callable[[], datetime]
    enqueue: Enqueue
    outside: Callable[[], Outside]
    stopped: str = ""
    base: str = ""

    def file(self, document: Any, sender: str) -> tuple[tuple[FiledAlert, ...], tuple[str, ...]]:
        """Keep, judge and file the alerts of a body; what came of each, and its bad rows a sentence each."""
        ground, holder = Ground(self.store, self.outside, self.now), f"call-{uuid4().hex}"
        received = receive(ground, self.config, document, sender, self.proof.name, holder)
        work.at_once(ground, received.accepted.queued, holder)
        with self.store.reading() as conn:
            filed = tuple(self._filed(conn, key, received) for key in received.keys)
        return filed, (*map(row_sentence, received.rejected), *received.notes)

    def _filed(self, conn: sa.Connection, alert_id: str, received: Received) -> FiledAlert:
        one = alerts.alert_of(conn, alert_id)
        if one is None:
            return FiledAlert(alert_id, "over_cap", "", "", "the cap of this token's alerts an hour is passed", ())
        result = case_state.result_of(one)
        return FiledAlert(
            alert_id,
            one.state,
            result.get("host", ""),
            result.get("disposition", ""),
            result.get("reason", "") or _waits(one),
            tuple(result.get("notes", ())),
            alert_id in received.accepted.repeated,
            self._case(conn, one.case_id) if one.case_id else None,
        )

    def case(self, case_id: str) -> CaseState | None:
        """The case as it is now."""
        with self.store.reading() as conn:
            return self._case(conn, case_id)

    def resolve(self, case_id: str, disposition: Disposition, reason: str, fault: Fault) -> None:
        """Close the case with this disposition, kept beside ours."""
        with self.store.change() as conn:
            why_not = case_rows.resolve(conn, case_id, disposition, self.proof.name, reason.strip(), self.now(), fault)
        if why_not:
            raise NotApproved(f"refused, nothing was changed: {why_not}")

    def comment(self, case_id: str, text: str) -> str:
        """Add a comment to the case's trail and its ticket; where it went."""
        with self.store.change() as conn:
            row, now = case_rows.row_of(conn, case_id), self.now()
            if row is None:
                raise NotApproved(f"refused, nothing was changed: there is no case {case_id}")
            line = audit.append(conn, now, case_id, self.proof.name, "comment", {"comment": text})
            sent = bool(row.ticket_key) and outbox.enqueue_comment(
                conn, row.ticket_key, f"comment:{case_id}:{line}", f"{self.proof.name}: {text}", now
            )
        return "trail and ticket" if sent else "trail"

    def answer(self, plan_id: str, digest: str, approve: bool, comment: str) -> Answered:
        """Answer the request that offers exactly this plan; a refusal is kept in the trail with its reason."""
        if approve and self.stopped:
            return Answered("refused", self.stopped, None)
        now = self.now()
        with self.store.change() as conn:
            request = approval_requests.find_request(conn, plan_id)
            plan = next((one for one in request.offers if one.digest == digest), None) if request else None
            if request is None or plan is None or plan.plan_id != plan_id:
                return Answered("refused", "no request offers a plan of this identity and digest", None)
            if approve and request.state == "approved" and request.digest == digest:
                return Answered("approved", "the plan was approved before", self._case(conn, request.case_id))
            decision = Decision(
                case_id=request.case_id,
                plan_id=plan_id,
                digest=digest,
                who=self.proof.name,
                via=self.proof.via,
                approve=approve,
                comment=comment.strip(),
                at=now,
            )
            outcome = approvals.decide(conn, decision, now, self.enqueue)
            return Answered(outcome.result, outcome.text, self._case(conn, request.case_id))

    def write_outcome(self, case_id: str) -> tuple[OutcomeState, ...]:
        """Tell the SIEMs that the case's findings came from what became of it."""
        with self.store.change() as conn:
            if case_rows.row_of(conn, case_id) is None:
                raise NotApproved(f"refused, nothing was changed: there is no case {case_id}")
            write_back_outbox.enqueue_case(conn, case_id, self.now())
            sources = {one.source for one in write_back_outbox.of_case(conn, case_id)}
        outside = self.outside()
        for name in sorted(sources & set(self.config.sources)):
            source = outside.source((name, dict(self.config.sources[name])))
            write_back(self.store, source, self.config.policy.close_in_siem, self.now)
        with self.store.reading() as conn:
            return tuple(
                OutcomeState(one.source, one.finding_id, one.disposition, one.state, one.note)
                for one in write_back_outbox.of_case(conn, case_id)
            )

    def page(self, case_id: str) -> str:
        """The address of a case's page; "" where nobody said how the service is reached."""
        return f"{self.base}/cases/{quote(case_id, safe='')}" if self.base else ""

    def _case(self, conn: sa.Connection, case_id: str) -> CaseState | None:
        return case_state.of(conn, case_id, self.page(case_id))


def _waits(one: Alert) -> str:
    if one.state == "over_cap":
        return "the cap of this token's alerts an hour is passed: it is in the hour's digest ticket"
    return one.last_error or ("a worker judges it soon" if one.state == "queued" else "")


def carried(action: Action, given: dict[str, Any], recorder: Recorder) -> Result:
    """An action on the record, for the account that the recorder is of. Raises PlaybookError."""
    checked = action.read(given)
    result: Result = action.module.carry(checked, recorder)
    return result
