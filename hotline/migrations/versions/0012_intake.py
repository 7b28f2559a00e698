"""Intake: the elements of an account, what is being typed, and what the register and similar orders are found by."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Expand."""
    op.add_column("tickets", sa.Column("subject", sa.String(), server_default="", nullable=False))
    op.add_column("tickets", sa.Column("demand", sa.String(), server_default="", nullable=False))
    op.create_index(
        "ix_tickets_open_matter",
        "tickets",
        ["matter", "area", "opened_at"],
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_refusals_at", "refusals", [sa.text("coalesce(second_at, proposed_at)"), "id"])
    op.create_table(
        "draft_typing",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_draft_typing_ticket_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_draft_typing_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("ticket_id", "user_id", name=op.f("pk_draft_typing")),
    )
