"""Timers: what has fired."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "timer_firings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("timer", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_timer_firings_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timer_firings")),
        sa.UniqueConstraint("subject_id", "timer", "due_at", name=op.f("uq_timer_firings_subject_id_timer_due_at")),
    )
    op.create_index("ix_timer_firings_batch", "timer_firings", ["batch"])
    op.create_index("ix_timer_firings_ticket", "timer_firings", ["ticket_id", "fired_at"])
