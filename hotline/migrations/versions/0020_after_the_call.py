"""What callers think of the agent's service."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"


def upgrade() -> None:
    """Expand."""
    op.add_column("calls", sa.Column("rating", sa.SmallInteger(), nullable=True))
