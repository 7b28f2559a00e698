"""Replies with their evidence."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0010"


def upgrade() -> None:
    """Expand."""
    op.add_column("replies", sa.Column("explanation", sa.String(), server_default="", nullable=False))
    op.add_column("replies", sa.Column("evidence", sa.String(), server_default="", nullable=False))
    op.add_column("replies", sa.Column("contact_call_id", sa.Uuid(), nullable=True))
