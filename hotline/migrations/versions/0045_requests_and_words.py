"""Lists name the citizens' requests that ask for an end; words may end before their sound."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"

WHEN = sa.DateTime(timezone=True)
HISTORY = """
CREATE FUNCTION history_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.before = '{}' AND NEW.after = '{}'
        AND to_jsonb(NEW) - 'before' - 'after' = to_jsonb(OLD) - 'before' - 'after'
        AND EXISTS (SELECT FROM tickets t WHERE t.id = NEW.ticket_id AND t.state = 'void' AND t.close_kind = 'lapsed'
            AND t.accepted_at IS NULL AND t.caller_phone IS NULL AND t.caller_name IS NULL AND t.content = '') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is never changed; append another row', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
DROP TRIGGER ticket_events_are_history ON ticket_events;
CREATE TRIGGER ticket_events_are_history BEFORE UPDATE OR DELETE ON ticket_events
    FOR EACH ROW EXECUTE FUNCTION history_stays();
"""
"""What the acts of a draft held goes once the draft itself has lapsed and is empty; nothing else of a history ever does."""


def upgrade() -> None:
    """Expand."""
    op.add_column("data_requests", sa.Column("destroyed_at", WHEN, nullable=True))
    op.add_column("disposal_items", sa.Column("request_id", sa.Uuid(), nullable=True))
    name = op.f("fk_disposal_items_request_id_data_requests")
    op.create_foreign_key(name, "disposal_items", "data_requests", ["request_id"], ["id"])
    op.create_index(op.f("ix_disposal_items_request_id"), "disposal_items", ["request_id"])
    op.add_column("recordings", sa.Column("words_ended_at", WHEN, nullable=True))
    op.execute(
        "UPDATE recordings SET words_ended_at = destroyed_at FROM disposal_certificates c"
        " WHERE c.number = recordings.certificate AND c.words AND destroyed_at IS NOT NULL"
    )
    with_words = sa.text("words_ended_at IS NULL")
    op.execute(HISTORY)
    op.create_index("ix_recordings_with_words", "recordings", ["started_at", "id"], postgresql_where=with_words)
