"""知会 is a unit's part without a round; what was half typed into orders that left intake goes."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Expand; nothing of these words was part of an order."""
    op.alter_column("assignments", "round_id", existing_type=sa.Uuid(), nullable=True)
    op.execute(
        "DELETE FROM draft_typing USING tickets"
        " WHERE tickets.id = draft_typing.ticket_id AND tickets.state NOT IN ('draft', 'confirmed')"
    )
