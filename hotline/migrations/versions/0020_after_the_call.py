"""What callers think of the agent's service; places that are kept for callers who hang up."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Expand."""
    op.add_column("calls", sa.Column("rating", sa.SmallInteger(), nullable=True))
    op.create_table(
        "line_places",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("linkedid", sa.String(128), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_places")),
        sa.UniqueConstraint("node", "linkedid", name=op.f("uq_line_places_node_linkedid")),
    )
    op.create_index(
        "ix_line_places_open", "line_places", ["node", "since"], postgresql_where=sa.text("closed_at IS NULL")
    )
