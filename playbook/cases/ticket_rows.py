"""Tickets of a filed run, recorded before any desk is asked: bounded, one a case or destination, and renewed."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

import rfc8785
import sqlalchemy as sa

from playbook.cases import case_rows, outbox
from playbook.cases.schema import cases
from playbook.cases.ticket_plan import with_tickets
from playbook.config import Limits
from playbook.model.case import Case, Run, Ticket

TICKET_STATUSES = ("proposed", "ticket")


def ticketable(conn: sa.Connection, case_ids: Iterable[str]) -> tuple[Case, ...]:
    """Those of these recorded cases that belong into tickets."""
    found = (case_rows.case_of(conn, case_id) for case_id in case_ids)
    return tuple(case for case in found if case is not None and case.status in TICKET_STATUSES)


def file_tickets(conn: sa.Connection, told: Iterable[Case], limits: Limits, now: datetime) -> tuple[str, ...]:
    """The keys of tickets that are new or have new words, for these recorded cases.

    New tickets are bounded as one run's are; an open ticket of a case's own gets the new words and a comment.
    """
    without: list[Case] = []
    changed: list[str] = []
    for case in told:
        if case.ticket is None:
            without.append(case)
        elif case.ticket.key == f"case:{case.case_id}":
            _, (fresh,) = with_tickets((case.model_copy(update={"ticket": None}),), 1, 2)
            changed += [fresh.key] if _renew(conn, fresh, now) else []
    ticketed, tickets = with_tickets(without, limits.tickets_per_run, limits.group_ticket_min_hosts)
    for ticket in tickets:
        changed += [ticket.key] if _renew(conn, _with_earlier(conn, ticket), now) else []
    for case in ticketed:
        if case.ticket is not None:
            conn.execute(cases.update().where(cases.c.case_id == case.case_id).values(ticket_key=case.ticket.key))
    return tuple(changed)


def _with_earlier(conn: sa.Connection, ticket: Ticket) -> Ticket:
    """A destination's ticket keeps the cases it listed before."""
    known = outbox.ticket_of(conn, ticket.key)
    earlier = known.ticket.case_ids if known else ()
    return ticket.model_copy(update={"case_ids": tuple(dict.fromkeys((*earlier, *ticket.case_ids)))})


def _renew(conn: sa.Connection, ticket: Ticket, now: datetime) -> bool:
    known = outbox.ticket_of(conn, ticket.key)
    changed = outbox.put_ticket(conn, ticket, now)
    if changed and known is not None:
        key = hashlib.sha256(rfc8785.dumps([ticket.key, ticket.text])).hexdigest()[:32]
        outbox.enqueue_comment(conn, ticket.key, f"update:{key}", ticket.text, now)
    return changed


def file_silence(conn: sa.Connection, run: Run, now: datetime) -> tuple[str, ...]:
    """The one ticket of a source that gave less than was asked."""
    ticket = Ticket(
        key=f"silent:{run.source}",
        title=f"Source {run.source} is silent or incomplete",
        text="\n".join(run.warnings) or "The run was incomplete; absence of detections proves nothing.",
    )
    return (ticket.key,) if _renew(conn, ticket, now) else ()
