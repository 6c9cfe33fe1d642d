"""The tables of what is still to be said outside: tickets, comments, notices, write-backs and events."""

import sqlalchemy as sa

from playbook.cases.schema.columns import (
    document,
    flag,
    metadata,
    number,
    reference,
    text,
    time,
)

tickets = sa.Table(
    "tickets",
    metadata,
    text("key", primary_key=True),
    text("state", 16),
    text("title", 500),
    text("desk"),
    text("reference"),
    document("text"),
    document("case_ids"),
    time("created_at"),
    time("updated_at"),
    time("opened_at", True),
    number("tries"),
    text("trouble", 2000),
    sa.Index(None, "state", "created_at"),
)
comments = sa.Table(
    "comments",
    metadata,
    text("key", primary_key=True),
    reference("ticket_key", "tickets.key"),
    document("text"),
    time("created_at"),
    time("sent_at", True),
    number("tries"),
    text("trouble", 2000),
    sa.Index(None, "sent_at", "created_at"),
)
notices = sa.Table(
    "notices",
    metadata,
    text("key", primary_key=True),
    text("case_id"),
    flag("urgent"),
    time("created_at"),
    time("sent_at", True),
    number("tries"),
    text("trouble", 2000),
    document(),
    sa.Index(None, "sent_at", "created_at"),
)
# A finding of a SIEM and what is to be said there; ``reference`` is the connector's own text. See cases/outcomes.py.
outcomes = sa.Table(
    "outcomes",
    metadata,
    text("key", 64, primary_key=True),
    text("source"),
    text("finding_id", 300),
    document("reference"),
    flag("whole"),
    text("case_id"),
    text("disposition", 32),
    text("fault", 16),
    document("reason"),
    number("round"),
    time("created_at"),
    time("updated_at"),
    time("written_at", True),
    time("held_until", True),
    number("tries"),
    text("trouble", 2000),
    sa.Index(None, "source", "written_at"),
)
outcome_cases = sa.Table(
    "outcome_cases",
    metadata,
    reference("key", "outcomes.key", primary_key=True),
    text("case_id", primary_key=True),
    text("disposition", 32),
    text("fault", 16),
    document("reason"),
    sa.Index(None, "case_id"),
)
# ``number`` is the order in which events happened, whatever clocks said.
events = sa.Table(
    "events",
    metadata,
    text("key", primary_key=True),
    text("kind", 32),
    text("case_id"),
    time("created_at"),
    time("sent_at", True),
    number("tries"),
    text("last_error", 2000),
    document(),
    number("number"),
    sa.Index("ix_events_sent_at", "sent_at", "number"),
    sa.Index("ix_events_number", "number", unique=True),
)
