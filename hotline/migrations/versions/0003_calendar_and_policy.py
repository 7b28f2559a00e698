"""Versions of the policy and of the calendar; rounds by the calendar that they were counted by."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Expand."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "rule_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("version", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("based_on", sa.Uuid(), nullable=True),
        sa.Column("since", instant, nullable=True),
        sa.Column("document", sa.String(120), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("proposed_at", instant, nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_name", sa.String(40), nullable=False),
        sa.Column("settled_at", instant, nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("settled_name", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rule_versions"),
    )
    op.create_index("ix_rule_versions_kind_since", "rule_versions", ["kind", "since"])
    op.create_index(
        "uq_rule_versions_in_the_chain",
        "rule_versions",
        ["kind", "based_on"],
        unique=True,
        postgresql_where=sa.text("state = 'confirmed'"),
        postgresql_nulls_not_distinct=True,
    )
