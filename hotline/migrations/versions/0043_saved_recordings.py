"""常用查询 of other lists than that of orders; seals, holds and heard words are kept by the database itself."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"

SEALS_STAY = """
CREATE FUNCTION seal_is_only_checked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND
        (NEW.day, NEW.count, NEW.root, NEW.root_sm3, NEW.previous, NEW.ledger_place, NEW.ledger_digest,
         NEW.public_key, NEW.signature, NEW.sealed_at)
        IS NOT DISTINCT FROM
        (OLD.day, OLD.count, OLD.root, OLD.root_sm3, OLD.previous, OLD.ledger_place, OLD.ledger_digest,
         OLD.public_key, OLD.signature, OLD.sealed_at)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what was sealed stays as it was sealed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER archive_seals_stay BEFORE UPDATE OR DELETE ON archive_seals
    FOR EACH ROW EXECUTE FUNCTION seal_is_only_checked();
CREATE TRIGGER archive_seals_are_not_emptied BEFORE TRUNCATE ON archive_seals
    FOR EACH STATEMENT EXECUTE FUNCTION seal_is_only_checked();
CREATE FUNCTION leaf_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was sealed stays as it was sealed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER archive_leaves_stay BEFORE UPDATE OR DELETE ON archive_leaves
    FOR EACH ROW EXECUTE FUNCTION leaf_stays();
CREATE TRIGGER archive_leaves_are_not_emptied BEFORE TRUNCATE ON archive_leaves
    FOR EACH STATEMENT EXECUTE FUNCTION leaf_stays();
"""
HOLDS_STAY = """
CREATE FUNCTION hold_is_only_lifted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.lifted_at IS NULL AND
        (NEW.id, NEW.reason, NEW.document, NEW.owner, NEW.restriction_id, NEW.ticket_id, NEW.unit_id, NEW.first, NEW.last,
         NEW.placed_at, NEW.placed_by, NEW.placed_name)
        IS NOT DISTINCT FROM
        (OLD.id, OLD.reason, OLD.document, OLD.owner, OLD.restriction_id, OLD.ticket_id, OLD.unit_id, OLD.first, OLD.last,
         OLD.placed_at, OLD.placed_by, OLD.placed_name)
        OR TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'phone' = to_jsonb(OLD) - 'phone'
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a hold is lifted by a named person, and stays told' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER legal_holds_stay BEFORE UPDATE OR DELETE ON legal_holds
    FOR EACH ROW EXECUTE FUNCTION hold_is_only_lifted();
CREATE TRIGGER legal_holds_are_not_emptied BEFORE TRUNCATE ON legal_holds
    FOR EACH STATEMENT EXECUTE FUNCTION hold_is_only_lifted();
"""
"""A telephone is written anew when its key changes."""
HEARD_STAYS = """
CREATE FUNCTION what_was_heard_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.call_id, NEW.recording_id, NEW.side, NEW.start_s, NEW.end_s, NEW.text, NEW.words) IS DISTINCT FROM
        (OLD.call_id, OLD.recording_id, OLD.side, OLD.start_s, OLD.end_s, OLD.text, OLD.words)
    THEN
        RAISE EXCEPTION 'what a machine heard is corrected over it, and stays' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER transcript_segments_stay BEFORE UPDATE ON transcript_segments
    FOR EACH ROW EXECUTE FUNCTION what_was_heard_stays();
"""


def upgrade() -> None:
    """Expand."""
    op.add_column("saved_filters", sa.Column("of", sa.String(20), server_default="orders", nullable=False))
    op.drop_index("uq_saved_filters_name", table_name="saved_filters")
    name = sa.text("split_part(name, ':', 3)")
    op.create_index("uq_saved_filters_name", "saved_filters", ["user_id", "of", name], unique=True)
    for kept in (SEALS_STAY, HOLDS_STAY, HEARD_STAYS):
        op.execute(kept)
