"""Files that were put to orders stand in the daily seal, beside the recordings."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"

FILES = "ticket_attachments"


def upgrade() -> None:
    """Expand: a process of before writes leaves of recordings alone, and files without a salt of their own."""
    op.add_column("archive_leaves", sa.Column("what", sa.String(12), server_default="recording", nullable=False))
    salt = sa.Column("salt", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False)
    op.add_column(FILES, salt)
    op.create_index(op.f("ix_ticket_attachments_added_at"), FILES, ["added_at"])
