"""The tables of the durable record, as SQLAlchemy Core metadata that SQLite and PostgreSQL both take."""

from playbook.cases.schema.accounts import accounts, attempts, login_failures, sessions, tokens
from playbook.cases.schema.cases import cases, detections, errands, executors, journal, journal_head, runs
from playbook.cases.schema.columns import LongSanitizedText, SanitizedText, UtcTime, metadata, plain
from playbook.cases.schema.intake import alert_senders, alerts
from playbook.cases.schema.outbound import comments, events, notices, outcome_cases, outcomes, tickets
from playbook.cases.schema.response import containments, decisions, plans, receipts, requests

__all__ = [
    "LongSanitizedText",
    "SanitizedText",
    "UtcTime",
    "accounts",
    "alert_senders",
    "alerts",
    "attempts",
    "cases",
    "comments",
    "containments",
    "decisions",
    "detections",
    "errands",
    "events",
    "executors",
    "journal",
    "journal_head",
    "login_failures",
    "metadata",
    "notices",
    "outcome_cases",
    "outcomes",
    "plain",
    "plans",
    "receipts",
    "requests",
    "runs",
    "sessions",
    "tickets",
    "tokens",
]
