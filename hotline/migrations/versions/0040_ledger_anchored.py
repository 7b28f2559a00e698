"""The ledger is only added to, and each day's seal says how far its chain was."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"

APPEND_ONLY = """
CREATE FUNCTION ledger_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.seal IS NULL
        AND (NEW.id, NEW.at, NEW.actor_id, NEW.actor_name, NEW.action, NEW.subject, NEW.subject_id, NEW.reason, NEW.detail)
        IS NOT DISTINCT FROM
        (OLD.id, OLD.at, OLD.actor_id, OLD.actor_name, OLD.action, OLD.subject, OLD.subject_id, OLD.reason, OLD.detail)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the ledger is only added to' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER ledger_is_only_added_to BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_is_only_added_to();
CREATE TRIGGER ledger_is_not_emptied BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_only_added_to();
"""


def upgrade() -> None:
    """Expand."""
    op.execute(APPEND_ONLY)
    op.add_column("archive_seals", sa.Column("ledger_place", sa.BigInteger(), nullable=True))
    op.add_column("archive_seals", sa.Column("ledger_digest", sa.String(length=64), nullable=True))
