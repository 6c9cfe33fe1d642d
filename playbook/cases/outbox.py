"""What is still to be said outside: tickets and their comments, and notices, stored with the change they tell of."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from playbook.cases.schema import cases, comments, notices, tickets
from playbook.model import Value
from playbook.model.case import Ticket
from playbook.model.response import Notice


class TicketRow(Value):
    """A ticket as recorded: ``state`` proposed (no desk has it yet), open or closed; ``reference`` is the desk's."""

    ticket: Ticket
    state: str
    desk: str
    reference: str
    tries: int
    trouble: str


class PendingComment(Value):
    """Something to add to a ticket once; ``key`` marks it."""

    key: str
    ticket_key: str
    text: str
    tries: int = 0


def enqueue_notification(conn: sa.Connection, case_id: str, notice: Notice, now: datetime) -> bool:
    """Put a notice into the outbox once; False when its key is there already."""
    if conn.execute(sa.select(notices.c.key).where(notices.c.key == notice.key)).first():
        return False
    conn.execute(
        notices.insert(),
        {
            "key": notice.key,
            "case_id": case_id,
            "urgent": notice.urgent,
            "created_at": now,
            "tries": 0,
            "trouble": "",
            "document": notice.model_dump_json(),
        },
    )
    return True


def pending_notifications(conn: sa.Connection, limit: int = 100) -> tuple[Notice, ...]:
    """Notices that nobody took yet, urgent ones first."""
    query = sa.select(notices.c.document).where(notices.c.sent_at.is_(None))
    query = query.order_by(notices.c.urgent.desc(), notices.c.created_at, notices.c.key).limit(limit)
    return tuple(Notice.model_validate_json(text) for text in conn.execute(query).scalars())


def mark_notified(conn: sa.Connection, key: str, now: datetime, trouble: str = "") -> None:
    """A notice was taken, or was tried in vain (``trouble``)."""
    _tried(conn, notices, notices.c.key == key, now, trouble)


def put_ticket(conn: sa.Connection, ticket: Ticket, now: datetime) -> bool:
    """Record a ticket once per key, or bring its words up to date; whether anything changed."""
    row = conn.execute(sa.select(tickets).where(tickets.c.key == ticket.key)).mappings().first()
    case_ids = json.dumps(ticket.case_ids)
    values = {"title": ticket.title[:500], "text": ticket.text, "case_ids": case_ids, "updated_at": now}
    if row is None:
        conn.execute(
            tickets.insert(),
            values
            | {
                "key": ticket.key,
                "state": "proposed",
                "desk": "",
                "reference": "",
                "created_at": now,
                "tries": 0,
                "trouble": "",
            },
        )
        return True
    if all(row[name] == values[name] for name in ("title", "text", "case_ids")):
        return False
    conn.execute(tickets.update().where(tickets.c.key == ticket.key).values(values))
    return True


def ticket_of(conn: sa.Connection, key: str) -> TicketRow | None:
    """The ticket of this key."""
    row = conn.execute(sa.select(tickets).where(tickets.c.key == key)).mappings().first()
    return None if row is None else _ticket(row)


def pending_tickets(conn: sa.Connection, limit: int = 100) -> tuple[TicketRow, ...]:
    """Tickets that no desk has yet, oldest first."""
    query = sa.select(tickets).where(tickets.c.state == "proposed").order_by(tickets.c.created_at, tickets.c.key)
    return tuple(_ticket(row) for row in conn.execute(query.limit(limit)).mappings())


def mark_opened(conn: sa.Connection, key: str, desk: str, reference: str, now: datetime) -> None:
    """A desk has the ticket under this reference."""
    conn.execute(
        tickets.update()
        .where(tickets.c.key == key)
        .values(
            state="open",
            desk=desk,
            reference=reference,
            opened_at=now,
            updated_at=now,
            trouble="",
        )
    )


def mark_not_opened(conn: sa.Connection, key: str, now: datetime, trouble: str) -> None:
    """A desk was asked in vain."""
    conn.execute(
        tickets.update()
        .where(tickets.c.key == key)
        .values(
            tries=tickets.c.tries + 1,
            trouble=trouble[:2000],
            updated_at=now,
        )
    )


def enqueue_comment(conn: sa.Connection, ticket_key: str, key: str, text: str, now: datetime) -> bool:
    """Put a comment for a ticket into the outbox once; False when its key is there or no such ticket is."""
    known = conn.execute(sa.select(comments.c.key).where(comments.c.key == key)).first()
    ticket = conn.execute(sa.select(tickets.c.key).where(tickets.c.key == ticket_key)).first()
    if known or not ticket:
        return False
    conn.execute(
        comments.insert(),
        {
            "key": key,
            "ticket_key": ticket_key,
            "text": text,
            "created_at": now,
            "tries": 0,
            "trouble": "",
        },
    )
    return True


def comment_on_case(conn: sa.Connection, case_id: str, key: str, text: str, now: datetime) -> bool:
    """Put a comment for the ticket of a case into the outbox once; False when it has none, or the key is there."""
    ticket = conn.execute(sa.select(cases.c.ticket_key).where(cases.c.case_id == case_id)).scalar_one()
    return bool(ticket) and enqueue_comment(conn, ticket, key[:255], text, now)


def pending_comments(conn: sa.Connection, limit: int = 100) -> tuple[tuple[PendingComment, TicketRow], ...]:
    """Comments that wait for an open ticket to take them, oldest first, each with its ticket."""
    query = sa.select(comments.c.key, comments.c.ticket_key, comments.c.text, comments.c.tries)
    query = query.join(tickets, tickets.c.key == comments.c.ticket_key)
    query = query.where(comments.c.sent_at.is_(None), tickets.c.state == "open")
    rows = conn.execute(query.order_by(comments.c.created_at, comments.c.key).limit(limit)).mappings().all()
    keys: Sequence[str] = [row["ticket_key"] for row in rows]
    known = {
        row["key"]: _ticket(row) for row in conn.execute(sa.select(tickets).where(tickets.c.key.in_(keys))).mappings()
    }
    return tuple((PendingComment(**row), known[row["ticket_key"]]) for row in rows)


def mark_sent(conn: sa.Connection, key: str, now: datetime, trouble: str = "") -> None:
    """A comment was taken, or was tried in vain (``trouble``)."""
    _tried(conn, comments, comments.c.key == key, now, trouble)


def _tried(conn: sa.Connection, table: sa.Table, which: Any, now: datetime, trouble: str) -> None:
    conn.execute(
        table.update()
        .where(which)
        .values(
            tries=table.c.tries + 1,
            trouble=trouble[:2000],
            **({} if trouble else {"sent_at": now}),
        )
    )


def _ticket(row: Any) -> TicketRow:
    return TicketRow(
        ticket=Ticket(
            key=row["key"],
            title=row["title"],
            text=row["text"],
            case_ids=tuple(json.loads(row["case_ids"])),
            state="open" if row["state"] == "open" else "proposed",
        ),
        **{name: row[name] for name in ("state", "desk", "reference", "tries", "trouble")},
    )
