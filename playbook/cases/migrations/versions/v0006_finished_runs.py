"""Runs are filed in parts; those of before were filed in one."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add when a run was filed to its end."""
    op.add_column("runs", sa.Column("finished_at", sa.String(32), nullable=True))
    op.execute("UPDATE runs SET finished_at = filed_at")
