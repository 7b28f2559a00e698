"""Citizens' requests for their own data: requests, corrections, acts, copies, restrictions of numbers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0041"
down_revision = "0040"

WHEN = sa.DateTime(timezone=True)
KINDS = "kind IN ('copy', 'correct', 'restrict', 'delete', 'explain')"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "citizen_restrictions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("placed_at", WHEN, nullable=False),
        sa.Column("placed_by_name", sa.String(40), nullable=False),
        sa.Column("lifted_at", WHEN, nullable=True),
        sa.Column("lifted_by_name", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_citizen_restrictions")),
        sa.UniqueConstraint("request_id", name=op.f("uq_citizen_restrictions_request_id")),
    )
    _by_number("citizen_restrictions")
    op.create_table(
        "data_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(30), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("way", sa.String(10), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("orders", JSONB(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("registered_at", WHEN, nullable=False),
        sa.Column("registered_by", sa.Uuid(), nullable=True),
        sa.Column("registered_by_name", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("warn_at", WHEN, nullable=False),
        sa.Column("due_at", WHEN, nullable=False),
        sa.Column("checked", sa.String(12), nullable=False),
        sa.Column("check_note", sa.String(200), nullable=False),
        sa.Column("checked_at", WHEN, nullable=True),
        sa.Column("checked_by_name", sa.String(40), nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("reasons", sa.String(1000), nullable=False),
        sa.Column("law", sa.String(700), nullable=False),
        sa.Column("kept_until", sa.Date(), nullable=True),
        sa.Column("decided_at", WHEN, nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(40), nullable=False),
        sa.Column("done_at", WHEN, nullable=True),
        sa.Column("done_note", sa.String(2000), nullable=False),
        sa.Column("answered_at", WHEN, nullable=True),
        sa.Column("answers", JSONB(), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_data_requests_kind")),
        sa.CheckConstraint("(verdict = '') = (decided_at IS NULL)", name=op.f("ck_data_requests_decided")),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> registered_by", name=op.f("ck_data_requests_two_people")
        ),
        sa.ForeignKeyConstraint(["registered_by"], ["users.id"], name=op.f("fk_data_requests_registered_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_data_requests_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_requests")),
        sa.UniqueConstraint("number", name=op.f("uq_data_requests_number")),
    )
    _by_number("data_requests")
    op.create_index("ix_data_requests_registered_at", "data_requests", ["registered_at", "id"])
    open_ = sa.text("state NOT IN ('answered', 'closed', 'withdrawn')")
    op.create_index("ix_data_requests_open", "data_requests", ["due_at"], postgresql_where=open_)
    op.create_table(
        "data_corrections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.String(10), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("result", sa.String(600), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["data_requests.id"], name=op.f("fk_data_corrections_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_corrections")),
        sa.UniqueConstraint("request_id", "field", name=op.f("uq_data_corrections_request_id_field")),
    )
    op.create_table(
        "data_request_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("act", sa.String(12), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(40), nullable=False),
        sa.Column("note", sa.String(2000), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["data_requests.id"], name=op.f("fk_data_request_steps_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_request_steps")),
    )
    op.create_index("ix_data_request_steps_request_id", "data_request_steps", ["request_id", "at"])
    op.create_table(
        "data_packages",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("ready_at", WHEN, nullable=True),
        sa.Column("expires_at", WHEN, nullable=True),
        sa.Column("gone_at", WHEN, nullable=True),
        sa.Column("store_key", sa.String(200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("counts", JSONB(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["data_requests.id"], name=op.f("fk_data_packages_request_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_data_packages")),
    )


def _by_number(table: str) -> None:
    op.create_index(f"ix_{table}_phone", table, [sa.text("split_part(phone, ':', 3)")])
