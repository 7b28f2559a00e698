"""纠错: what readers of the knowledge base report as wrong, and the answers of the units."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_table(
        "knowledge_corrections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("said", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_name", sa.String(length=40), nullable=False),
        sa.CheckConstraint("verdict IN ('', 'right', 'wrong')", name=op.f("ck_knowledge_corrections_verdict")),
        sa.CheckConstraint("(answered_at IS NULL) = (verdict = '')", name=op.f("ck_knowledge_corrections_answered")),
        sa.ForeignKeyConstraint(["item_id"], ["knowledge_items.id"], name=op.f("fk_knowledge_corrections_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_corrections")),
    )
    op.create_index("ix_knowledge_corrections_item", "knowledge_corrections", ["item_id", "at"])
    op.create_index("ix_knowledge_corrections_at", "knowledge_corrections", ["at", "id"])
    op.create_index(
        "uq_knowledge_corrections_open",
        "knowledge_corrections",
        ["item_id", "by_id"],
        unique=True,
        postgresql_where=sa.text("answered_at IS NULL"),
    )
