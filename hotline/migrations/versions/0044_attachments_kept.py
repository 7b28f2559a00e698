"""Attachments are kept, checked and destroyed as recordings are: one list, one certificate for both."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"

WHEN = sa.DateTime(timezone=True)
FILES = "ticket_attachments"
ADDED_YEARS = 3
"""第十二条(九): the least that any county keeps; what its own rules say lengthens that within ten minutes."""
RULES = """
CREATE OR REPLACE FUNCTION recording_ends_lawfully() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.protected_until < OLD.protected_until THEN
        RAISE EXCEPTION 'the last protected day of what is archived is never earlier than it was'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.destroyed_at, NEW.certificate) IS DISTINCT FROM (OLD.destroyed_at, OLD.certificate)
        AND (OLD.destroyed_at IS NOT NULL OR NEW.destroyed_at IS NULL OR NOT EXISTS (
            SELECT FROM disposals WHERE object_id = NEW.id AND certificate = NEW.certificate)) THEN
        RAISE EXCEPTION 'what is archived ends once, and by a certificate'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION key_ends_lawfully() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM recordings r WHERE r.store_key = OLD.store_key
            AND NOT EXISTS (SELECT FROM disposals d WHERE d.object_id = r.id AND d.store_key = r.store_key))
        OR EXISTS (SELECT FROM ticket_attachments a WHERE a.store_key = OLD.store_key
            AND NOT EXISTS (SELECT FROM disposals d WHERE d.object_id = a.id AND d.store_key = a.store_key)) THEN
        RAISE EXCEPTION 'the key of a recording or an attachment is destroyed by an approved disposal list alone'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE OR REPLACE FUNCTION disposal_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF EXISTS (SELECT FROM recordings WHERE id = NEW.object_id
                AND protected_until >= (NEW.erased_at AT TIME ZONE 'Asia/Shanghai')::date)
            OR EXISTS (SELECT FROM ticket_attachments WHERE id = NEW.object_id
                AND protected_until >= (NEW.erased_at AT TIME ZONE 'Asia/Shanghai')::date) THEN
            RAISE EXCEPTION 'nothing is destroyed before the day after its last protected day'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF (NEW.object_id, NEW.what, NEW.certificate, NEW.part, NEW.store_key, NEW.digest, NEW.erased_at) IS DISTINCT FROM
        (OLD.object_id, OLD.what, OLD.certificate, OLD.part, OLD.store_key, OLD.digest, OLD.erased_at) THEN
        RAISE EXCEPTION 'what was destroyed is never told otherwise' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER ticket_attachments_are_kept BEFORE DELETE ON ticket_attachments
    FOR EACH ROW EXECUTE FUNCTION archive_is_kept();
CREATE TRIGGER ticket_attachments_stay BEFORE TRUNCATE ON ticket_attachments
    FOR EACH STATEMENT EXECUTE FUNCTION archive_is_kept();
CREATE TRIGGER ticket_attachments_end_lawfully
    BEFORE UPDATE OF protected_until, destroyed_at, certificate ON ticket_attachments
    FOR EACH ROW EXECUTE FUNCTION recording_ends_lawfully();
"""


def upgrade() -> None:
    """Expand; what a list and a certificate hold is called an object."""
    _attachments()
    op.alter_column("disposals", "recording_id", new_column_name="object_id")
    _kind("disposals")
    op.drop_constraint("fk_disposal_items_recording_id_recordings", "disposal_items", type_="foreignkey")
    op.alter_column("disposal_items", "recording_id", new_column_name="object_id")
    _kind("disposal_items")
    op.add_column("disposal_items", sa.Column("at", WHEN, nullable=True))
    op.execute("UPDATE disposal_items SET at = r.started_at FROM recordings r WHERE r.id = object_id")
    op.alter_column("disposal_items", "at", nullable=False)
    op.create_index("ix_disposal_items_at", "disposal_items", ["list_id", "at", "object_id"])
    op.add_column("dossier_objects", sa.Column("attachment_id", sa.Uuid(), nullable=True))
    op.execute(
        "UPDATE dossier_objects SET attachment_id ="
        " substring(path from '/([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})[.]')::uuid"
        " WHERE path ~ '^[0-9]+/(attachments|materials)/'"
    )
    op.execute(RULES)


def _kind(table: str) -> None:
    op.add_column(table, sa.Column("what", sa.String(12), server_default="recording", nullable=False))
    op.alter_column(table, "what", server_default=None)


def _attachments() -> None:
    for column in (
        sa.Column("sm3", sa.String(64), server_default="", nullable=False),
        sa.Column("protected_until", sa.Date(), nullable=True),
        sa.Column("protection", sa.String(300), server_default="", nullable=False),
        sa.Column("checked_at", WHEN, nullable=True),
        sa.Column("finding", sa.String(300), server_default="", nullable=False),
        sa.Column("destroyed_at", WHEN, nullable=True),
        sa.Column("certificate", sa.String(20), server_default="", nullable=False),
    ):
        op.add_column(FILES, column)
    op.execute(
        f"UPDATE {FILES} SET protected_until ="
        f" ((added_at AT TIME ZONE 'Asia/Shanghai')::date + make_interval(years => {ADDED_YEARS}))::date"
    )
    op.alter_column(FILES, "protected_until", nullable=False)
    op.create_index("ix_ticket_attachments_to_check", FILES, ["checked_at", "id"])
    op.create_index("ix_ticket_attachments_found_wrong", FILES, ["id"], postgresql_where=sa.text("finding <> ''"))
    ending = sa.text("destroyed_at IS NULL")
    op.create_index("ix_ticket_attachments_protected", FILES, ["protected_until", "id"], postgresql_where=ending)
    op.create_index("ix_ticket_attachments_store_key", FILES, ["store_key"])
