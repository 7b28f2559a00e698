"""Who was brought into a citizen's call: to what kind of place, and since when with all three together."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Expand."""
    op.add_column("line_call_legs", sa.Column("how", sa.String(8), nullable=True))
    op.add_column("line_call_legs", sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE line_call_legs SET joined_at = done_at WHERE result = 'joined'")
