"""What a responder does with a case beside answering: take it over, hand it back, and put its plan to people again."""

from datetime import datetime

import sqlalchemy as sa

from playbook.cases import approval_requests, audit, case_rows, containments, outbox
from playbook.cases.approval_requests import RequestPolicy
from playbook.cases.case_rows import CaseRow
from playbook.cases.response_state import MAY_ASK_AGAIN, WORDS
from playbook.cases.schema import cases

# What stands where the plan is the playbook's own proposal still.
_PLAYBOOK = "playbook"


def take_over(conn: sa.Connection, case_id: str, who: str, now: datetime) -> str | None:
    """``who`` takes an open case over, from somebody else too; None when done, else why not."""
    return _assign(conn, case_id, who, who, now)


def hand_back(conn: sa.Connection, case_id: str, who: str, now: datetime) -> str | None:
    """Nobody has the case any more; None when done, else why not."""
    return _assign(conn, case_id, "", who, now)


def _assign(conn: sa.Connection, case_id: str, assignee: str, who: str, now: datetime) -> str | None:
    row = case_rows.row_of(conn, case_id)
    if row is None:
        return f"{case_id}: no such case"
    if row.closed_at is not None:
        return f"{case_id}: is closed"
    if row.assignee == assignee:
        return f"{case_id}: {assignee or 'nobody'} has it already"
    values = {"assignee": assignee, "assigned_at": now if assignee else None}
    conn.execute(cases.update().where(cases.c.case_id == case_id).values(values))
    audit.append(
        conn, now, case_id, who, "case taken over" if assignee else "case handed back", {"before": row.assignee}
    )
    text = f"{who} took the case over" if assignee else f"{who} handed the case back"
    outbox.comment_on_case(conn, case_id, f"assigned:{case_id}:{now.isoformat()}", text, now)
    return None


def ask_again(
    conn: sa.Connection, case_id: str, terms: RequestPolicy, who: str, reason: str, now: datetime
) -> tuple[str, str]:
    """Put the plan of a case to people once more: (request, "") when done, else ("", why not).

    What a person denied or released is asked by ``who``, who therefore may not answer it: one person's word is
    overridden by two others only. What expired, failed or ended by itself stays the playbook's own question.
    """
    case, row = case_rows.case_of(conn, case_id), case_rows.row_of(conn, case_id)
    if case is None or row is None:
        return "", f"{case_id}: no such case"
    if row.state not in MAY_ASK_AGAIN:
        return "", f"{case_id}: {WORDS[row.state]}: there is nothing to ask again"
    if case.plan is None:
        return "", f"{case_id}: no step passes the guardrails now: contain it by hand"
    requester = who if _by_a_person(conn, row) else _PLAYBOOK
    request = approval_requests.create_request(conn, case_id, case.host, case.plan, terms, requester, now, repeat=True)
    if request is None:
        return "", f"{case_id}: everything that the plan proposes is in force"
    audit.append(conn, now, case_id, who, "asked again", {"request_id": request, "reason": reason, "was": row.state})
    return request, ""


def _by_a_person(conn: sa.Connection, row: CaseRow) -> bool:
    """Whether a person's word is what ended the containment of the case, or its last question."""
    if row.state == "denied":
        return True
    if row.state != "released":
        return False
    ended = containments.list_containments(conn, ("released",), row.case_id)
    last = max(ended, key=lambda one: one.updated_at, default=None)
    return last is not None and bool(last.release_by)
