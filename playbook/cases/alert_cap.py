"""The cap on alerts: how many of an account are judged within an hour, and the one digest ticket of the rest."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from playbook.cases import outbox
from playbook.cases.schema import alerts
from playbook.model.case import Ticket

_HOUR = timedelta(hours=1)
# Beyond so many times the cap an account's alerts are counted and not stored: it is a flood.
_STORED_FACTOR = 10
_LISTED = 20


def room(conn: sa.Connection, account: str, per_hour: int, now: datetime) -> int:
    """How many more alerts of this account are judged within the hour."""
    return max(0, per_hour - _within_the_hour(conn, account, now, alerts.c.state != "over_cap"))


def room_over(conn: sa.Connection, account: str, per_hour: int, now: datetime) -> int:
    """How many more that are over the cap are stored within the hour."""
    return max(0, per_hour * _STORED_FACTOR - _within_the_hour(conn, account, now, alerts.c.state == "over_cap"))


def _within_the_hour(conn: sa.Connection, account: str, now: datetime, which: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(alerts)
    query = query.where(alerts.c.account == account, alerts.c.received_at > now - _HOUR, which)
    return int(conn.execute(query).scalar_one())


def write_digest(
    conn: sa.Connection, documents: Sequence[str], number: int, account: str, per_hour: int, now: datetime
) -> None:
    """Bring the hour's one ticket up to date: ``number`` more came over the cap, these new ones among them."""
    key = f"alerts:{account}:{now:%Y-%m-%dT%H}"
    before = outbox.ticket_of(conn, key)
    total = number + (int(before.ticket.text.split(" ", 1)[0]) if before else 0)
    text = (
        f"{total} alerts came over the cap in the hour from {now:%Y-%m-%d %H}:00 UTC and are not judged; "
        "send them again later, or raise limits.alerts_per_hour. Of the last ones:"
    )
    ticket = Ticket(
        key=key,
        title=f"Alerts of {account} over its cap of {per_hour} an hour",
        state="digest",
        text="\n".join((text, *map(_conversation, documents[:_LISTED]))),
    )
    outbox.put_ticket(conn, ticket, now)


def _conversation(document: str) -> str:
    columns = json.loads(document).get("columns", {})
    return f"{columns.get('src_ip', '?')} to {columns.get('dst_ip', '?')} port {columns.get('dst_port', '?')}"
