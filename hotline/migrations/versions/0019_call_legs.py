"""Who was brought into a citizen's call: asked, joined, or given the citizen."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "line_call_legs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("linkedid", sa.String(128), nullable=False),
        sa.Column("leg", sa.String(128), nullable=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("shown", sa.String(80), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_by_name", sa.String(40), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("result", sa.String(12), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_line_call_legs_asked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_call_legs")),
        sa.UniqueConstraint("leg", name=op.f("uq_line_call_legs_leg")),
    )
    op.create_index("ix_line_call_legs_call", "line_call_legs", ["node", "linkedid"])
