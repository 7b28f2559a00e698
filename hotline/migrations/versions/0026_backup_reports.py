"""When the last backup was done, as the bureau's own script reports it."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "backup_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup_reports")),
    )
    op.create_index(op.f("ix_backup_reports_at"), "backup_reports", ["at"])
