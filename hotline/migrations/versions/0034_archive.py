"""The archive stays provable: keys of encrypted objects, SM3, what the check found, daily seals."""

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
    op.create_table(
        "archive_seals",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("root_sm3", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.Column("sealed_at", WHEN, nullable=False),
        sa.Column("checked_at", WHEN, nullable=True),
        sa.Column("finding", sa.String(length=2000), server_default="", nullable=False),
        sa.CheckConstraint("count >= 0", name=op.f("ck_archive_seals_count")),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_archive_seals")),
    )
    op.create_table(
        "archive_leaves",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("hash_sm3", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["day"], ["archive_seals.day"], name=op.f("fk_archive_leaves_day_archive_seals")),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_archive_leaves")),
        sa.UniqueConstraint("day", "place", name=op.f("uq_archive_leaves_day_place")),
    )
    op.add_column("recordings", sa.Column("sm3", sa.String(length=64), server_default="", nullable=False))
    op.add_column("recordings", sa.Column("checked_at", WHEN, nullable=True))
    op.add_column("recordings", sa.Column("finding", sa.String(length=300), server_default="", nullable=False))
    op.create_index(op.f("ix_recordings_catalogued_at"), "recordings", ["catalogued_at"])
    stored = sa.text("digest <> ''")
    op.create_index("ix_recordings_to_check", "recordings", ["checked_at", "id"], postgresql_where=stored)
    op.create_index("ix_recordings_found_wrong", "recordings", ["id"], postgresql_where=sa.text("finding <> ''"))
