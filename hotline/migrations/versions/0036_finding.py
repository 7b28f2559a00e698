"""Recordings are found by what was said and by their order; transcripts lie in layers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0036"
down_revision = "0035"

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand. What is there already has the mark, and is read by the worker, the newest first."""
    op.add_column("recordings", sa.Column("indexed_at", WHEN, nullable=True))
    op.create_index("ix_recordings_to_index", "recordings", ["id"], postgresql_where=sa.text("indexed_at IS NULL"))
    op.create_table(
        "recording_words",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", WHEN, nullable=False),
        sa.Column("words", TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.id"],
            name=op.f("fk_recording_words_recording_id_recordings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_recording_words")),
    )
    op.create_index(
        "ix_recording_words",
        "recording_words",
        ["words"],
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 256},
    )
    op.create_table(
        "transcript_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=True),
        sa.Column("engine", sa.String(length=40), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("model_digest", sa.String(length=64), nullable=False),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.id"],
            name=op.f("fk_transcript_runs_recording_id_recordings"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcript_runs")),
    )
    op.create_index(op.f("ix_transcript_runs_call_id"), "transcript_runs", ["call_id"])
    op.create_index("ix_transcript_runs_recording_model", "transcript_runs", ["recording_id", "model_digest"])
    op.add_column("speech_status", sa.Column("model_digest", sa.String(), server_default="", nullable=False))
    segments = "transcript_segments"
    op.add_column(segments, sa.Column("run_id", sa.Uuid(), nullable=True))
    op.add_column(segments, sa.Column("corrected", sa.String(), nullable=True))
    op.add_column(segments, sa.Column("replaced_by", sa.Uuid(), nullable=True))
    op.add_column(segments, sa.Column("under", sa.Uuid(), nullable=True))
    for column, of in (("run_id", "transcript_runs"), ("replaced_by", "transcript_runs"), ("under", segments)):
        op.create_foreign_key(op.f(f"fk_{segments}_{column}_{of}"), segments, of, [column], ["id"])
    for column in ("replaced_by", "under"):
        op.create_index(op.f(f"ix_{segments}_{column}"), segments, [column])
    op.create_table(
        "transcript_corrections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("withdrawn_at", WHEN, nullable=True),
        sa.Column("withdrawn_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["segment_id"], [f"{segments}.id"], name=op.f("fk_transcript_corrections_segment_id_transcript_segments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcript_corrections")),
    )
    op.create_index("ix_transcript_corrections_segment_id_at", "transcript_corrections", ["segment_id", "at"])
    op.create_table(
        "retranscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("first", sa.Date(), nullable=True),
        sa.Column("last", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("asked_id", sa.Uuid(), nullable=False),
        sa.Column("asked_name", sa.String(length=80), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("stopped_at", WHEN, nullable=True),
        sa.Column("stopped_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retranscriptions")),
    )
    op.create_table(
        "retranscription_items",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("at", WHEN, nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["retranscriptions.id"], name=op.f("fk_retranscription_items_job_id_retranscriptions")
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.id"],
            name=op.f("fk_retranscription_items_recording_id_recordings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", "recording_id", name=op.f("pk_retranscription_items")),
    )
    op.create_index(
        "ix_retranscription_items_waiting",
        "retranscription_items",
        ["job_id", "recording_id"],
        postgresql_where=sa.text("outcome IS NULL"),
    )
