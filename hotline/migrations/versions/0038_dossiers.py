"""Archive packages: an order's dossier, its closed parts, its exports, and what people put to its file."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

WHEN = sa.DateTime(timezone=True)
STAYS = """
CREATE TRIGGER dossier_parts_stay BEFORE UPDATE OR DELETE ON dossier_parts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER case_materials_stay BEFORE UPDATE OR DELETE ON case_materials
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "dossiers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("archived_at", WHEN, nullable=False),
        sa.Column("imported_at", WHEN, nullable=True),
        sa.Column("imported_by", sa.String(length=40), server_default="", nullable=False),
        sa.Column("checked_at", WHEN, nullable=True),
        sa.Column("finding", sa.String(length=2000), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossiers")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_dossiers_ticket_id")),
    )
    op.create_index("ix_dossiers_archived_at", "dossiers", ["archived_at", "id"])
    op.create_index("ix_dossiers_number", "dossiers", ["number"])
    op.create_table(
        "dossier_parts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=100), nullable=False),
        sa.Column("closed_at", WHEN, nullable=False),
        sa.Column("closed_by", sa.String(length=40), nullable=False),
        sa.Column("manifest", sa.String(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sm3", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.CheckConstraint("n >= 0", name=op.f("ck_dossier_parts_n")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_dossier_parts_dossier_id_dossiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossier_parts")),
        sa.UniqueConstraint("dossier_id", "n", name=op.f("uq_dossier_parts_dossier_id_n")),
    )
    op.create_table(
        "dossier_objects",
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("store_key", sa.String(length=512), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_dossier_objects_dossier_id_dossiers")),
        sa.PrimaryKeyConstraint("dossier_id", "path", name=op.f("pk_dossier_objects")),
    )
    op.create_table(
        "dossier_calls",
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_dossier_calls_dossier_id_dossiers")),
        sa.PrimaryKeyConstraint("dossier_id", "call_id", name=op.f("pk_dossier_calls")),
    )
    op.create_index(op.f("ix_dossier_calls_call_id"), "dossier_calls", ["call_id"])
    op.create_table(
        "dossier_exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_by_name", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("identity", sa.Boolean(), nullable=False),
        sa.Column("sound", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("trouble", sa.String(length=300), nullable=False),
        sa.Column("store_key", sa.String(length=512), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("ready_at", WHEN, nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'ready', 'failed', 'expired')", name=op.f("ck_dossier_exports_state")
        ),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_dossier_exports_dossier_id_dossiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossier_exports")),
        sa.UniqueConstraint("number", name=op.f("uq_dossier_exports_number")),
    )
    op.create_index("ix_dossier_exports_dossier", "dossier_exports", ["dossier_id", "asked_at"])
    op.create_table(
        "case_materials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("author", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("added_at", WHEN, nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("added_by_name", sa.String(length=40), nullable=False),
        sa.CheckConstraint("kind IN ('meeting', 'instruction', 'other')", name=op.f("ck_case_materials_kind")),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["ticket_attachments.id"],
            name=op.f("fk_case_materials_attachment_id_ticket_attachments"),
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_case_materials_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_materials")),
        sa.UniqueConstraint("attachment_id", name=op.f("uq_case_materials_attachment_id")),
    )
    op.create_index(op.f("ix_case_materials_ticket_id"), "case_materials", ["ticket_id"])
    op.execute(STAYS)
