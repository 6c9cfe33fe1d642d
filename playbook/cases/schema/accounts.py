"""The tables of accounts: people, tokens, sessions and failed log-ins."""

import sqlalchemy as sa

from playbook.cases.schema.columns import (
    metadata,
    number,
    reference,
    text,
    time,
)

accounts = sa.Table(
    "accounts",
    metadata,
    text("name", primary_key=True),
    text("role", 16),
    text("password_hash"),
    time("created_at"),
    text("created_by"),
    time("disabled_at", True),
    number("failures"),
    time("locked_until", True),
)
tokens = sa.Table(
    "tokens",
    metadata,
    text("token_hash", 64, primary_key=True),
    reference("account", "accounts.name"),
    text("label"),
    text("scope", 16),
    text("via", 16),
    time("created_at"),
    time("expires_at", True),
    time("revoked_at", True),
    text("scopes", 64, server_default="investigate"),
    sa.Index(None, "account"),
)
sessions = sa.Table(
    "sessions",
    metadata,
    text("session_hash", 64, primary_key=True),
    reference("account", "accounts.name"),
    text("csrf_hash", 64),
    time("created_at"),
    time("seen_at"),
    time("expires_at"),
    sa.Index(None, "account"),
)
attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    text("kind", 32),
    text("target"),
    text("key", 32),
    time("at"),
    sa.Index(None, "kind", "at"),
)
# Failed log-ins of a name from a place; ``key`` is a hash of both, whether or not there is such an account.
login_failures = sa.Table(
    "login_failures",
    metadata,
    text("key", 64, primary_key=True),
    number("failures"),
    time("failed_at"),
    time("locked_until", True),
    sa.Index(None, "failed_at"),
)
