"""What is out of scope: the referral directory, and questions that climb until somebody answers."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "referrals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("matters", sa.String(length=400), nullable=False),
        sa.Column("hours", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.Column("checked_by", sa.Uuid(), nullable=True),
        sa.Column("checked_by_name", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_by_name", sa.String(length=40), nullable=False),
        sa.Column("retired_reason", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["checked_by"], ["users.id"], name=op.f("fk_referrals_checked_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
    )
    used = sa.text("retired_at IS NULL")
    op.create_index("uq_referrals_name", "referrals", ["name"], unique=True, postgresql_where=used)
    op.create_index("ix_referrals_checked_on", "referrals", ["checked_on"], postgresql_where=used)
    op.create_table(
        "escalations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.String(length=500), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("opened_by_name", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_by_name", sa.String(length=40), nullable=False),
        sa.CheckConstraint("verdict IN ('', 'accept', 'refuse', 'elsewhere')", name=op.f("ck_escalations_verdict")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_escalations_ticket_id_tickets")),
        sa.ForeignKeyConstraint(["opened_by"], ["users.id"], name=op.f("fk_escalations_opened_by_users")),
        sa.ForeignKeyConstraint(["answered_by"], ["users.id"], name=op.f("fk_escalations_answered_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalations")),
    )
    waits = sa.text("answered_at IS NULL")
    op.create_index("uq_escalations_open", "escalations", ["ticket_id"], unique=True, postgresql_where=waits)
    op.create_index("ix_escalations_due_at", "escalations", ["due_at"], postgresql_where=waits)
    op.create_index("ix_escalations_opened_at", "escalations", ["opened_at", "id"])
    op.create_table(
        "escalation_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("escalation_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("post", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["escalation_id"], ["escalations.id"], name=op.f("fk_escalation_steps_escalation_id_escalations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_steps")),
        sa.UniqueConstraint("escalation_id", "n", name=op.f("uq_escalation_steps_escalation_id_n")),
    )
