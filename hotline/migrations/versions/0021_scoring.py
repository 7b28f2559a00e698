"""Scoring of calls: draws with their seed and population, the calls that were drawn, the marks of each step."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "scoring_draws",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("population", JSONB(), nullable=False),
        sa.Column("rules", JSONB(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drawn_by", sa.Uuid(), nullable=True),
        sa.Column("drawn_by_name", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["drawn_by"], ["users.id"], name=op.f("fk_scoring_draws_drawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scoring_draws")),
        sa.UniqueConstraint("first", "last", name=op.f("uq_scoring_draws_first_last")),
    )
    op.create_table(
        "scoring_samples",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("agent_name", sa.String(80), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("objection_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("objection", sa.String(1000), nullable=False),
        sa.Column("objected_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["users.id"], name=op.f("fk_scoring_samples_agent_id")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_scoring_samples_call_id")),
        sa.ForeignKeyConstraint(["draw_id"], ["scoring_draws.id"], name=op.f("fk_scoring_samples_draw_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scoring_samples")),
        sa.UniqueConstraint("call_id", name=op.f("uq_scoring_samples_call_id")),
    )
    op.create_index("ix_scoring_samples_draw", "scoring_samples", ["draw_id", "agent_name", "id"])
    op.create_index("ix_scoring_samples_agent", "scoring_samples", ["agent_id", "told_at"])
    waits = sa.text("state IN ('drawn', 'second', 'objected')")
    op.create_index("ix_scoring_samples_waiting", "scoring_samples", ["state"], postgresql_where=waits)
    op.create_table(
        "scoring_marks",
        sa.Column("sample_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(10), nullable=False),
        sa.Column("points", JSONB(), nullable=False),
        sa.Column("fatal", JSONB(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("comment", sa.String(1000), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_scoring_marks_by_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["scoring_samples.id"], name=op.f("fk_scoring_marks_sample_id")),
        sa.PrimaryKeyConstraint("sample_id", "step", name=op.f("pk_scoring_marks")),
    )
