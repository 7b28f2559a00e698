"""Telephones in the page: which sign-in was given the password, and how the sound of each call was."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Expand."""
    op.add_column("line_agents", sa.Column("phone_session_id", sa.Uuid(), nullable=True))
    op.create_table(
        "line_call_sounds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("linkedid", sa.String(length=128), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("jitter_ms", sa.Integer(), nullable=False),
        sa.Column("worst_jitter_ms", sa.Integer(), nullable=False),
        sa.Column("rtt_ms", sa.Integer(), nullable=True),
        sa.Column("worst_rtt_ms", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_line_call_sounds_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_call_sounds")),
    )
    op.create_index("ix_line_call_sounds_call", "line_call_sounds", ["node", "linkedid"])
