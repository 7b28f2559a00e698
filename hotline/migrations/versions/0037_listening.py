"""The listening desk: waveforms, marks, requests to listen, redacted copies, exports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "listening_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asker_id", sa.Uuid(), nullable=False),
        sa.Column("asker_name", sa.String(length=40), nullable=False),
        sa.Column("asker_unit_id", sa.Uuid(), nullable=True),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("wanted_until", WHEN, nullable=False),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=40), nullable=True),
        sa.Column("decided_at", WHEN, nullable=True),
        sa.Column("decision", sa.String(length=200), nullable=False),
        sa.Column("valid_until", WHEN, nullable=True),
        sa.Column("seen_at", WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listening_requests")),
    )
    op.create_index(
        op.f("ix_listening_requests_asker_id_listening_requests_asked_at"),
        "listening_requests",
        ["asker_id", "asked_at"],
    )
    op.create_index(
        "ix_listening_requests_decided",
        "listening_requests",
        ["asked_at", "id"],
        postgresql_where=sa.text("state <> 'waiting'"),
    )
    op.create_index(
        "ix_listening_requests_unseen",
        "listening_requests",
        ["asker_id"],
        postgresql_where=sa.text("decided_at IS NOT NULL AND seen_at IS NULL"),
    )
    op.create_index(
        "ix_listening_requests_waiting", "listening_requests", ["id"], postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_table(
        "recording_exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by_name", sa.String(length=40), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=40), nullable=True),
        sa.Column("decided_at", WHEN, nullable=True),
        sa.Column("decision", sa.String(length=200), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("finished_at", WHEN, nullable=True),
        sa.Column("expires_at", WHEN, nullable=True),
        sa.Column("trouble", sa.String(length=300), nullable=False),
        sa.Column("store_key", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint("done >= 0 AND done <= total", name=op.f("ck_recording_exports_progress")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_exports")),
        sa.UniqueConstraint("number", name=op.f("uq_recording_exports_number")),
    )
    op.create_index(
        op.f("ix_recording_exports_by_id_recording_exports_asked_at"), "recording_exports", ["by_id", "asked_at"]
    )
    op.create_index(
        "ix_recording_exports_open",
        "recording_exports",
        ["id"],
        postgresql_where=sa.text("state IN ('asked', 'queued', 'running', 'ready')"),
    )
    op.create_table(
        "listening_request_recordings",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.id"],
            name=op.f("fk_listening_request_recordings_recording_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["listening_requests.id"],
            name=op.f("fk_listening_request_recordings_request_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", "recording_id", name=op.f("pk_listening_request_recordings")),
    )
    op.create_index(
        op.f("ix_listening_request_recordings_recording_id"), "listening_request_recordings", ["recording_id"]
    )
    op.create_table(
        "recording_export_items",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("redaction_id", sa.Uuid(), nullable=True),
        sa.Column("source_digest", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sm3", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"],
            ["recording_exports.id"],
            name=op.f("fk_recording_export_items_export_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("export_id", "place", name=op.f("pk_recording_export_items")),
    )
    op.create_index(op.f("ix_recording_export_items_recording_id"), "recording_export_items", ["recording_id"])
    op.create_table(
        "recording_marks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by_name", sa.String(length=40), nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.CheckConstraint("at_s >= 0 AND (end_s IS NULL OR end_s > at_s)", name=op.f("ck_recording_marks_times")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_recording_marks_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_marks")),
    )
    op.create_index(
        op.f("ix_recording_marks_recording_id_recording_marks_at_s"), "recording_marks", ["recording_id", "at_s"]
    )
    op.create_table(
        "recording_redactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("stretches", postgresql.JSONB(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by_name", sa.String(length=40), nullable=False),
        sa.Column("made_at", WHEN, nullable=False),
        sa.Column("source_digest", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sm3", sa.String(length=64), nullable=False),
        sa.Column("store_key", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_recording_redactions_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_redactions")),
    )
    op.create_index(op.f("ix_recording_redactions_recording_id"), "recording_redactions", ["recording_id"])
    op.create_table(
        "recording_waveforms",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("points", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_recording_waveforms_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_recording_waveforms")),
    )
