"""Accuracy of the knowledge base: draws with their seed and population, what was drawn, what reviewers found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0033"
down_revision = "0032"
VERDICTS = "verdict IN ('', 'accurate', 'wrong', 'outdated', 'doubtful')"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "accuracy_draws",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("items", JSONB(), nullable=False),
        sa.Column("answers", JSONB(), nullable=False),
        sa.Column("rules", JSONB(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drawn_by", sa.Uuid(), nullable=True),
        sa.Column("drawn_by_name", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["drawn_by"], ["users.id"], name=op.f("fk_accuracy_draws_drawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accuracy_draws")),
        sa.UniqueConstraint("first", "last", name=op.f("uq_accuracy_draws_first_last")),
    )
    op.create_table(
        "accuracy_samples",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("use_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("note", sa.String(400), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_name", sa.String(40), nullable=False),
        sa.Column("correction_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(VERDICTS, name=op.f("ck_accuracy_samples_verdict")),
        sa.CheckConstraint("(checked_at IS NULL) = (verdict = '')", name=op.f("ck_accuracy_samples_checked")),
        sa.ForeignKeyConstraint(["draw_id"], ["accuracy_draws.id"], name=op.f("fk_accuracy_samples_draw_id")),
        sa.ForeignKeyConstraint(["version_id"], ["knowledge_versions.id"], name=op.f("fk_accuracy_samples_version_id")),
        sa.ForeignKeyConstraint(["use_id"], ["knowledge_uses.id"], name=op.f("fk_accuracy_samples_use_id")),
        sa.ForeignKeyConstraint(
            ["correction_id"], ["knowledge_corrections.id"], name=op.f("fk_accuracy_samples_correction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accuracy_samples")),
        sa.UniqueConstraint("draw_id", "n", name=op.f("uq_accuracy_samples_draw_id_n")),
        sa.UniqueConstraint("use_id", name=op.f("uq_accuracy_samples_use_id")),
    )
    waits = sa.text("verdict = ''")
    op.create_index("ix_accuracy_samples_waiting", "accuracy_samples", ["draw_id"], postgresql_where=waits)
    op.create_table(
        "accuracy_findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sample_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("note", sa.String(400), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["sample_id"], ["accuracy_samples.id"], name=op.f("fk_accuracy_findings_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accuracy_findings")),
    )
    op.create_index("ix_accuracy_findings_sample", "accuracy_findings", ["sample_id", "at"])
