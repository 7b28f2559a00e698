"""Call-backs that reached nobody are tried again, at another time of the day."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Expand."""
    op.add_column("line_callbacks", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("line_callbacks", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True))
