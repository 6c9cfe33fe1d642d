"""Events for platforms that wait for them: stored with the change they tell of, sent until a receiver took them."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from playbook.cases.schema import events
from playbook.model.event import Event
from playbook.model.response import Decision

Kind = Literal["case_filed", "waiting", "approved", "denied", "in_force", "released", "failed"]
_KEPT = timedelta(days=7)


def add(conn: sa.Connection, kind: Kind, subject: str, case_id: str, now: datetime, content: Mapping[str, Any]) -> bool:
    """Put an event into the outbox once a kind and subject; False when it is there already."""
    key = f"{kind}:{subject}"[:255]
    if conn.execute(sa.select(events.c.key).where(events.c.key == key)).first():
        return False
    last = conn.execute(sa.select(sa.func.max(events.c.number))).scalar_one()
    conn.execute(
        events.insert(),
        {
            "number": (last or 0) + 1,
            "key": key,
            "kind": kind,
            "case_id": case_id,
            "created_at": now,
            "tries": 0,
            "last_error": "",
            "document": json.dumps(dict(content)),
        },
    )
    return True


def answer_content(decision: Decision, request_id: str, host: str) -> dict[str, Any]:
    """What is told of an answer that ended a request."""
    return {
        "request_id": request_id,
        "plan_id": decision.plan_id,
        "digest": decision.digest,
        "by": decision.who,
        "via": decision.via,
        "host": host,
    }


def unsent(conn: sa.Connection, limit: int = 500) -> tuple[Event, ...]:
    """Events that nobody took yet, oldest first."""
    query = sa.select(events).where(events.c.sent_at.is_(None)).order_by(events.c.number)
    return tuple(
        Event(
            key=row["key"],
            kind=row["kind"],
            case_id=row["case_id"],
            at=row["created_at"],
            content=json.loads(row["document"]),
        )
        for row in conn.execute(query.limit(limit)).mappings()
    )


def tried(conn: sa.Connection, key: str, now: datetime, error: str = "") -> None:
    """An event was taken by every receiver, or was tried in vain (``error``)."""
    conn.execute(
        events.update()
        .where(events.c.key == key)
        .values(tries=events.c.tries + 1, last_error=error[:2000], **({} if error else {"sent_at": now}))
    )


def forget(conn: sa.Connection, now: datetime) -> int:
    """Delete what was sent more than a week ago; how many."""
    return conn.execute(events.delete().where(events.c.sent_at < now - _KEPT)).rowcount
