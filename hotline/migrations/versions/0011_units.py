"""Member units: profile, body above, former names, own details; inner dues, 告知, and what an answer gathers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"

JUDGED = """
UPDATE units SET lacks = array_remove(ARRAY['leader', 'office',
    CASE WHEN duty_phone IS NULL THEN 'phone' END,
    CASE WHEN NOT EXISTS (SELECT FROM users
        WHERE users.unit_id = units.id AND users.active AND 'unit-clerk' = ANY (users.roles)) THEN 'clerk' END], NULL)
"""


def upgrade() -> None:
    """Expand."""
    op.add_column("units", sa.Column("parent_unit_id", sa.Uuid(), nullable=True))
    op.add_column("units", sa.Column("office", sa.String(length=80), server_default="", nullable=False))
    op.add_column("units", sa.Column("leader_name", sa.Text(), nullable=True))
    op.add_column("units", sa.Column("leader_phone", sa.Text(), nullable=True))
    op.add_column(
        "units", sa.Column("lacks", postgresql.ARRAY(sa.String(length=20)), server_default="{}", nullable=False)
    )
    op.create_foreign_key(op.f("fk_units_parent_unit_id"), "units", "units", ["parent_unit_id"], ["id"])
    op.create_index(op.f("ix_units_parent_unit_id"), "units", ["parent_unit_id"])
    op.execute(JUDGED)
    op.add_column("users", sa.Column("stand_in_id", sa.Uuid(), nullable=True))
    op.add_column("users", sa.Column("away_until", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("fk_users_stand_in_id"), "users", "users", ["stand_in_id"], ["id"])
    op.create_index(op.f("ix_users_stand_in_id"), "users", ["stand_in_id"])
    op.create_table(
        "unit_former_profiles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("office", sa.String(length=80), nullable=False),
        sa.Column("leader_name", sa.Text(), nullable=True),
        sa.Column("leader_phone", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_unit_former_profiles_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_former_profiles")),
    )
    op.create_index("ix_unit_former_profiles_unit", "unit_former_profiles", ["unit_id", "until"])
    op.create_table(
        "unit_details",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_name", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_unit_details_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_details")),
        sa.UniqueConstraint("unit_id", "n", name=op.f("uq_unit_details_unit_id_n")),
    )
    for name in ("inner_due_at", "inform_due_at", "informed_at"):
        op.add_column("assignments", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name, columns, where in (
        ("ix_assignments_inner_due", ["inner_due_at", "id"], "closed_at IS NULL AND inner_due_at IS NOT NULL"),
        (
            "ix_assignments_inform_due",
            ["inform_due_at", "id"],
            "informed_at IS NULL AND closed_at IS NULL AND inform_due_at IS NOT NULL",
        ),
        ("ix_assignments_parent", ["parent_id"], "parent_id IS NOT NULL"),
        ("ix_assignments_copies", ["unit_id", "id"], "role = 'copy'"),
    ):
        op.create_index(name, "assignments", columns, postgresql_where=sa.text(where))
    op.create_index("ix_rounds_due", "rounds", ["due_at"])
    op.add_column("replies", sa.Column("gathered", postgresql.JSONB(), server_default="[]", nullable=False))
    op.add_column("internal_steps", sa.Column("rest", postgresql.JSONB(), server_default="[]", nullable=False))
    op.create_index(
        "ix_internal_steps_soft_due",
        "internal_steps",
        ["soft_due_at"],
        postgresql_where=sa.text("done_at IS NULL AND soft_due_at IS NOT NULL"),
    )
