"""改类 that waits for its second person; a finding on an answer of the centre itself has no round."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "retypes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("category_before", sa.String(), nullable=False),
        sa.Column("category_after", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_by", sa.Uuid(), nullable=True),
        sa.Column("second_reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name="fk_retypes_round_id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_retypes_ticket_id"),
        sa.PrimaryKeyConstraint("id", name="pk_retypes"),
    )
    op.create_index("ix_retypes_ticket_id", "retypes", ["ticket_id"])
    waiting = sa.text("state = 'proposed'")
    op.create_index("uq_retypes_proposed", "retypes", ["ticket_id"], unique=True, postgresql_where=waiting)
    op.alter_column("verifications", "round_id", existing_type=sa.Uuid(), nullable=True)
