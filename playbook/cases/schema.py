"""The tables of the durable record, as SQLAlchemy Core metadata that SQLite and PostgreSQL both take."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware time as text of fixed width in UTC: the same bytes on every database, and text order is time order."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:
        """Aware time -> ``2026-03-02T00:00:00.000000+00:00``."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:
        """The text back as an aware time."""
        return None if value is None else datetime.fromisoformat(value)


class SanitizedText(sa.types.TypeDecorator[str]):
    """Text from anywhere, cut to the column's length and without what PostgreSQL refuses (NUL, lone surrogates).

    It holds for comparisons too, so that a value is found by the same text it was stored under.
    """

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """The text as it can be stored."""
        return None if value is None else plain(value)[: self.impl.length]  # type: ignore[attr-defined]


class LongSanitizedText(SanitizedText):
    """The same without a length."""

    impl = sa.Text
    cache_ok = True


def plain(text: str) -> str:
    """``text`` with U+FFFD in place of NUL and lone surrogates."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _text(name: str, length: int = 255, **more: Any) -> sa.Column[str]:
    return sa.Column(name, SanitizedText(length), nullable=False, **more)


def _number(name: str, **more: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, **more)


def _time(name: str, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, UtcTime, nullable=nullable)


def _document(name: str = "document") -> sa.Column[str]:
    return sa.Column(name, LongSanitizedText(), nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _of(name: str, target: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(255), sa.ForeignKey(target), nullable=False, **more)


def _unique_where(name: str, column: str, condition: str) -> sa.Index:
    return sa.Index(name, column, unique=True, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


# A run without ``finished_at`` is still being filed, or was cut off.
runs = sa.Table(
    "runs",
    metadata,
    _text("run_id", primary_key=True),
    _text("source"),
    _time("window_start"),
    _time("window_end"),
    _flag("complete"),
    _time("filed_at"),
    _time("finished_at", True),
    _document(),
)
# ``document`` is the Case as last judged. ``person_*`` is what a person said, kept beside our verdict, never over it.
cases = sa.Table(
    "cases",
    metadata,
    _text("case_id", primary_key=True),
    _text("host"),
    _text("status", 16),
    _text("disposition", 32),
    _text("confidence", 16),
    _time("first_seen"),
    _time("last_seen"),
    _time("opened_at"),
    _time("updated_at"),
    _time("closed_at", True),
    _text("closed_by"),
    _text("reopened_from"),
    _text("person_disposition", 32),
    _text("person_by"),
    _document("person_reason"),
    _text("person_fault", 16),
    _time("person_at", True),
    _number("watch_days"),
    _text("watch_day", 10),
    _text("ticket_key"),
    _text("run_id"),
    _document(),
    sa.Index(None, "status", "updated_at"),
    sa.Index(None, "host", "opened_at"),
    _unique_where("one_open_case_a_host", "host", "closed_at IS NULL"),
)
detections = sa.Table(
    "detections",
    metadata,
    _of("case_id", "cases.case_id", primary_key=True),
    _text("detection_id", primary_key=True),
    _number("place"),
    _text("src_ip", 64),
    _text("dst_ip", 64),
    _number("dst_port"),
    _text("disposition", 32),
    _text("status", 16),
    _time("first_seen"),
    _time("last_seen"),
    _time("updated_at"),
    _text("run_id"),
    _document(),
    sa.Index(None, "detection_id"),
    sa.Index(None, "dst_ip", "dst_port"),
)
# A request is one question to people; it never changes but for its answer. What it offers are plans, one per TTL.
requests = sa.Table(
    "requests",
    metadata,
    _text("request_id", primary_key=True),
    _of("case_id", "cases.case_id"),
    _text("state", 16),
    _text("requester"),
    _number("people"),
    _number("votes"),
    _time("asked_at"),
    _time("remind_at"),
    _time("expires_at"),
    _time("reminded_at", True),
    _time("decided_at", True),
    _text("decided_by"),
    _text("digest", 64),
    sa.Index(None, "state", "asked_at"),
    sa.Index(None, "case_id"),
    _unique_where("one_waiting_request_a_case", "case_id", "state = 'waiting'"),
)
plans = sa.Table(
    "plans",
    metadata,
    _of("request_id", "requests.request_id", primary_key=True),
    _text("digest", 64, primary_key=True),
    _text("plan_id"),
    _text("case_id"),
    _number("place"),
    _number("ttl_s"),
    _document(),
    sa.Index(None, "digest"),
    sa.Index(None, "plan_id"),
)
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of("request_id", "requests.request_id"),
    _text("case_id"),
    _text("plan_id"),
    _text("digest", 64),
    _text("who"),
    _text("via", 16),
    _flag("approve"),
    _document("comment"),
    _time("at"),
    _time("recorded_at"),
    sa.UniqueConstraint("request_id", "who"),
)
containments = sa.Table(
    "containments",
    metadata,
    _text("key", 32, primary_key=True),
    _of("case_id", "cases.case_id"),
    _text("request_id"),
    _text("digest", 64),
    _text("kind", 32),
    _text("target"),
    _text("connector"),
    _text("state", 16),
    _number("ttl_s"),
    _number("round"),
    _time("until", True),
    _time("created_at"),
    _time("updated_at"),
    _text("approved_by"),
    _text("release_by"),
    _text("trouble", 2000),
    _document("step"),
    sa.Index(None, "state", "until"),
    sa.Index(None, "case_id"),
)
receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of("key", "containments.key"),
    _number("round"),
    _text("action", 32),
    _flag("ok"),
    _flag("changed"),
    _time("at"),
    _document(),
    sa.Index(None, "key", "id"),
)
tickets = sa.Table(
    "tickets",
    metadata,
    _text("key", primary_key=True),
    _text("state", 16),
    _text("title", 500),
    _text("desk"),
    _text("reference"),
    _document("text"),
    _document("case_ids"),
    _time("created_at"),
    _time("updated_at"),
    _time("opened_at", True),
    _number("tries"),
    _text("trouble", 2000),
    sa.Index(None, "state", "created_at"),
)
comments = sa.Table(
    "comments",
    metadata,
    _text("key", primary_key=True),
    _of("ticket_key", "tickets.key"),
    _document("text"),
    _time("created_at"),
    _time("sent_at", True),
    _number("tries"),
    _text("trouble", 2000),
    sa.Index(None, "sent_at", "created_at"),
)
journal = sa.Table(
    "journal",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    _text("at", 40),
    _text("case_id"),
    _text("actor"),
    _text("kind", 64),
    _document("content"),
    _text("prev", 64),
    _text("hash", 64),
    sa.Index(None, "case_id", "seq"),
)
journal_head = sa.Table(
    "journal_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    _number("seq"),
    _text("hash", 64),
)
accounts = sa.Table(
    "accounts",
    metadata,
    _text("name", primary_key=True),
    _text("role", 16),
    _text("password_hash"),
    _time("created_at"),
    _text("created_by"),
    _time("disabled_at", True),
    _number("failures"),
    _time("locked_until", True),
)
tokens = sa.Table(
    "tokens",
    metadata,
    _text("token_hash", 64, primary_key=True),
    _of("account", "accounts.name"),
    _text("label"),
    _text("scope", 16),
    _text("via", 16),
    _time("created_at"),
    _time("expires_at", True),
    _time("revoked_at", True),
    _text("scopes", 64, server_default="investigate"),
    sa.Index(None, "account"),
)
sessions = sa.Table(
    "sessions",
    metadata,
    _text("session_hash", 64, primary_key=True),
    _of("account", "accounts.name"),
    _text("csrf_hash", 64),
    _time("created_at"),
    _time("seen_at"),
    _time("expires_at"),
    sa.Index(None, "account"),
)
attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("kind", 32),
    _text("target"),
    _text("key", 32),
    _time("at"),
    sa.Index(None, "kind", "at"),
)
notices = sa.Table(
    "notices",
    metadata,
    _text("key", primary_key=True),
    _text("case_id"),
    _flag("urgent"),
    _time("created_at"),
    _time("sent_at", True),
    _number("tries"),
    _text("trouble", 2000),
    _document(),
    sa.Index(None, "sent_at", "created_at"),
)
# ``name`` is a source and a length of time; ``trouble`` is why its last run failed.
errands = sa.Table("errands", metadata, _text("name", primary_key=True), _time("due_at"), _text("trouble", 2000))
# A finding of a SIEM and what is to be said there; ``reference`` is the connector's own text. See cases/outcomes.py.
outcomes = sa.Table(
    "outcomes",
    metadata,
    _text("key", 64, primary_key=True),
    _text("source"),
    _text("finding_id", 300),
    _document("reference"),
    _flag("whole"),
    _text("case_id"),
    _text("disposition", 32),
    _text("fault", 16),
    _document("reason"),
    _number("round"),
    _time("created_at"),
    _time("updated_at"),
    _time("written_at", True),
    _time("held_until", True),
    _number("tries"),
    _text("trouble", 2000),
    sa.Index(None, "source", "written_at"),
)
outcome_cases = sa.Table(
    "outcome_cases",
    metadata,
    _of("key", "outcomes.key", primary_key=True),
    _text("case_id", primary_key=True),
    _text("disposition", 32),
    _text("fault", 16),
    _document("reason"),
    sa.Index(None, "case_id"),
)
executors = sa.Table(
    "executors",
    metadata,
    _text("executor_id", primary_key=True),
    _time("started_at"),
    _time("beat_at"),
)
# An alert from outside: ``document`` as it was read, ``result`` what came of it; a row is held while it is worked on.
alerts = sa.Table(
    "alerts",
    metadata,
    _text("alert_id", 64, primary_key=True),
    _text("name"),
    _text("source"),
    _text("account"),
    _text("state", 16),
    _time("received_at"),
    _time("updated_at"),
    _time("held_until", True),
    _text("holder", 64),
    _number("tries"),
    _text("last_error", 2000),
    _text("case_id"),
    _text("detection_id", 64),
    _document(),
    _document("result"),
    sa.Index("ix_alerts_state", "state", "received_at"),
    sa.Index("ix_alerts_case_id", "case_id"),
    sa.Index("ix_alerts_account", "account", "received_at"),
)
# Everybody who sent an alert: none of them answers the plan that follows from it.
alert_senders = sa.Table(
    "alert_senders",
    metadata,
    _of("alert_id", "alerts.alert_id", primary_key=True),
    _text("account", primary_key=True),
    _time("sent_at"),
)
# ``number`` is the order in which events happened, whatever clocks said.
events = sa.Table(
    "events",
    metadata,
    _text("key", primary_key=True),
    _text("kind", 32),
    _text("case_id"),
    _time("created_at"),
    _time("sent_at", True),
    _number("tries"),
    _text("last_error", 2000),
    _document(),
    _number("number"),
    sa.Index("ix_events_sent_at", "sent_at", "number"),
    sa.Index("ix_events_number", "number", unique=True),
)
