"""Versions of what administrators edit, so that nobody overwrites what somebody else changed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = ("units", "users", "line_numbers", "line_queues", "line_duty_mobiles")


def upgrade() -> None:
    """Expand."""
    for table in TABLES:
        op.add_column(table, sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.create_index("ix_ledger_at", "ledger", ["at", "id"])
    op.create_index("ix_ledger_actor", "ledger", ["actor_id", "id"])
