"""The knowledge base: items, immutable versions, steps, files, which version answered whom, and the counter of changes."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"

STAYS = """
CREATE FUNCTION knowledge_text_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.submitted_at IS NOT NULL AND (NEW.item_id, NEW.n, NEW.question, NEW.other_ways, NEW.answer, NEW.basis, NEW.kind,
        NEW.area, NEW.valid_from, NEW.valid_to, NEW.keywords, NEW.example, NEW.written_by, NEW.submitted_at)
        IS DISTINCT FROM (OLD.item_id, OLD.n, OLD.question, OLD.other_ways, OLD.answer, OLD.basis, OLD.kind,
        OLD.area, OLD.valid_from, OLD.valid_to, OLD.keywords, OLD.example, OLD.written_by, OLD.submitted_at) THEN
        RAISE EXCEPTION 'a submitted version is never changed; write the next one' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER knowledge_versions_stay BEFORE UPDATE ON knowledge_versions
    FOR EACH ROW EXECUTE FUNCTION knowledge_text_stays();
CREATE TRIGGER knowledge_versions_are_kept BEFORE DELETE ON knowledge_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER knowledge_steps_are_history BEFORE UPDATE OR DELETE ON knowledge_steps
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER knowledge_uses_are_history BEFORE UPDATE OR DELETE ON knowledge_uses
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
CHECKS = {
    "passed": "published_at IS NULL OR (secrecy_at IS NOT NULL AND led_at IS NOT NULL AND secrecy_at <= published_at)",
    "needs_publishing": "state NOT IN ('in-force', 'superseded', 'retired') OR published_at IS NOT NULL",
    "needs_review": "state NOT IN ('leader', 'centre', 'in-force') OR secrecy_at IS NOT NULL",
    "another": "secrecy_at IS NULL OR example OR (secrecy_by IS NOT NULL AND secrecy_by <> written_by)",
    "whole": "published_at IS NULL OR (kind IS NOT NULL AND basis <> '' AND question <> '' AND answer <> '')",
    "validity": "valid_to IS NULL OR valid_from IS NULL OR valid_to >= valid_from",
}


def _person(step: str) -> list[sa.Column[Any]]:
    return [
        sa.Column(f"{step}_by", sa.Uuid(), nullable=True),
        sa.Column(f"{step}_name", sa.String(length=40), nullable=False),
        sa.Column(f"{step}_at", sa.DateTime(timezone=True), nullable=True),
    ]


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "knowledge_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("in_force", sa.Integer(), nullable=True),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.Column("changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_knowledge_items_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_items")),
        sa.UniqueConstraint("number", name=op.f("uq_knowledge_items_number")),
    )
    op.create_index("ix_knowledge_items_unit", "knowledge_items", ["unit_id"])
    op.create_index("ix_knowledge_items_changed", "knowledge_items", ["changed"])
    op.create_index("ix_knowledge_items_updated", "knowledge_items", ["updated_at", "id"])
    op.create_table(
        "knowledge_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("question", sa.String(length=100), nullable=False),
        sa.Column("other_ways", postgresql.JSONB(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("basis", sa.String(length=500), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=True),
        sa.Column("area", sa.String(length=40), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("keywords", postgresql.JSONB(), nullable=False),
        sa.Column("example", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=True),
        sa.Column("written_name", sa.String(length=40), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        *_person("secrecy"),
        *_person("led"),
        *_person("published"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["knowledge_items.id"], name=op.f("fk_knowledge_versions_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_versions")),
        sa.UniqueConstraint("item_id", "n", name=op.f("uq_knowledge_versions_item_id_n")),
        *(sa.CheckConstraint(check, name=op.f(f"ck_knowledge_versions_{name}")) for name, check in CHECKS.items()),
    )
    op.create_index(
        "uq_knowledge_versions_in_force",
        "knowledge_versions",
        ["item_id"],
        unique=True,
        postgresql_where=sa.text("state = 'in-force'"),
    )
    op.create_index(
        "uq_knowledge_versions_on_the_way",
        "knowledge_versions",
        ["item_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'secrecy', 'leader', 'centre')"),
    )
    op.create_index("ix_knowledge_versions_state", "knowledge_versions", ["state", "review_on"])
    op.create_table(
        "knowledge_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["knowledge_items.id"], name=op.f("fk_knowledge_steps_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_steps")),
    )
    op.create_index("ix_knowledge_steps_item", "knowledge_steps", ["item_id", "at"])
    op.create_table(
        "knowledge_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("store_key", sa.String(length=200), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["version_id"], ["knowledge_versions.id"], name=op.f("fk_knowledge_files_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_files")),
    )
    op.create_index("ix_knowledge_files_version", "knowledge_files", ["version_id"])
    op.create_table(
        "knowledge_uses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["knowledge_items.id"], name=op.f("fk_knowledge_uses_item_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_knowledge_uses_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_uses")),
    )
    op.create_index("ix_knowledge_uses_item", "knowledge_uses", ["item_id", "n", "at"])
    op.create_index("ix_knowledge_uses_ticket", "knowledge_uses", ["ticket_id"])
    op.create_table(
        "knowledge_counter",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_knowledge_counter_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_counter")),
    )
    op.execute(STAYS)
