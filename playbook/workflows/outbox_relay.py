"""The outbox emptied: tickets opened, comments added, people told, each marked only after somebody took it."""

from collections.abc import Callable
from functools import partial

import sqlalchemy as sa

from playbook.cases import approval_requests, case_rows, events, outbox
from playbook.cases.outbox import TicketRow
from playbook.errors import ConnectorError, RateLimited, Unauthorized, Unreachable
from playbook.model.response import Notice
from playbook.ports import TakesEvents
from playbook.workflows.context import WorkflowContext

# After one of these the desk is left alone until the next sweep; other faults concern one ticket only.
_DESK_IS_DOWN = (Unreachable, RateLimited, Unauthorized)
_QUESTIONS = ("ask:", "remind:")
_LATE_TRIES = 5


def open_tickets(works: WorkflowContext) -> int:
    """Open what no desk has yet, oldest first; how many were opened."""
    if not works.desks:
        return 0
    desk, number = works.desks[0], 0
    with works.outfit.store.reading() as conn:
        rows = outbox.pending_tickets(conn)
    for row in rows:
        try:
            reference = desk.open(row.ticket)
            trouble = _attach(works, row, reference)
        except ConnectorError as fault:
            _not_opened(works, row, str(fault))
            if isinstance(fault, _DESK_IS_DOWN):
                break
            continue
        with works.outfit.store.change() as conn:
            now = works.outfit.now()
            outbox.mark_opened(conn, row.ticket.key, desk.name, reference, now)
            if trouble:
                outbox.enqueue_comment(
                    conn,
                    row.ticket.key,
                    f"attach:{row.ticket.key}"[:255],
                    f"The report could not be attached: {trouble}",
                    now,
                )
        number += 1
    return number


def _attach(works: WorkflowContext, row: TicketRow, reference: str) -> str:
    """Attach the report of the ticket's first case; "" or what went wrong."""
    if works.report is None or not row.ticket.case_ids:
        return ""
    with works.outfit.store.reading() as conn:
        case = case_rows.case_of(conn, row.ticket.case_ids[0])
    if case is None:
        return ""
    try:
        works.desks[0].attach(reference, f"{case.case_id}.html", works.report(case))
    except ConnectorError as fault:
        return str(fault)
    return ""


def _not_opened(works: WorkflowContext, row: TicketRow, why: str) -> None:
    """Keep the failure; after a while people are told that questions wait for their tickets."""
    with works.outfit.store.change() as conn:
        now = works.outfit.now()
        outbox.mark_not_opened(conn, row.ticket.key, now, why)
        if row.tries + 1 >= _LATE_TRIES:
            outbox.enqueue_notification(
                conn,
                "",
                Notice(
                    key=f"desk:{works.desks[0].name}:{now:%Y-%m-%d}",
                    title=f"{works.desks[0].name} takes no tickets",
                    text=f"{approval_requests.pending_count(conn)} approvals wait, and nobody is asked before "
                    f"the ticket is there: {why}",
                    link="/",
                    urgent=True,
                ),
                now,
            )


def send_comments(works: WorkflowContext) -> int:
    """Add what is to be said in open tickets, oldest first; how many comments were added."""
    with works.outfit.store.reading() as conn:
        found = outbox.pending_comments(conn)
    desks = {desk.name: desk for desk in works.desks}
    down: set[str] = set()
    number = 0
    for comment, ticket in found:
        desk = desks.get(ticket.desk)
        if desk is None or ticket.desk in down:
            continue
        trouble = ""
        try:
            desk.comment(ticket.reference, comment.text, comment.key)
        except ConnectorError as fault:
            trouble = str(fault) or "failed"
            down |= {ticket.desk} if isinstance(fault, _DESK_IS_DOWN) else set()
        with works.outfit.store.change() as conn:
            outbox.mark_sent(conn, comment.key, works.outfit.now(), trouble)
        number += not trouble
    return number


def tell_people(works: WorkflowContext) -> int:
    """Deliver notices, urgent ones first; nobody is asked before the case's ticket is open. How many were taken."""
    with works.outfit.store.reading() as conn:
        found = [notice for notice in outbox.pending_notifications(conn, 2000) if _may_be_told(conn, works, notice)]
    number = 0
    down: set[str] = set()
    for notice in found:
        trouble = _told(works, notice, down)
        with works.outfit.store.change() as conn:
            outbox.mark_notified(conn, notice.key, works.outfit.now(), trouble)
        number += not trouble
        if trouble and len(down) == len(works.notifiers):
            break
    return number


def send_events(works: WorkflowContext) -> int:
    """Deliver events to every notifier that takes them, in order; each is sent until all took it. How many were.

    A receiver drops a repeat by the event's key. Where nobody takes events they are only kept.
    """
    receivers = [each for each in works.notifiers if isinstance(each, TakesEvents) and each.takes_events]
    with works.outfit.store.reading() as conn:
        waiting = events.unsent(conn)
    number = 0
    for event in waiting:
        errors = [
            f"{receiver.name}: {error}"
            for receiver in receivers
            if (error := _tried(partial(receiver.send_event, event)))
        ]
        with works.outfit.store.change() as conn:
            events.tried(conn, event.key, works.outfit.now(), "; ".join(errors))
        number += not errors
        if errors:
            break
    with works.outfit.store.change() as conn:
        events.forget(conn, works.outfit.now())
    return number


def _told(works: WorkflowContext, notice: Notice, down: set[str]) -> str:
    """ "" when somebody took it (or nobody is configured: the pages show it), else why nobody did."""
    troubles: list[str] = []
    taken = not works.notifiers
    for notifier in works.notifiers:
        if notifier.name in down:
            continue
        trouble = _tried(lambda one=notifier: one.tell(notice))  # type: ignore[misc]
        taken = taken or not trouble
        if trouble:
            troubles.append(f"{notifier.name}: {trouble}")
            down.add(notifier.name)
    return "" if taken else "; ".join(troubles) or "no notifier answers"


def _tried(call: Callable[[], None]) -> str:
    try:
        call()
    except ConnectorError as fault:
        return str(fault) or "failed"
    return ""


def _may_be_told(conn: sa.Connection, works: WorkflowContext, notice: Notice) -> bool:
    if not works.desks or not notice.key.startswith(_QUESTIONS):
        return True
    request = approval_requests.find_request(conn, notice.key.partition(":")[2])
    row = case_rows.row_of(conn, request.case_id) if request is not None else None
    if row is not None and not row.ticket_key and case_rows.is_being_filed(conn, row.run_id, works.outfit.now()):
        return False
    ticket = outbox.ticket_of(conn, row.ticket_key) if row is not None and row.ticket_key else None
    return ticket is None or ticket.state == "open"
