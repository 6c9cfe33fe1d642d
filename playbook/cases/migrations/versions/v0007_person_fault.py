"""A person who says FALSE_POSITIVE says whether the query or the data was wrong."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what was wrong; of those who were not asked it is the query."""
    op.add_column("cases", sa.Column("person_fault", sa.String(16), nullable=False, server_default="query"))
