"""Cases, detections, tickets, notices and the journal."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create these tables."""
    _runs()
    _cases()
    _detections()
    _tickets()
    _comments()
    _journal()
    _journal_head()
    _notices()


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(255), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("window_start", sa.String(32), nullable=False),
        sa.Column("window_end", sa.String(32), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("filed_at", sa.String(32), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
    )


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", sa.String(255), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("disposition", sa.String(32), nullable=False),
        sa.Column("confidence", sa.String(16), nullable=False),
        sa.Column("first_seen", sa.String(32), nullable=False),
        sa.Column("last_seen", sa.String(32), nullable=False),
        sa.Column("opened_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("closed_at", sa.String(32), nullable=True),
        sa.Column("closed_by", sa.String(255), nullable=False),
        sa.Column("reopened_from", sa.String(255), nullable=False),
        sa.Column("person_disposition", sa.String(32), nullable=False),
        sa.Column("person_by", sa.String(255), nullable=False),
        sa.Column("person_reason", sa.Text(), nullable=False),
        sa.Column("person_at", sa.String(32), nullable=True),
        sa.Column("watch_days", sa.Integer(), nullable=False),
        sa.Column("watch_day", sa.String(10), nullable=False),
        sa.Column("ticket_key", sa.String(255), nullable=False),
        sa.Column("run_id", sa.String(255), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_cases"),
    )
    op.create_index("ix_cases_host_opened_at", "cases", ["host", "opened_at"], unique=False)
    op.create_index("ix_cases_status_updated_at", "cases", ["status", "updated_at"], unique=False)
    op.create_index(
        "one_open_case_a_host",
        "cases",
        ["host"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _detections() -> None:
    op.create_table(
        "detections",
        sa.Column("case_id", sa.String(255), nullable=False),
        sa.Column("detection_id", sa.String(255), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("src_ip", sa.String(64), nullable=False),
        sa.Column("dst_ip", sa.String(64), nullable=False),
        sa.Column("dst_port", sa.Integer(), nullable=False),
        sa.Column("disposition", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("first_seen", sa.String(32), nullable=False),
        sa.Column("last_seen", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(255), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_detections_case_id"),
        sa.PrimaryKeyConstraint("case_id", "detection_id", name="pk_detections"),
    )
    op.create_index("ix_detections_detection_id", "detections", ["detection_id"], unique=False)
    op.create_index("ix_detections_dst_ip_dst_port", "detections", ["dst_ip", "dst_port"], unique=False)


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("desk", sa.String(255), nullable=False),
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("case_ids", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("opened_at", sa.String(32), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_tickets"),
    )
    op.create_index("ix_tickets_state_created_at", "tickets", ["state", "created_at"], unique=False)


def _comments() -> None:
    op.create_table(
        "comments",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("ticket_key", sa.String(255), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("sent_at", sa.String(32), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(2000), nullable=False),
        sa.ForeignKeyConstraint(["ticket_key"], ["tickets.key"], name="fk_comments_ticket_key"),
        sa.PrimaryKeyConstraint("key", name="pk_comments"),
    )
    op.create_index("ix_comments_sent_at_created_at", "comments", ["sent_at", "created_at"], unique=False)


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("case_id", sa.String(255), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("prev", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_journal"),
    )
    op.create_index("ix_journal_case_id_seq", "journal", ["case_id", "seq"], unique=False)


def _journal_head() -> None:
    op.create_table(
        "journal_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_head"),
    )


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("case_id", sa.String(255), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("sent_at", sa.String(32), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(2000), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_notices"),
    )
    op.create_index("ix_notices_sent_at_created_at", "notices", ["sent_at", "created_at"], unique=False)
