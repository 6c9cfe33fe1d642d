"""Who takes a case over, what a person searches for, and failed log-ins by account and address."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table; the owner of each known case comes from its document."""
    op.add_column("cases", sa.Column("owner", sa.String(255), nullable=False, server_default=""))
    op.add_column("cases", sa.Column("assignee", sa.String(255), nullable=False, server_default=""))
    op.add_column("cases", sa.Column("assigned_at", sa.String(32), nullable=True))
    op.add_column("detections", sa.Column("dst_name", sa.String(255), nullable=False, server_default=""))
    op.create_index("ix_detections_dst_name", "detections", ["dst_name"], unique=False)
    op.create_table(
        "login_failures",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.String(32), nullable=False),
        sa.Column("locked_until", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_login_failures"),
    )
    op.create_index("ix_login_failures_failed_at", "login_failures", ["failed_at"], unique=False)
    _name_owners()


def _name_owners() -> None:
    cases = sa.table("cases", sa.column("case_id"), sa.column("owner"), sa.column("document"))
    conn = op.get_bind()
    for row in conn.execute(sa.select(cases.c.case_id, cases.c.document)).all():
        owner = ((json.loads(row.document) or {}).get("record") or {}).get("owner") or ""
        if owner:
            conn.execute(cases.update().where(cases.c.case_id == row.case_id).values(owner=str(owner)[:255]))
