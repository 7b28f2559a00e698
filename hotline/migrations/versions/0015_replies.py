"""Replies with their evidence; secrecy: levels, looks at citizens, requests to know who they are; mobiles of users."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Expand."""
    op.add_column("replies", sa.Column("explanation", sa.String(), server_default="", nullable=False))
    op.add_column("replies", sa.Column("evidence", sa.String(), server_default="", nullable=False))
    op.add_column("replies", sa.Column("contact_call_id", sa.Uuid(), nullable=True))
    op.add_column("tickets", sa.Column("secrecy", sa.String(), server_default="none", nullable=False))
    op.add_column("tickets", sa.Column("emergency", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("users", sa.Column("phone", sa.Text(), nullable=True))
    op.create_table(
        "unmaskings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_unmaskings_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmaskings")),
    )
    op.create_index("ix_unmaskings_ticket_user", "unmaskings", ["ticket_id", "user_id", "until"])
    op.create_table(
        "identity_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name=op.f("fk_identity_requests_assignment_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_identity_requests_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_requests")),
    )
    waiting = sa.text("state = 'open'")
    op.create_index(
        "uq_identity_requests_open", "identity_requests", ["assignment_id"], unique=True, postgresql_where=waiting
    )
    op.create_index("ix_identity_requests_ticket", "identity_requests", ["ticket_id"])
    op.create_index("ix_identity_requests_waiting", "identity_requests", ["requested_at"], postgresql_where=waiting)
    op.create_table(
        "regulation_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("issuer", sa.String(length=60), nullable=False),
        sa.Column("level", sa.String(length=4), nullable=False),
        sa.Column("issued", sa.Date(), nullable=True),
        sa.Column("effective_from", sa.Date(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("added_name", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regulation_versions")),
        sa.UniqueConstraint("code", "n", name=op.f("uq_regulation_versions_code_n")),
    )
