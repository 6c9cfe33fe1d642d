"""Alerts from outside, events for platforms, and the scopes of tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# What a token of before was good for, by the role that it was limited to; none of them files alerts.
_SCOPES = {
    "viewer": "investigate",
    "responder": "investigate",
    "approver": "investigate,approve,contain",
    "admin": "investigate,approve,contain",
}


def upgrade() -> None:
    """Create the tables, and give each token the scopes that its role had."""
    _alerts()
    _events()
    op.add_column("tokens", sa.Column("scopes", sa.String(64), nullable=False, server_default="investigate"))
    tokens = sa.table("tokens", sa.column("scope"), sa.column("scopes"))
    for role, scopes in _SCOPES.items():
        op.execute(tokens.update().where(tokens.c.scope == role).values(scopes=scopes))


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("account", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("held_until", sa.String(32), nullable=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(2000), nullable=False),
        sa.Column("case_id", sa.String(255), nullable=False),
        sa.Column("detection_id", sa.String(64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_state", "alerts", ["state", "received_at"], unique=False)
    op.create_index("ix_alerts_case_id", "alerts", ["case_id"], unique=False)
    op.create_index("ix_alerts_account", "alerts", ["account", "received_at"], unique=False)
    op.create_table(
        "alert_senders",
        sa.Column("alert_id", sa.String(255), nullable=False),
        sa.Column("account", sa.String(255), nullable=False),
        sa.Column("sent_at", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name="fk_alert_senders_alert_id"),
        sa.PrimaryKeyConstraint("alert_id", "account", name="pk_alert_senders"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("case_id", sa.String(255), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("sent_at", sa.String(32), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(2000), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_events"),
    )
    op.create_index("ix_events_sent_at", "events", ["sent_at", "number"], unique=False)
    op.create_index("ix_events_number", "events", ["number"], unique=True)
