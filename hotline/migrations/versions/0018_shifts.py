"""The shift: rosters with their publications, agents' days, the lead's board, handovers, nuisance callers; the register
of merged hotlines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Expand."""
    _roster()
    _days()
    _board()
    _handovers()
    _nuisance()
    _numbers()


def _roster() -> None:
    op.add_column("line_roster", sa.Column("centre", sa.String(40), server_default="", nullable=False))
    op.create_table(
        "line_roster_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("centre", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_by_name", sa.String(40), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("covered_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_roster_versions")),
        sa.UniqueConstraint("centre", "number", name=op.f("uq_line_roster_versions_centre_number")),
    )
    op.create_table(
        "line_roster_published",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("night", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["line_roster_versions.id"], ondelete="CASCADE",
            name=op.f("fk_line_roster_published_version_id"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_line_roster_published_user_id")),
        sa.PrimaryKeyConstraint("version_id", "user_id", "starts_at", name=op.f("pk_line_roster_published")),
    )  # fmt: skip
    op.create_index("ix_line_roster_published_user", "line_roster_published", ["user_id", "starts_at"])


def _days() -> None:
    op.create_table(
        "line_agent_states",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_line_agent_states_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_agent_states")),
    )
    op.create_index("ix_line_agent_states_latest", "line_agent_states", ["user_id", "side", "at", "id"])
    op.execute(  # who is at a desk while this is installed
        "INSERT INTO line_agent_states (user_id, side, state, at)"
        " SELECT user_id, 'intent', coalesce(pause_reason, 'ready'), coalesce(paused_at, logged_in_at)"
        " FROM line_agents WHERE logged_in_at IS NOT NULL"
    )


def _board() -> None:
    op.create_table(
        "line_desk_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(200), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_by", sa.Uuid(), nullable=True),
        sa.Column("sent_by_name", sa.String(40), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["sent_by"], ["users.id"], name=op.f("fk_line_desk_notes_sent_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_desk_notes")),
    )
    op.create_index("ix_line_desk_notes_ends_at", "line_desk_notes", ["ends_at"])
    op.create_table(
        "line_desk_note_reads",
        sa.Column("note_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["note_id"], ["line_desk_notes.id"], ondelete="CASCADE", name=op.f("fk_line_desk_note_reads_note_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_line_desk_note_reads_user_id")),
        sa.PrimaryKeyConstraint("note_id", "user_id", name=op.f("pk_line_desk_note_reads")),
    )
    op.create_table(
        "line_help_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_name", sa.String(40), nullable=False),
        sa.Column("text", sa.String(200), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_by_name", sa.String(40), nullable=True),
        sa.Column("answer", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_line_help_requests_call_id")),
        sa.ForeignKeyConstraint(["closed_by"], ["users.id"], name=op.f("fk_line_help_requests_closed_by")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_line_help_requests_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_help_requests")),
    )
    waiting = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_line_help_requests_open", "line_help_requests", ["call_id"], unique=True, postgresql_where=waiting
    )
    op.create_index("ix_line_help_requests_asked_at", "line_help_requests", ["asked_at"])


def _handovers() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shift", sa.String(20), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_by", sa.Uuid(), nullable=True),
        sa.Column("handed_by_name", sa.String(40), nullable=False),
        sa.Column("summary", sa.String(2000), nullable=False),
        sa.Column("figures", JSONB(), nullable=False),
        sa.Column("matters", JSONB(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_by", sa.Uuid(), nullable=True),
        sa.Column("received_by_name", sa.String(40), nullable=True),
        sa.Column("remark", sa.String(500), nullable=False),
        sa.ForeignKeyConstraint(["handed_by"], ["users.id"], name=op.f("fk_handovers_handed_by")),
        sa.ForeignKeyConstraint(["received_by"], ["users.id"], name=op.f("fk_handovers_received_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index("ix_handovers_handed_at", "handovers", ["handed_at", "id"])
    op.create_table(
        "handover_matters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(500), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("opened_by_name", sa.String(40), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("owner_name", sa.String(40), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_by_name", sa.String(40), nullable=True),
        sa.Column("result", sa.String(500), nullable=False),
        sa.ForeignKeyConstraint(["closed_by"], ["users.id"], name=op.f("fk_handover_matters_closed_by")),
        sa.ForeignKeyConstraint(["opened_by"], ["users.id"], name=op.f("fk_handover_matters_opened_by")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_handover_matters_owner_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_handover_matters_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_matters")),
    )
    waiting = sa.text("closed_at IS NULL")
    op.create_index("ix_handover_matters_open", "handover_matters", ["opened_at"], postgresql_where=waiting)
    op.create_index("ix_handover_matters_ticket", "handover_matters", ["ticket_id"])


def _nuisance() -> None:
    op.create_table(
        "line_nuisance_callers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("ground", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("window_min", sa.Integer(), nullable=False),
        sa.Column("review_on", sa.Date(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_by_name", sa.String(40), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_by_name", sa.String(40), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_by_name", sa.String(40), nullable=True),
        sa.Column("ended_reason", sa.String(200), nullable=False),
        sa.CheckConstraint("calls >= 1", name=op.f("ck_line_nuisance_callers_never_blocked")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_line_nuisance_callers_call_id")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["users.id"], name=op.f("fk_line_nuisance_callers_confirmed_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["users.id"], name=op.f("fk_line_nuisance_callers_ended_by")),
        sa.ForeignKeyConstraint(["proposed_by"], ["users.id"], name=op.f("fk_line_nuisance_callers_proposed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_nuisance_callers")),
    )
    blind = sa.text("split_part(phone, ':', 3)")
    op.create_index("ix_line_nuisance_callers_phone", "line_nuisance_callers", [blind])
    op.create_index(
        "uq_line_nuisance_callers_standing",
        "line_nuisance_callers",
        [blind],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _numbers() -> None:
    op.add_column("line_numbers", sa.Column("mode", sa.String(12), nullable=True))
    op.add_column("line_numbers", sa.Column("owner_unit_id", sa.Uuid(), nullable=True))
    op.add_column("line_numbers", sa.Column("cut_over_on", sa.Date(), nullable=True))
    op.add_column("line_numbers", sa.Column("document", sa.String(120), server_default="", nullable=False))
    op.create_foreign_key(op.f("fk_line_numbers_owner_unit_id"), "line_numbers", "units", ["owner_unit_id"], ["id"])
    op.execute("UPDATE line_numbers SET mode = 'whole' WHERE original_hotline IS NOT NULL")
