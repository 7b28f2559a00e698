"""The search index of orders, and the indexes that their lists are read by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Expand. `hotline reindex` fills the table for orders that are already there."""
    op.create_table(
        "ticket_words",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_words_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket_words")),
    )
    op.create_index(
        "ix_ticket_words",
        "ticket_words",
        ["words"],
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 256},
    )
    op.create_index("ix_tickets_caller_last_four", "tickets", [sa.text("split_part(caller_phone, ':', 2)")])
    op.create_index("ix_tickets_number_begins", "tickets", ["number"], postgresql_ops={"number": "text_pattern_ops"})
    op.create_index("ix_tickets_area_opened", "tickets", ["area", "opened_at", "id"])
    op.create_index("ix_tickets_open_due", "tickets", ["due_at", "id"], postgresql_where=sa.text("closed_at IS NULL"))
