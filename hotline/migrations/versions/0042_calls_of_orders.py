"""Calls back have their tasks; packages are brought up to date; copies tell what is missing and how far they are."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"

FOUND_ANEW = """
UPDATE recordings SET indexed_at = NULL WHERE call_id IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM tickets WHERE tickets.call_id = recordings.call_id)
"""
"""What no order came from may belong to one: it is found by that order's words from now on."""
REDACTIONS = "recording_redactions"


def upgrade() -> None:
    """Expand; `dossier_calls` goes, which copied what `crm.tickets.belonging` answers."""
    op.create_table(
        "line_callback_calls",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("linkedid", sa.String(128), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["line_callbacks.id"], name=op.f("fk_line_callback_calls_task_id")),
        sa.PrimaryKeyConstraint("task_id", "node", "linkedid", name=op.f("pk_line_callback_calls")),
    )
    op.create_index("ix_line_callback_calls_call", "line_callback_calls", ["node", "linkedid"])
    for table, column in (("follow_ups", "call_id"), ("replies", "contact_call_id")):
        named = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_{table}_{column}", table, [column], postgresql_where=named)
    op.drop_table("dossier_calls")
    op.add_column("dossiers", sa.Column("calls_seen_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_dossiers_calls_to_see", "dossiers", ["id"], postgresql_where=sa.text("calls_seen_at IS NULL"))
    op.add_column("recording_exports", sa.Column("missing", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("recording_export_items", sa.Column("trouble", sa.String(300), nullable=False, server_default=""))
    op.execute(FOUND_ANEW)
    _progress()


def _progress() -> None:
    """A redacted copy that is there was made at once."""
    for column in (
        sa.Column("state", sa.String(20), nullable=False, server_default="ready"),
        sa.Column("total", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("done", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("trouble", sa.String(300), nullable=False, server_default=""),
    ):
        op.add_column(REDACTIONS, column)
        op.alter_column(REDACTIONS, column.name, server_default=None)
    op.add_column(REDACTIONS, sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"UPDATE {REDACTIONS} SET finished_at = made_at")
    op.alter_column(REDACTIONS, "size", type_=sa.BigInteger())
    op.create_check_constraint(op.f("ck_recording_redactions_progress"), REDACTIONS, "done >= 0 AND done <= total")
    to_make = sa.text("state IN ('queued', 'running')")
    op.create_index("ix_recording_redactions_open", REDACTIONS, ["id"], postgresql_where=to_make)
