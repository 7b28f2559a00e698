"""Several stores: what each replica holds of the archive, and which store is the primary."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "archive_copies",
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=520), nullable=False),
        sa.Column("wanted_at", WHEN, nullable=False),
        sa.Column("tried_at", WHEN, nullable=True),
        sa.Column("trouble", sa.String(length=300), server_default="", nullable=False),
        sa.Column("verified_at", WHEN, nullable=True),
        sa.Column("digest", sa.String(length=64), server_default="", nullable=False),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("doomed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("store", "name", name=op.f("pk_archive_copies")),
    )
    due = sa.text("verified_at IS NULL")
    op.create_index("ix_archive_copies_due", "archive_copies", ["store", "tried_at"], postgresql_where=due)
    op.create_index(
        op.f("ix_archive_copies_store_archive_copies_verified_at"), "archive_copies", ["store", "verified_at"]
    )
    op.create_index(op.f("ix_archive_copies_name"), "archive_copies", ["name"])
    op.create_table(
        "archive_primary",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("store", sa.String(length=40), nullable=False),
        sa.Column("since", WHEN, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_archive_primary_only")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_primary")),
    )
