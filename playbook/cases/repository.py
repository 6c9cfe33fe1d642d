"""Filing a run into the record: one open case a host, what changed, what is asked, and which tickets follow."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import rfc8785
import sqlalchemy as sa

from playbook.cases import approval_requests, audit, case_rows, events, outbox, write_back_outbox
from playbook.cases.case_builder import case_of
from playbook.cases.case_status import (
    bare_detections,
    days_watched,
    has_news,
    merge_detections,
    next_status,
    ticket_state,
)
from playbook.cases.detection_rows import write_detections
from playbook.cases.schema import cases, detections, runs
from playbook.cases.ticket_rows import file_silence, file_tickets, ticketable
from playbook.config import Limits, Policy
from playbook.model import Value
from playbook.model.case import Case, Run
from playbook.model.verdict import WORST_FIRST
from playbook.response.plan import ResponseCapabilities

# What nobody has said yet of a case that is new.
_NEW_CASE = {
    "person_disposition": "",
    "person_by": "",
    "person_reason": "",
    "person_fault": "query",
    "ticket_key": "",
}

Change = Literal["opened", "reopened", "updated", "closed", "unchanged"]


@dataclass(frozen=True)
class Filing:
    """On what terms a run is filed: the means its plans are made with, how people are asked, and limits."""

    means: ResponseCapabilities
    asking: approval_requests.RequestPolicy
    limits: Limits


class FiledCase(Value):
    """What became of one case of a run: ``case_id`` is the record's, which may differ from the run's."""

    run_case_id: str
    case_id: str
    host: str
    change: Change
    request_id: str = ""
    reopened_from: str = ""


class FiledRun(Value):
    """What filing a run changed; ``again`` means that this very run was filed before and nothing was done."""

    run_id: str
    again: bool = False
    cases: tuple[FiledCase, ...] = ()
    tickets: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """The requests that were stored and wait."""
        return tuple(c.request_id for c in self.cases if c.request_id)


def file_run(conn: sa.Connection, run: Run, filing: Filing, now: datetime, requester: str = "playbook") -> FiledRun:
    """File every case of a run, all of it in the caller's transaction; the same run twice changes nothing."""
    if not begin(conn, run, now, requester):
        return FiledRun(run_id=run.run_id, again=True)
    filed = file_cases(conn, run, run.cases, filing, now, requester)
    return finish(conn, run, filed, cases_to_tell(conn, filed), filing, now)


def begin(conn: sa.Connection, run: Run, now: datetime, requester: str = "playbook") -> bool:
    """Record that a run is being filed; False when it was filed to its end before. Cut off, it may begin again."""
    known = conn.execute(sa.select(runs.c.finished_at).where(runs.c.run_id == run.run_id)).one_or_none()
    if known is not None:
        if known.finished_at is not None:
            # Nothing new to file, and yet somebody looked: the source was not forgotten.
            conn.execute(runs.update().where(runs.c.run_id == run.run_id).values(finished_at=now))
        return known.finished_at is None
    conn.execute(
        runs.insert(),
        {
            "run_id": run.run_id,
            "source": run.source,
            "window_start": run.window.start,
            "window_end": run.window.end,
            "complete": run.complete,
            "filed_at": now,
            "document": run.model_copy(update={"cases": (), "tickets": ()}).model_dump_json(),
        },
    )
    audit.append(
        conn,
        now,
        "",
        requester,
        "run filed",
        {
            "run_id": run.run_id,
            "source": run.source,
            "complete": run.complete,
            "cases": len(run.cases),
            "filtered": len(run.filtered),
            "warnings": list(run.warnings[:20]),
        },
    )
    return True


def file_cases(
    conn: sa.Connection, run: Run, some: Iterable[Case], filing: Filing, now: datetime, requester: str = "playbook"
) -> tuple[FiledCase, ...]:
    """File some cases of a run; those that were filed before it was cut off are found as they are."""
    return tuple(_file(conn, case, run, filing, now, requester) for case in some)


def cases_to_tell(conn: sa.Connection, filed: Iterable[FiledCase]) -> tuple[Case, ...]:
    """The recorded cases that a run changed and that belong into tickets."""
    return ticketable(conn, (one.case_id for one in filed if one.change != "unchanged"))


def finish(
    conn: sa.Connection, run: Run, filed: tuple[FiledCase, ...], told: tuple[Case, ...], filing: Filing, now: datetime
) -> FiledRun:
    """Everything that follows once every case of a run is filed: tickets, silence, what is to be written back."""
    tickets = file_tickets(conn, told, filing.limits, now)
    if not run.complete:
        tickets += file_silence(conn, run, now)
    write_back_outbox.enqueue_run(conn, run, {one.run_case_id: one.case_id for one in filed}, now)
    conn.execute(runs.update().where(runs.c.run_id == run.run_id).values(finished_at=now))
    return FiledRun(run_id=run.run_id, cases=filed, tickets=tickets)


def filing_of(means: ResponseCapabilities, policy: Policy, limits: Limits) -> Filing:
    """How runs are filed under this policy and these limits."""
    return Filing(means, request_policy(policy), limits)


def request_policy(policy: Policy) -> approval_requests.RequestPolicy:
    """How requests are put under this policy."""
    return approval_requests.RequestPolicy(policy.block_ttls_s, policy.approval_ttl_s, policy.version)


def with_record(conn: sa.Connection, run: Run, filed: FiledRun) -> Run:
    """The run with its cases as the record has them: their identities, everything known of them, their tickets."""
    unchanged = {one.run_case_id for one in filed.cases if one.change == "unchanged"}
    shown = []
    for case in run.cases:
        row = _latest(conn, case.host)
        if row is None or (case.case_id in unchanged and row["closed_at"] is not None):
            shown.append(case.model_copy(update={"case_id": row["case_id"]}) if row else case)
        else:
            shown.append(case_rows.case_of(conn, row["case_id"]) or case)
    tickets = tuple(dict.fromkeys(c.ticket for c in shown if c.ticket is not None))
    return run.model_copy(update={"cases": tuple(shown), "tickets": tickets, "stored": True})


def _file(conn: sa.Connection, case: Case, run: Run, filing: Filing, now: datetime, requester: str) -> FiledCase:
    known = _latest(conn, case.host)
    newest = max(one.enriched.detection.last_seen for one in case.detections)
    if known is None:
        return _keep(conn, case, None, run, filing, now, requester, "opened", case.case_id)
    if known["closed_at"] is None:
        return _keep(conn, case, known, run, filing, now, requester, "updated", known["case_id"])
    told = {"run_case_id": case.case_id, "case_id": known["case_id"], "host": case.host}
    worse = WORST_FIRST.index(case.verdict.disposition) < WORST_FIRST.index(known["disposition"])
    if newest <= known["last_seen"] and not worse:
        return FiledCase(change="unchanged", **told)
    if case.status == "closed" and not worse:
        # Benign then and benign now (the nightly backup): the closed case has been seen again, nobody is asked.
        conn.execute(cases.update().where(cases.c.case_id == known["case_id"]).values(last_seen=newest, updated_at=now))
        return FiledCase(change="unchanged", **told)
    identity = _unused(conn, case, known["case_id"])
    return _keep(conn, case, None, run, filing, now, requester, "reopened", identity, known["case_id"])


def _keep(
    conn: sa.Connection,
    case: Case,
    known: Any,
    run: Run,
    filing: Filing,
    now: datetime,
    requester: str,
    change: Change,
    identity: str,
    reopened_from: str = "",
) -> FiledCase:
    """Write the case as it is with everything known of it, its detections, its line in the audit trail, its request."""
    merged = merge_detections(case_rows.judged_of(conn, identity) if known else (), case.detections)
    built = case_of(identity, case.host, merged, filing.means, case.holders)
    days, day = days_watched(known, max(d.last_seen for d in bare_detections(case)).date())
    status = next_status(built.status, known, days)
    if status == "closed" and known is not None:
        change = "closed"
    values = _columns(built, status, run.run_id, now) | {"watch_days": days, "watch_day": day}
    if known is None:
        new = _NEW_CASE | {"case_id": identity, "host": case.host, "opened_at": now, "reopened_from": reopened_from}
        conn.execute(cases.insert(), values | new)
    else:
        conn.execute(cases.update().where(cases.c.case_id == identity).values(values))
    write_detections(conn, identity, merged, run.run_id, now)
    if known is None or change == "closed" or has_news(known, status, built, len(merged)):
        told = ticket_state(built, status, run, reopened_from)
        line = audit.append(conn, now, identity, requester, f"case {change}", told)
        content = told | {"change": change, "confidence": built.verdict.confidence}
        events.add(conn, "case_filed", f"{identity}:{line}", identity, now, content)
    if change == "closed" and known["ticket_key"]:
        text = "Closed: " + "; ".join(built.verdict.reasons)
        outbox.enqueue_comment(conn, known["ticket_key"], f"closed:{identity}:{run.run_id}", text, now)
    return FiledCase(
        run_case_id=case.case_id,
        case_id=identity,
        host=case.host,
        change=change,
        reopened_from=reopened_from,
        request_id=_ask(conn, built, status, known, filing, now, requester),
    )


def _columns(built: Case, status: str, run_id: str, now: datetime) -> dict[str, Any]:
    """What the row of a case says after a run, whether it is new or not."""
    seen = bare_detections(built)
    closed = status == "closed"
    return {
        "status": status,
        "disposition": built.verdict.disposition,
        "confidence": built.verdict.confidence,
        "first_seen": min(d.first_seen for d in seen),
        "last_seen": max(d.last_seen for d in seen),
        "updated_at": now,
        "closed_at": now if closed else None,
        "closed_by": "playbook" if closed else "",
        "run_id": run_id,
        "owner": built.record.owner if built.record else "",
        "document": built.model_copy(update={"detections": ()}).model_dump_json(),
    }


def _ask(
    conn: sa.Connection, built: Case, status: str, known: Any, filing: Filing, now: datetime, requester: str
) -> str:
    if status == "closed" or built.plan is None:
        approval_requests.withdraw_requests(
            conn, built.case_id, now, "the case was closed" if status == "closed" else "no plan is left"
        )
        return ""
    newest = max(d.last_seen for d in bare_detections(built))
    newer = known is None or newest > known["last_seen"]
    return (
        approval_requests.create_request(
            conn, built.case_id, built.host, built.plan, filing.asking, requester, now, newer
        )
        or ""
    )


def _latest(conn: sa.Connection, host: str) -> Any:
    """The host's open case, else the one that was opened last; with how many detections it has."""
    number = sa.select(sa.func.count()).where(detections.c.case_id == cases.c.case_id).scalar_subquery()
    query = sa.select(cases, number.label("detections")).where(cases.c.host == host)
    query = query.order_by(cases.c.closed_at.is_(None).desc(), cases.c.opened_at.desc(), cases.c.updated_at.desc())
    return conn.execute(query.limit(1)).mappings().first()


def _unused(conn: sa.Connection, case: Case, before: str) -> str:
    """The case's own identity, or one that follows from the case it links back to when the own one is taken."""
    if case_rows.row_of(conn, case.case_id) is None:
        return case.case_id
    return "C-" + hashlib.sha256(rfc8785.dumps([case.host, case.case_id, before])).hexdigest()[:12]
