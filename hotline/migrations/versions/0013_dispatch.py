"""Dispatch: what was suggested, on what a choice rests, the knowledge item of an answer, examples, and what finds them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Expand; dispatches to several units of the past cite the words that their lead's part holds."""
    op.add_column("rounds", sa.Column("cites", sa.String(length=10), nullable=True))
    op.add_column("rounds", sa.Column("power", sa.String(length=40), nullable=True))
    empty = sa.text("'[]'::jsonb")
    op.add_column(
        "rounds",
        sa.Column("suggested", postgresql.JSONB(astext_type=sa.Text()), server_default=empty, nullable=False),
    )
    op.execute(
        "UPDATE rounds SET cites = CASE WHEN lead.basis LIKE '热线中心%' THEN 'decision' ELSE 'catalogue' END"
        " FROM assignments AS lead WHERE lead.round_id = rounds.id AND lead.role = 'lead' AND lead.basis <> ''"
        " AND rounds.kind <> 'rework'"
    )
    op.add_column("tickets", sa.Column("knowledge_item", sa.String(length=40), nullable=True))
    op.add_column("tickets", sa.Column("knowledge_version", sa.Integer(), nullable=True))
    op.add_column("tickets", sa.Column("example", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_check_constraint(
        op.f("ck_tickets_knowledge"), "tickets", "(knowledge_item IS NULL) = (knowledge_version IS NULL)"
    )
    sent = sa.text("first_dispatched_at IS NOT NULL")
    op.create_index("ix_tickets_matter", "tickets", ["matter", "id"], postgresql_where=sent)
