"""The recorded cases: read one or a page of them, and a person's word on one, kept beside ours and never over it."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import AwareDatetime

from playbook.cases import approval_requests, audit, outbox, response_state, write_back_outbox
from playbook.cases.response_state import ResponseState
from playbook.cases.schema import cases, detections, runs
from playbook.model import Value
from playbook.model.case import Case, JudgedDetection
from playbook.model.finding_update import Fault
from playbook.model.verdict import CaseStatus, Disposition

# One that was cut off holds the questions about its cases back for no longer than this.
_LONGEST_FILING = timedelta(minutes=10)
_SUMMARY = (
    "case_id",
    "host",
    "status",
    "disposition",
    "confidence",
    "first_seen",
    "last_seen",
    "opened_at",
    "updated_at",
    "closed_at",
    "closed_by",
    "reopened_from",
    "person_disposition",
    "person_by",
    "person_reason",
    "person_fault",
    "person_at",
    "owner",
    "assignee",
    "assigned_at",
    "watch_days",
    "ticket_key",
    "run_id",
)


class CaseRow(Value):
    """A case as listed. ``disposition`` is ours; ``person_*`` what a person said, "" when nobody did.

    ``state`` is where it stands (response_state.py), since ``state_at``; ``answered_by`` ended its newest request.
    """

    case_id: str
    host: str
    status: CaseStatus
    disposition: Disposition
    confidence: str
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    opened_at: AwareDatetime
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None = None
    closed_by: str = ""
    reopened_from: str = ""
    person_disposition: str = ""
    person_by: str = ""
    person_reason: str = ""
    person_fault: Fault = "query"
    person_at: AwareDatetime | None = None
    owner: str = ""
    assignee: str = ""
    assigned_at: AwareDatetime | None = None
    watch_days: int = 0
    ticket_key: str = ""
    run_id: str = ""
    state: ResponseState = "needs_look"
    state_at: AwareDatetime | None = None
    contained_until: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    answered_by: str = ""


def listed() -> sa.Select[Any]:
    """Everything that a listed case shows, before any condition or order."""
    columns = (*(cases.c[name] for name in _SUMMARY), *response_state.COLUMNS)
    return sa.select(*columns).select_from(response_state.FROM)


def list_cases(
    conn: sa.Connection, status: CaseStatus | None = None, limit: int = 100, offset: int = 0
) -> tuple[CaseRow, ...]:
    """Cases, the last changed first; at most 1,000 at a time."""
    query = listed()
    query = query.where(cases.c.status == status) if status else query
    query = query.order_by(cases.c.updated_at.desc(), cases.c.case_id).limit(max(1, min(limit, 1000))).offset(offset)
    return tuple(CaseRow(**row) for row in conn.execute(query).mappings())


class Filter(Value):
    """Which cases are wanted; what is not set leaves none out."""

    status: CaseStatus | None = None
    disposition: Disposition | None = None
    host: str = ""
    changed_since: AwareDatetime | None = None


def filtered(conn: sa.Connection, wanted: Filter, limit: int, offset: int = 0) -> tuple[CaseRow, ...]:
    """Cases of a filter, the last changed first; at most 1,001 at a time."""
    query = listed()
    query = query.where(cases.c.status == wanted.status) if wanted.status else query
    query = query.where(cases.c.disposition == wanted.disposition) if wanted.disposition else query
    query = query.where(cases.c.host == wanted.host) if wanted.host else query
    query = query.where(cases.c.updated_at >= wanted.changed_since) if wanted.changed_since else query
    query = query.order_by(cases.c.updated_at.desc(), cases.c.case_id).limit(max(1, min(limit, 1001))).offset(offset)
    return tuple(CaseRow(**row) for row in conn.execute(query).mappings())


def counts(conn: sa.Connection) -> dict[str, int]:
    """How many cases there are of each status."""
    query = sa.select(cases.c.status, sa.func.count()).group_by(cases.c.status)
    return {status: int(number) for status, number in conn.execute(query)}


def row_of(conn: sa.Connection, case_id: str) -> CaseRow | None:
    """One case as listed."""
    query = listed().where(cases.c.case_id == case_id)
    row = conn.execute(query).mappings().first()
    return None if row is None else CaseRow(**row)


def case_of(conn: sa.Connection, case_id: str) -> Case | None:
    """The whole case as last judged, its detections worst first, its ticket as the desk has it."""
    query = sa.select(cases.c.document, cases.c.status, cases.c.ticket_key).where(cases.c.case_id == case_id)
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    ticket = outbox.ticket_of(conn, row.ticket_key) if row.ticket_key else None
    return Case.model_validate_json(row.document).model_copy(
        update={
            "detections": judged_of(conn, case_id),
            "status": row.status,
            "ticket": ticket.ticket if ticket else None,
        }
    )


def judged_of(conn: sa.Connection, case_id: str) -> tuple[JudgedDetection, ...]:
    """Every judged detection of a case, in the order in which they were filed (worst first)."""
    query = sa.select(detections.c.document).where(detections.c.case_id == case_id)
    query = query.order_by(detections.c.place, detections.c.detection_id)
    return tuple(JudgedDetection.model_validate_json(text) for text in conn.execute(query).scalars())


def hosts_talking_to(conn: sa.Connection, dst_ip: str, dst_port: int | None = None) -> tuple[str, ...]:
    """Hosts of ours with an open case whose detections name this destination: the blast radius of an address block."""
    query = sa.select(cases.c.host).distinct().join(detections, detections.c.case_id == cases.c.case_id)
    query = query.where(detections.c.dst_ip == dst_ip, cases.c.closed_at.is_(None))
    query = query if dst_port is None else query.where(detections.c.dst_port == dst_port)
    return tuple(conn.execute(query.order_by(cases.c.host)).scalars())


def is_being_filed(conn: sa.Connection, run_id: str, now: datetime) -> bool:
    """Whether this run is being filed: begun within the last ten minutes, and not at its end yet."""
    query = sa.select(runs.c.run_id).where(
        runs.c.run_id == run_id, runs.c.finished_at.is_(None), runs.c.filed_at > now - _LONGEST_FILING
    )
    return conn.execute(query).first() is not None


def resolve(
    conn: sa.Connection,
    case_id: str,
    disposition: Disposition,
    who: str,
    reason: str,
    now: datetime,
    fault: Fault = "query",
) -> str | None:
    """A person closes the case with their disposition; None when done, else why not.

    ``fault``: what a FALSE_POSITIVE comes from.
    """
    done = conn.execute(
        cases.update()
        .where(cases.c.case_id == case_id, cases.c.closed_at.is_(None))
        .values(
            status="closed",
            closed_at=now,
            closed_by=who,
            updated_at=now,
            person_disposition=disposition,
            person_by=who,
            person_reason=reason,
            person_fault=fault,
            person_at=now,
        )
    )
    if done.rowcount == 0:
        return _why_not(conn, case_id, "is closed already")
    because = {"fault": fault} if disposition == "FALSE_POSITIVE" else {}
    audit.append(conn, now, case_id, who, "case resolved", {"disposition": disposition, "reason": reason, **because})
    approval_requests.withdraw_requests(conn, case_id, now, f"the case was resolved as {disposition}", who)
    write_back_outbox.enqueue_case(conn, case_id, now)
    outbox.comment_on_case(
        conn, case_id, f"resolved:{case_id}:{now.isoformat()}", f"{who} resolved it as {disposition}: {reason}", now
    )
    return None


def reopen(conn: sa.Connection, case_id: str, who: str, now: datetime) -> str | None:
    """A person opens a closed case again; what was said of it stays in the audit trail. None when done, or why not."""
    row = row_of(conn, case_id)
    if row is None or row.closed_at is None:
        return _why_not(conn, case_id, "is not closed")
    other = conn.execute(
        sa.select(cases.c.case_id).where(cases.c.host == row.host, cases.c.closed_at.is_(None))
    ).scalar_one_or_none()
    if other is not None:
        return f"{case_id}: its host has an open case already, {other}"
    conn.execute(
        cases.update()
        .where(cases.c.case_id == case_id)
        .values(
            status="ticket",
            closed_at=None,
            closed_by="",
            updated_at=now,
            person_disposition="",
            person_by=who,
            person_reason="opened again",
            person_fault="query",
            person_at=now,
        )
    )
    audit.append(conn, now, case_id, who, "case reopened", {"closed_by": row.closed_by})
    write_back_outbox.enqueue_case(conn, case_id, now)
    outbox.comment_on_case(conn, case_id, f"reopened:{case_id}:{now.isoformat()}", f"{who} opened the case again", now)
    return None


def _why_not(conn: sa.Connection, case_id: str, otherwise: str) -> str:
    return f"{case_id}: {otherwise if row_of(conn, case_id) else 'no such case'}"
