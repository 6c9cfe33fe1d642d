"""Requests whose time runs out: a reminder at half time, and silence is a no."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from playbook.cases import approval_requests, audit, events, outbox
from playbook.cases.schema import cases, requests
from playbook.model.response import Notice


def expire(conn: sa.Connection, now: datetime, limit: int = 1000) -> tuple[str, ...]:
    """End every request whose time is over: no answer is no. The requests that were ended."""
    query = _waiting(requests.c.expires_at <= now).limit(limit)
    ended = [
        row
        for row in conn.execute(query).mappings().all()
        if approval_requests.close_request(
            conn, row["request_id"], row["case_id"], "expired", now, "nobody answered in time"
        )
    ]
    for row in ended:
        events.add(
            conn,
            "denied",
            row["request_id"],
            row["case_id"],
            now,
            {"request_id": row["request_id"], "by": "playbook", "reason": "nobody answered in time"},
        )
        outbox.enqueue_notification(
            conn,
            row["case_id"],
            Notice(
                key=f"expired:{row['request_id']}",
                title=f"Denied by silence: {row['host']}",
                urgent=True,
                text="Nobody answered in time, so nothing is contained.",
                link=f"/cases/{row['case_id']}",
            ),
            now,
        )
        outbox.comment_on_case(
            conn, row["case_id"], f"expired:{row['request_id']}", "Nobody answered in time: denied.", now
        )
    return tuple(row["request_id"] for row in ended)


def remind(conn: sa.Connection, now: datetime, limit: int = 1000) -> tuple[str, ...]:
    """Put one reminder into the outbox for every request whose half time is over. The requests reminded of."""
    due = (requests.c.remind_at <= now) & (requests.c.expires_at > now) & requests.c.reminded_at.is_(None)
    rows = conn.execute(_waiting(due).limit(limit)).mappings().all()
    for row in rows:
        conn.execute(requests.update().where(requests.c.request_id == row["request_id"]).values(reminded_at=now))
        outbox.enqueue_notification(
            conn,
            row["case_id"],
            Notice(
                key=f"remind:{row['request_id']}",
                title=f"Still waiting for approval: {row['host']}",
                urgent=True,
                text=f"Without an answer it is denied at {row['expires_at']:%Y-%m-%d %H:%M} UTC.",
                link=f"/cases/{row['case_id']}",
            ),
            now,
        )
        audit.append(conn, now, row["case_id"], "playbook", "approval reminded", {"request_id": row["request_id"]})
    return tuple(row["request_id"] for row in rows)


def _waiting(when: sa.ColumnElement[bool]) -> sa.Select[Any]:
    query = sa.select(requests, cases.c.host).join(cases, cases.c.case_id == requests.c.case_id)
    return query.where(requests.c.state == "waiting", when).order_by(requests.c.expires_at, requests.c.request_id)
