"""Writes a case's outcome back to a notable (Enterprise Security 7) or finding (8), once, as far as policy lets."""

import logging
import re
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from connectors.clients.splunk import decoding, search_job
from connectors.clients.splunk.client import Deadline, SplunkClient, complaint, notes
from connectors.http import Reply, segment
from connectors.sources._siem.write_back_comment import comment_of
from connectors.sources.splunk import notables
from connectors.sources.splunk.notables import NotableFinding
from connectors.sources.splunk.settings import Ids
from playbook.errors import BadAnswer, ConfigError, ConnectorError, Unreachable
from playbook.model import Value
from playbook.model.detection import TimeWindow
from playbook.model.finding_update import FindingUpdate

_log = logging.getLogger(__name__)

UPDATE_7 = "/services/notable_update"
FINDINGS_8 = "/servicesNS/nobody/SplunkEnterpriseSecuritySuite/public/v2/findings"
CHANGE_8 = "/servicesNS/nobody/missioncontrol/v1/investigations"
NOTES_8 = "/servicesNS/nobody/missioncontrol/public/v2/investigations"
_TIMED = re.compile(r"@@time(\d{1,12})$")
_DAY = timedelta(days=1)


class WritePolicy(Value):
    """What may be written. ``close_in_siem`` false: a comment (with its tag) and nothing else."""

    close_in_siem: bool = False
    ids: Ids = Ids()


_NEVER = WritePolicy()


class Change(Value):
    """What is to be set: null leaves it as it is."""

    status: str | None = None
    disposition: str | None = None
    comment: str


class State(NamedTuple):
    """A notable as it stands."""

    status: str
    disposition: str
    comments: tuple[str, ...]


class Written(Value):
    """What became of one notable: ``written`` (what was set) or ``already`` so; ``kept`` is what was not touched."""

    event_id: str
    did: Literal["written", "already"]
    status: str | None = None
    disposition: str | None = None
    commented: bool = False
    kept: str = ""


def change_for(outcome: FindingUpdate, policy: WritePolicy) -> Change:
    """What an outcome asks for: only benign and false positives close, a true positive is never closed by us.

    The comment opens with a mark made of its own content, by which a second run finds that it is there.
    """
    ids = policy.ids
    tag = " #query-or-data" if outcome.disposition == "FALSE_POSITIVE" else ""
    comment = comment_of(outcome, tag)
    wrong = ids.wrong_query if outcome.fault == "query" else ids.wrong_data
    status, disposition = {
        "BENIGN_POSITIVE": (ids.closed, ids.benign_positive),
        "FALSE_POSITIVE": (ids.closed, wrong),
        "TRUE_POSITIVE": (ids.in_progress, ids.true_positive),
        "UNDETERMINED": (None, ids.undetermined),
    }[outcome.disposition]
    if not policy.close_in_siem:
        return Change(comment=comment)
    return Change(status=status, disposition=disposition, comment=comment)


def remaining(change: Change, state: State, ids: Ids) -> tuple[Change | None, bool, str]:
    """What is left to set, whether the comment is, and what is kept: a person's answer is never undone."""
    comment_due = not any(change.comment in comment for comment in state.comments)
    theirs = state.disposition not in ids.unset and state.disposition != change.disposition
    ended = state.status in (ids.closed, ids.resolved) and state.status != change.status
    kept = []
    disposition, status = change.disposition, change.status
    if disposition is not None and theirs:
        kept.append(f"disposition {state.disposition}")
        disposition = None
    if status is not None and (theirs or ended):
        kept.append(f"status {state.status}")
        status = None
    disposition = None if disposition == state.disposition else disposition
    status = None if status == state.status else status
    if not (comment_due or disposition or status):
        return None, False, "; ".join(kept)
    return Change(status=status, disposition=disposition, comment=change.comment), comment_due, "; ".join(kept)


def write_back(
    wire: SplunkClient,
    finding: NotableFinding,
    outcome: FindingUpdate,
    policy: WritePolicy = _NEVER,
    deadline_s: float = 120.0,
) -> Written:
    """Bring one notable to what the outcome asks for; a second call with the same outcome changes nothing.

    The state is read first, and again after an answer that was lost, before anything is sent a second time.
    Raises what ``Wire.call`` does, ConfigError where Enterprise Security is not there or refuses, BadAnswer otherwise.
    """
    deadline = Deadline(wire.clocks, deadline_s)
    wanted = change_for(outcome, policy)
    modern = _TIMED.search(finding.event_id) is not None
    sent, tries = False, 0
    while True:
        state = _state_8(wire, finding, deadline) if modern else _state_7(wire, finding, deadline)
        left, comment_due, kept = remaining(wanted, state, policy.ids)
        if left is None:
            did: Literal["written", "already"] = "written" if sent else "already"
            return Written(event_id=finding.event_id, did=did, commented=sent, kept=kept)
        try:
            (_set_8 if modern else _set_7)(wire, finding, left, comment_due, deadline)
        except Unreachable:
            sent, tries = True, tries + 1
            if tries >= 2 or not deadline.pause(2.0):
                raise
            continue
        return Written(
            event_id=finding.event_id,
            did="written",
            status=left.status,
            disposition=left.disposition,
            commented=comment_due,
            kept=kept,
        )


def _state_7(wire: SplunkClient, finding: NotableFinding, deadline: Deadline) -> State:
    around = TimeWindow(start=finding.written - _DAY, end=finding.written + _DAY)
    query = search_job.Query(text=notables.search_one(finding.event_id), window=around)
    answer = search_job.run(wire, query, deadline, lambda done, total: None)
    if not answer.rows:
        raise BadAnswer(f"{wire.subject}: no notable {finding.event_id!r}")
    row = answer.rows[0]
    comments = (*row.get("comment", ()), *_earlier_comments(wire, finding, around, deadline))
    return State(decoding.text(row, "status"), decoding.text(row, "disposition"), comments)


def _earlier_comments(
    wire: SplunkClient, finding: NotableFinding, around: TimeWindow, deadline: Deadline
) -> tuple[str, ...]:
    """Comments below the newest, which is all that the notable itself shows; none where the review log is closed."""
    query = search_job.Query(text=notables.search_reviews(finding.event_id), window=around)
    try:
        answer = search_job.run(wire, query, deadline, lambda done, total: None)
    except (ConnectorError, ConfigError) as fault:
        _log.warning("%s: earlier comments could not be read: %s", wire.subject, fault)
        return ()
    return tuple(comment for row in answer.rows for comment in row.get("comment", ()))


def _set_7(wire: SplunkClient, finding: NotableFinding, change: Change, comment_due: bool, deadline: Deadline) -> None:
    form = {"ruleUIDs": finding.event_id, "status": change.status, "disposition": change.disposition}
    form["comment"] = change.comment if comment_due else None
    reply = wire.call("POST", UPDATE_7, deadline, data={name: value for name, value in form.items() if value})
    body = _accepted(wire, reply)
    failed = body.get("failure_count", 0)
    if body.get("success") is not True or str(failed) not in ("0", ""):
        raise BadAnswer(f"{wire.subject}: the notable was not updated: {complaint(reply)}")


def _state_8(wire: SplunkClient, finding: NotableFinding, deadline: Deadline) -> State:
    # The finding's own second is not found when the search begins in it.
    params = {"earliest": _second(finding) - 1}
    reply = wire.call("GET", f"{FINDINGS_8}/{segment(finding.event_id)}", deadline, params=params)
    body = _accepted(wire, reply)
    listed = wire.call(
        "GET",
        f"{NOTES_8}/{segment(finding.event_id)}/notes",
        deadline,
        params={"notable_time": _second(finding), "limit": 100},
    )
    items: Any = _accepted(wire, listed, True)
    items = items.get("items", items.get("notes", [])) if isinstance(items, dict) else items
    comments = tuple(str(note.get("content", "")) for note in items if isinstance(note, dict))
    return State(str(body.get("status") or ""), str(body.get("disposition") or ""), comments)


def _set_8(wire: SplunkClient, finding: NotableFinding, change: Change, comment_due: bool, deadline: Deadline) -> None:
    params = {"notable_time": _second(finding)}
    name = segment(finding.event_id)
    if comment_due:
        note = {"content": change.comment}
        _accepted(wire, wire.call("POST", f"{NOTES_8}/{name}/notes", deadline, json=note, params=params), True)
    fields = {"status": change.status, "disposition": change.disposition}
    fields = {key: value for key, value in fields.items() if value}
    if fields:
        _accepted(wire, wire.call("POST", f"{CHANGE_8}/{name}", deadline, json=fields, params=params), True)


def _second(finding: NotableFinding) -> int:
    found = _TIMED.search(finding.event_id)
    return int(found.group(1)) if found else int(finding.written.timestamp())


def _accepted(wire: SplunkClient, reply: Reply, any_shape: bool = False) -> Any:
    """The body of an answer that did what was asked; an error in it counts even when the status is 200."""
    if reply.status == 404:
        raise ConfigError(f"{wire.subject}: Enterprise Security, or this finding, is not there: {complaint(reply)}")
    if reply.status == 400:
        raise ConfigError(f"{wire.subject}: Enterprise Security refused the change: {complaint(reply)}")
    if reply.status >= 500:
        raise Unreachable(f"{wire.subject}: {complaint(reply)} ({reply.status})")
    body = reply.json() if reply.body.strip() or not any_shape else {}
    if reply.status not in (200, 201, 204) or any(note.bad for note in notes(reply) if "messages" in str(body)[:4000]):
        raise BadAnswer(f"{wire.subject}: {complaint(reply)} ({reply.status})")
    if not any_shape and not isinstance(body, dict):
        raise BadAnswer(f"{wire.subject}: expected an object from Enterprise Security")
    return body
