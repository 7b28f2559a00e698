"""Keys of encrypted objects of the archive."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "archive_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store_key", sa.String(length=512), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("suite", sa.String(length=20), nullable=False),
        sa.Column("master_id", sa.String(length=40), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_keys")),
        sa.UniqueConstraint("store_key", "digest", "suite", name=op.f("uq_archive_keys_store_key_digest_suite")),
    )
    op.create_index(op.f("ix_archive_keys_master_id"), "archive_keys", ["master_id"])
