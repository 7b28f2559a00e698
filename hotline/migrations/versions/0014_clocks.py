"""The record of a dispute's meeting, whether a reply was in time, limits of other laws that were refused, and leads by
the day of their dispatch."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """What was said at a meeting stood where the decision stands now, until the decision took its place."""
    op.add_column("disputes", sa.Column("place", sa.String(), server_default="", nullable=False))
    op.add_column("disputes", sa.Column("chair", sa.String(), server_default="", nullable=False))
    op.add_column("disputes", sa.Column("minutes", sa.String(), server_default="", nullable=False))
    op.add_column("disputes", sa.Column("recorded_by", sa.Uuid(), nullable=True))
    op.add_column(
        "disputes",
        sa.Column("attachments", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
    )
    op.execute("UPDATE disputes SET minutes = decision, decision = '' WHERE held_at IS NOT NULL AND closed_at IS NULL")
    op.add_column("dispute_attendees", sa.Column("signed", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("dispute_attendees", sa.Column("unsigned_reason", sa.String(), server_default="", nullable=False))
    op.add_column("replies", sa.Column("in_time", sa.Boolean(), nullable=True))
    now = sa.text("now()")
    op.add_column(
        "statutory_limits", sa.Column("proposed_at", sa.DateTime(timezone=True), server_default=now, nullable=False)
    )
    op.add_column("statutory_limits", sa.Column("rejected_by", sa.Uuid(), nullable=True))
    op.add_column("statutory_limits", sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("statutory_limits", sa.Column("rejected_reason", sa.String(), server_default="", nullable=False))
    op.execute("UPDATE replies SET in_time = due_at IS NULL OR submitted_at < due_at WHERE state = 'passed'")
    op.create_index(
        "ix_assignments_lead_dispatched",
        "assignments",
        ["dispatched_at", "unit_id"],
        postgresql_where=sa.text("role = 'lead'"),
    )


def downgrade() -> None:
    """Back."""
    op.drop_index("ix_assignments_lead_dispatched", table_name="assignments")
    op.drop_column("replies", "in_time")
    for name in ("rejected_reason", "rejected_at", "rejected_by", "proposed_at"):
        op.drop_column("statutory_limits", name)
    op.drop_column("dispute_attendees", "unsigned_reason")
    op.drop_column("dispute_attendees", "signed")
    for name in ("attachments", "recorded_by", "minutes", "chair", "place"):
        op.drop_column("disputes", name)
