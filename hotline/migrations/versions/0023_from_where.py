"""From where each act on an order came; answers that may be published are found by the day of their closing."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Expand."""
    op.add_column("ticket_events", sa.Column("address", sa.String(), server_default="", nullable=False))
    op.create_index("ix_tickets_published", "tickets", ["closed_at"], postgresql_where=sa.text("publish_ok IS TRUE"))
