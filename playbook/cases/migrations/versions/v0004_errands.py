"""When each source is due."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create these tables."""
    op.create_table(
        "errands",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("due_at", sa.String(32), nullable=False),
        sa.Column("trouble", sa.String(2000), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_errands"),
    )
