"""Retention and lawful disposal: holds, lists and their items, certificates, tombstones, and triggers that keep the rest."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

WHEN = sa.DateTime(timezone=True)
KEPT = """
CREATE FUNCTION archive_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what was archived is destroyed by an approved disposal list alone', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION recording_ends_lawfully() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.protected_until < OLD.protected_until THEN
        RAISE EXCEPTION 'the last protected day of a recording is never earlier than it was'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.destroyed_at, NEW.certificate) IS DISTINCT FROM (OLD.destroyed_at, OLD.certificate)
        AND (OLD.destroyed_at IS NOT NULL OR NEW.destroyed_at IS NULL OR NOT EXISTS (
            SELECT FROM disposals WHERE recording_id = NEW.id AND certificate = NEW.certificate)) THEN
        RAISE EXCEPTION 'a recording ends once, and by a certificate'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION key_ends_lawfully() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM recordings r WHERE r.store_key = OLD.store_key
            AND NOT EXISTS (SELECT FROM disposals d WHERE d.recording_id = r.id AND d.store_key = r.store_key))
        OR (OLD.store_key LIKE 'attachments/%'
            AND EXISTS (SELECT FROM ticket_attachments WHERE store_key = OLD.store_key)) THEN
        RAISE EXCEPTION 'the key of a recording or an attachment is destroyed by an approved disposal list alone'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE FUNCTION disposal_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF EXISTS (SELECT FROM recordings WHERE id = NEW.recording_id
                AND protected_until >= (NEW.erased_at AT TIME ZONE 'Asia/Shanghai')::date) THEN
            RAISE EXCEPTION 'a recording is not destroyed before the day after its last protected day'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF (NEW.recording_id, NEW.certificate, NEW.part, NEW.store_key, NEW.digest, NEW.erased_at) IS DISTINCT FROM
        (OLD.recording_id, OLD.certificate, OLD.part, OLD.store_key, OLD.digest, OLD.erased_at) THEN
        RAISE EXCEPTION 'what was destroyed is never told otherwise' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER recordings_are_kept BEFORE DELETE ON recordings FOR EACH ROW EXECUTE FUNCTION archive_is_kept();
CREATE TRIGGER recordings_end_lawfully BEFORE UPDATE OF protected_until, destroyed_at, certificate ON recordings
    FOR EACH ROW EXECUTE FUNCTION recording_ends_lawfully();
CREATE TRIGGER archive_keys_end_lawfully BEFORE DELETE ON archive_keys
    FOR EACH ROW EXECUTE FUNCTION key_ends_lawfully();
CREATE TRIGGER disposals_are_due BEFORE INSERT OR UPDATE ON disposals
    FOR EACH ROW EXECUTE FUNCTION disposal_is_due();
CREATE TRIGGER disposals_are_kept BEFORE DELETE ON disposals FOR EACH ROW EXECUTE FUNCTION archive_is_kept();
CREATE TRIGGER disposal_certificates_are_kept BEFORE DELETE ON disposal_certificates
    FOR EACH ROW EXECUTE FUNCTION archive_is_kept();
"""
WHOLE = ("recordings", "archive_keys", "disposals", "disposal_certificates")


def upgrade() -> None:
    """Expand."""
    op.add_column("recordings", sa.Column("protection", sa.String(300), server_default="", nullable=False))
    op.add_column("recordings", sa.Column("destroyed_at", WHEN, nullable=True))
    op.add_column("recordings", sa.Column("certificate", sa.String(20), server_default="", nullable=False))
    living = sa.text("digest <> '' AND destroyed_at IS NULL")
    op.create_index("ix_recordings_protected", "recordings", ["protected_until", "id"], postgresql_where=living)
    op.create_index(op.f("ix_recordings_store_key"), "recordings", ["store_key"])
    _certificates()
    _holds()
    _lists()
    op.execute(KEPT)
    for table in WHOLE:
        op.execute(
            f"CREATE TRIGGER {table}_stay BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION archive_is_kept()"
        )


def _person(
    act: str, *, kind: sa.types.TypeEngine[object] | None = None, known: bool = True
) -> list[sa.Column[object]]:
    return [
        sa.Column(f"{act}_by", kind or sa.Uuid(), nullable=not known),
        sa.Column(f"{act}_name", sa.String(40), nullable=False, server_default=None if known else ""),
        sa.Column(f"{act}_at", WHEN, nullable=not known),
    ]


def _certificates() -> None:
    op.create_table(
        "disposal_certificates",
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("basis", sa.String(500), nullable=False),
        sa.Column("words", sa.Boolean(), nullable=False),
        sa.Column("proposed_at", WHEN, nullable=False),
        *_person("reviewed"),
        *_person("approved"),
        *_person("confirmed"),
        *_person("ordered"),
        sa.Column("finished_at", WHEN, nullable=True),
        sa.Column("document", sa.String(), server_default="", nullable=False),
        sa.Column("public_key", sa.String(64), server_default="", nullable=False),
        sa.Column("signature", sa.String(128), server_default="", nullable=False),
        sa.Column("stored_at", WHEN, nullable=True),
        sa.CheckConstraint(
            "approved_by <> confirmed_by AND reviewed_by <> approved_by AND reviewed_by <> confirmed_by",
            name=op.f("ck_disposal_certificates_others"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_disposal_certificates")),
    )
    op.create_table(
        "disposals",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("certificate", sa.String(20), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("store_key", sa.String(512), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("erased_at", WHEN, nullable=False),
        sa.Column("gone_at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["certificate"],
            ["disposal_certificates.number"],
            name=op.f("fk_disposals_certificate_disposal_certificates"),
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_disposals")),
    )
    op.create_index("ix_disposals_part", "disposals", ["certificate", "part"])
    op.create_index("ix_disposals_store_key", "disposals", ["store_key"])
    unfinished = sa.text("gone_at IS NULL")
    op.create_index("ix_disposals_unfinished", "disposals", ["certificate"], postgresql_where=unfinished)


def _holds() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("document", sa.String(200), nullable=False),
        sa.Column("owner", sa.String(80), nullable=False),
        sa.Column("restriction_id", sa.Uuid(), nullable=True),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("first", sa.Date(), nullable=True),
        sa.Column("last", sa.Date(), nullable=True),
        sa.Column("placed_at", WHEN, nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=False),
        sa.Column("placed_name", sa.String(40), nullable=False),
        sa.Column("lifted_at", WHEN, nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_name", sa.String(40), server_default="", nullable=False),
        sa.Column("lifted_why", sa.String(200), server_default="", nullable=False),
        sa.CheckConstraint("num_nonnulls(ticket_id, phone, unit_id, first) > 0", name=op.f("ck_legal_holds_scope")),
        sa.CheckConstraint("(first IS NULL) = (last IS NULL) AND first <= last", name=op.f("ck_legal_holds_period")),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name=op.f("ck_legal_holds_lifted")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_legal_holds_ticket_id_tickets")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_legal_holds_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
        sa.UniqueConstraint("restriction_id", name=op.f("uq_legal_holds_restriction_id")),
    )
    op.create_index(
        "ix_legal_holds_present", "legal_holds", ["placed_at"], postgresql_where=sa.text("lifted_at IS NULL")
    )


def _lists() -> None:
    op.create_table(
        "disposal_lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("proposed_at", WHEN, nullable=False),
        *_person("reviewed", known=False),
        *_person("approved", known=False),
        *_person("confirmed", known=False),
        *_person("ordered", known=False),
        sa.Column("returned_why", sa.String(200), server_default="", nullable=False),
        sa.Column("returned_name", sa.String(40), server_default="", nullable=False),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.CheckConstraint(
            "state IN ('proposed', 'reviewed', 'approved', 'confirmed', 'executing', 'done', 'void')",
            name=op.f("ck_disposal_lists_state"),
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'void') OR reviewed_by IS NOT NULL", name=op.f("ck_disposal_lists_reviewed")
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'reviewed', 'void') OR (approved_by IS NOT NULL AND approved_by <> reviewed_by)",
            name=op.f("ck_disposal_lists_approved"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('confirmed', 'executing', 'done') OR (confirmed_by IS NOT NULL"
            " AND confirmed_by <> approved_by AND confirmed_by <> reviewed_by)",
            name=op.f("ck_disposal_lists_confirmed"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposal_lists")),
        sa.UniqueConstraint("number", name=op.f("uq_disposal_lists_number")),
    )
    op.create_index("ix_disposal_lists_proposed_at", "disposal_lists", ["proposed_at", "id"])
    op.create_table(
        "disposal_items",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("why", sa.String(300), server_default="", nullable=False),
        sa.Column("by_name", sa.String(40), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('listed', 'taken-off', 'stopped', 'destroyed')", name=op.f("ck_disposal_items_state")
        ),
        sa.ForeignKeyConstraint(
            ["list_id"], ["disposal_lists.id"], name=op.f("fk_disposal_items_list_id_disposal_lists")
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_disposal_items_recording_id_recordings")
        ),
        sa.PrimaryKeyConstraint("list_id", "recording_id", name=op.f("pk_disposal_items")),
    )
    op.create_index(
        "uq_disposal_items_listed", "disposal_items", ["recording_id"], unique=True,
        postgresql_where=sa.text("state = 'listed'"),
    )  # fmt: skip
