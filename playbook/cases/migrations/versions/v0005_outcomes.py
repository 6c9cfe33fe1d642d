"""Outcomes that are written back to the SIEM that a detection came from."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create these tables."""
    op.create_table(
        "outcomes",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("finding_id", sa.String(300), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("case_id", sa.String(255), nullable=False),
        sa.Column("disposition", sa.String(32), nullable=False),
        sa.Column("fault", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.Column("written_at", sa.String(32), nullable=True),
        sa.Column("held_until", sa.String(32), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_outcomes"),
    )
    op.create_index("ix_outcomes_source_written_at", "outcomes", ["source", "written_at"], unique=False)
    op.create_table(
        "outcome_cases",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("case_id", sa.String(255), nullable=False),
        sa.Column("disposition", sa.String(32), nullable=False),
        sa.Column("fault", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["outcomes.key"], name="fk_outcome_cases_key"),
        sa.PrimaryKeyConstraint("key", "case_id", name="pk_outcome_cases"),
    )
    op.create_index("ix_outcome_cases_case_id", "outcome_cases", ["case_id"], unique=False)
