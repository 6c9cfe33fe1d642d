"""The open cases that need a person, most severe first, each with what a person has to know before reading it."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from playbook.cases import approval_requests, approvals, case_search
from playbook.cases.approval_requests import ApprovalRequest
from playbook.cases.case_rows import CaseRow
from playbook.cases.case_search import CaseSearch
from playbook.cases.schema import cases, detections
from playbook.model import Value
from playbook.model.case import Case
from playbook.model.response import Step

_MOST_REASONS = 2


class QueueCard(Value):
    """One case of the queue: where its worst detection goes, why it was convicted, what is proposed or to do by hand.

    ``votes`` are the approvals that count now, of ``people``; both 0 where nobody is asked.
    """

    row: CaseRow
    dst_ip: str
    dst_port: int
    dst_name: str
    more_destinations: int
    reasons: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    by_hand: tuple[str, ...] = ()
    people: int = 0
    votes: int = 0


def attention(conn: sa.Connection, now: datetime, limit: int = 50, offset: int = 0) -> tuple[QueueCard, ...]:
    """The cases that need a person, most severe first; at most 1,000 at a time."""
    wanted = CaseSearch(state="attention", sort="severity")
    rows = case_search.search(conn, wanted, now, limit, offset)
    asked = {one.case_id: one for one in approval_requests.waiting_of(conn, [row.case_id for row in rows])}
    return tuple(_card(conn, row, asked.get(row.case_id)) for row in rows)


def attention_count(conn: sa.Connection, now: datetime) -> int:
    """How many cases need a person."""
    return case_search.number(conn, CaseSearch(state="attention"), now)


def _card(conn: sa.Connection, row: CaseRow, asked: ApprovalRequest | None) -> QueueCard:
    document = conn.execute(sa.select(cases.c.document).where(cases.c.case_id == row.case_id)).scalar_one()
    case = Case.model_validate_json(document)
    first, more = _destinations(conn, row.case_id)
    votes = approvals.still_valid(conn, approvals.answers(conn, asked.request_id)) if asked else ()
    steps: Sequence[Step] = asked.offers[0].steps if asked and asked.offers else case.plan.steps if case.plan else ()
    return QueueCard(
        row=row,
        dst_ip=first[0],
        dst_port=first[1],
        dst_name=first[2],
        more_destinations=more,
        reasons=case.verdict.reasons[:_MOST_REASONS],
        steps=tuple(steps),
        by_hand=case.by_hand or tuple(f"{one.address} cannot be blocked: {one.reason}" for one in case.not_blockable),
        people=asked.people if asked else 0,
        votes=len(votes),
    )


def _destinations(conn: sa.Connection, case_id: str) -> tuple[tuple[str, int, str], int]:
    """Where the worst detection goes (address, port, name), and how many more destinations the case has."""
    query = sa.select(detections.c.dst_ip, detections.c.dst_port, detections.c.dst_name)
    rows = conn.execute(query.where(detections.c.case_id == case_id).order_by(detections.c.place)).all()
    if not rows:
        return ("", 0, ""), 0
    return (rows[0].dst_ip, rows[0].dst_port, rows[0].dst_name), len({(r.dst_ip, r.dst_port) for r in rows}) - 1
