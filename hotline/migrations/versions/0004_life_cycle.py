"""The life of an order from dispatch to archive: parts, returns, replies, due changes, follow-up; an immutable history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

IMMUTABLE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed; append another row', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER ticket_events_are_history BEFORE UPDATE OR DELETE ON ticket_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER due_changes_are_history BEFORE UPDATE OR DELETE ON due_changes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
EARLIER = """
UPDATE tickets SET state_since = coalesce(first_dispatched_at, opened_at),
    accepted_at = first_dispatched_at;
UPDATE tickets SET state_due_at = (SELECT sign_due_at FROM assignments AS a
    WHERE a.ticket_id = tickets.id AND a.role = 'lead' AND a.closed_at IS NULL LIMIT 1)
    WHERE state = 'dispatched';
UPDATE assignments SET stage = 'handling' WHERE role = 'copy';
"""


def upgrade() -> None:
    """Expand; orders of before stand where they stood."""
    op.create_table(
        "statutory_limits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("matter", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statutory_limits")),
    )
    op.create_index(op.f("ix_statutory_limits_matter"), "statutory_limits", ["matter"], unique=False)
    op.create_table(
        "refusals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("explanation", sa.String(), nullable=False),
        sa.Column("referral", sa.String(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("not_told_reason", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_by", sa.Uuid(), nullable=True),
        sa.Column("second_reason", sa.String(), nullable=False),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened_by", sa.Uuid(), nullable=True),
        sa.Column("reopened_reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_refusals_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusals")),
    )
    op.create_index("ix_refusals_item", "refusals", ["item", "proposed_at"], unique=False)
    op.create_index(op.f("ix_refusals_ticket_id"), "refusals", ["ticket_id"], unique=False)
    op.create_index(
        "uq_refusals_proposed", "refusals", ["ticket_id"], unique=True, postgresql_where=sa.text("state = 'proposed'")
    )
    op.create_table(
        "follow_ups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("contacted", sa.Boolean(), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_follow_ups_round_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_follow_ups_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_ups")),
        sa.UniqueConstraint("ticket_id", "round_id", "n", name=op.f("uq_follow_ups_ticket_id_round_id_n")),
    )
    op.create_index(op.f("ix_follow_ups_ticket_id"), "follow_ups", ["ticket_id"], unique=False)
    op.create_table(
        "supervision_candidates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=True),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_supervision_candidates_round_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_supervision_candidates_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_candidates")),
        sa.UniqueConstraint(
            "ticket_id",
            "round_id",
            "level",
            "ground",
            name=op.f("uq_supervision_candidates_ticket_id_round_id_level_ground"),
        ),
    )
    op.create_index(
        "ix_supervision_candidates_open",
        "supervision_candidates",
        ["level", "opened_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_supervision_candidates_ticket_id"), "supervision_candidates", ["ticket_id"], unique=False)
    op.create_table(
        "due_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("days", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name=op.f("fk_due_changes_assignment_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_due_changes_round_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_due_changes_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due_changes")),
    )
    op.create_index(op.f("ix_due_changes_ticket_id"), "due_changes", ["ticket_id"], unique=False)
    op.create_table(
        "extensions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_by", sa.Uuid(), nullable=True),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("explanation", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("due_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_asked", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decide_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("exceptional", sa.Boolean(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name=op.f("fk_extensions_assignment_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_extensions_round_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_extensions_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extensions")),
    )
    op.create_index(op.f("ix_extensions_ticket_id"), "extensions", ["ticket_id"], unique=False)
    op.create_index(
        "uq_extensions_open",
        "extensions",
        ["ticket_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('open', 'forwarded')"),
    )
    op.create_table(
        "internal_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("needs_leader", sa.Boolean(), nullable=False),
        sa.Column("soft_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.Column("result", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name=op.f("fk_internal_steps_assignment_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_internal_steps_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_internal_steps")),
        sa.UniqueConstraint("assignment_id", "n", name=op.f("uq_internal_steps_assignment_id_n")),
    )
    op.create_index(op.f("ix_internal_steps_ticket_id"), "internal_steps", ["ticket_id"], unique=False)
    op.create_index(
        "uq_internal_steps_open",
        "internal_steps",
        ["assignment_id"],
        unique=True,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "ratings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=True),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("follow_up_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("excluded", sa.String(), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["follow_up_id"], ["follow_ups.id"], name=op.f("fk_ratings_follow_up_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_ratings_round_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ratings_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ratings")),
    )
    op.create_index(op.f("ix_ratings_ticket_id"), "ratings", ["ticket_id"], unique=False)
    op.create_index("ix_ratings_unit_at", "ratings", ["unit_id", "at"], unique=False)
    op.create_index(
        "uq_ratings_present",
        "ratings",
        ["ticket_id", "round_id"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "replies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("close_kind", sa.String(), nullable=True),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("explained", sa.Boolean(), nullable=False),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("overdue_assists", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("contact_method", sa.String(), nullable=True),
        sa.Column("contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_person", sa.Text(), nullable=True),
        sa.Column("contact_reference", sa.String(), nullable=False),
        sa.Column("contact_exception", sa.String(), nullable=True),
        sa.Column("contact_note", sa.String(), nullable=False),
        sa.Column("publish_ok", sa.Boolean(), nullable=False),
        sa.Column("attachments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name=op.f("fk_replies_assignment_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_replies_round_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_replies_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
    )
    op.create_index(op.f("ix_replies_assignment_id"), "replies", ["assignment_id"], unique=False)
    op.create_index(op.f("ix_replies_ticket_id"), "replies", ["ticket_id"], unique=False)
    op.create_table(
        "return_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("window_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("suggested_unit_id", sa.Uuid(), nullable=True),
        sa.Column("attachments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("review_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("compensation_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignments.id"], name=op.f("fk_return_requests_assignment_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_return_requests_round_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_return_requests_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_requests")),
    )
    op.create_index(op.f("ix_return_requests_ticket_id"), "return_requests", ["ticket_id"], unique=False)
    op.create_index(
        "uq_return_requests_open",
        "return_requests",
        ["assignment_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('open', 'forwarded', 'disputed')"),
    )
    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("return_request_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("convene_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("lead_unit_id", sa.Uuid(), nullable=True),
        sa.Column("assist_unit_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["return_request_id"], ["return_requests.id"], name=op.f("fk_disputes_return_request_id")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_disputes_round_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_disputes_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index(op.f("ix_disputes_ticket_id"), "disputes", ["ticket_id"], unique=False)
    op.create_index(
        "uq_disputes_open", "disputes", ["ticket_id"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "quality_checks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("reply_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_by", sa.Uuid(), nullable=True),
        sa.Column("compensation_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["reply_id"], ["replies.id"], name=op.f("fk_quality_checks_reply_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_quality_checks_round_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_quality_checks_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_checks")),
        sa.UniqueConstraint("reply_id", name=op.f("uq_quality_checks_reply_id")),
    )
    op.create_index(op.f("ix_quality_checks_ticket_id"), "quality_checks", ["ticket_id"], unique=False)
    op.create_table(
        "verifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("rating_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["rating_id"], ["ratings.id"], name=op.f("fk_verifications_rating_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_verifications_round_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_verifications_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
    )
    op.create_index(op.f("ix_verifications_ticket_id"), "verifications", ["ticket_id"], unique=False)
    op.create_table(
        "dispute_attendees",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["dispute_id"], ["disputes.id"], name=op.f("fk_dispute_attendees_dispute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_attendees")),
    )
    op.create_index(op.f("ix_dispute_attendees_dispute_id"), "dispute_attendees", ["dispute_id"], unique=False)
    op.add_column("assignments", sa.Column("parent_id", sa.Uuid(), nullable=True))
    op.add_column("assignments", sa.Column("stage", sa.String(), server_default="to-sign", nullable=False))
    op.add_column("assignments", sa.Column("sent_back", sa.Integer(), server_default="0", nullable=False))
    op.add_column("assignments", sa.Column("read_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("assignments", sa.Column("sign_overdue_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("assignments", sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_assignments_due",
        "assignments",
        ["due_at", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL AND due_at IS NOT NULL"),
    )
    op.create_index("ix_assignments_round", "assignments", ["round_id"], unique=False)
    op.create_index(
        "ix_assignments_to_sign",
        "assignments",
        ["sign_due_at", "id"],
        unique=False,
        postgresql_where=sa.text("signed_at IS NULL AND closed_at IS NULL AND sign_due_at IS NOT NULL"),
    )
    op.create_foreign_key(op.f("fk_assignments_parent_id"), "assignments", "assignments", ["parent_id"], ["id"])
    op.add_column("rounds", sa.Column("limit_kind", sa.String(), server_default="category", nullable=False))
    op.add_column("rounds", sa.Column("statutory_limit_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_rounds_statutory_limit_id"), "rounds", "statutory_limits", ["statutory_limit_id"], ["id"]
    )
    op.add_column("tickets", sa.Column("close_kind", sa.String(), nullable=True))
    op.add_column("tickets", sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "tickets", sa.Column("state_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.add_column("tickets", sa.Column("state_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("provisional", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("tickets", sa.Column("hard", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("tickets", sa.Column("extension_pending", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("tickets", sa.Column("extensions", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("returns", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("supervision_level", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("split_from", sa.Uuid(), nullable=True))
    op.add_column("tickets", sa.Column("publish_ok", sa.Boolean(), nullable=True))
    op.create_index(
        "ix_tickets_master", "tickets", ["master_id"], unique=False, postgresql_where=sa.text("master_id IS NOT NULL")
    )
    op.create_index(
        "ix_tickets_repeat_of",
        "tickets",
        ["repeat_of"],
        unique=False,
        postgresql_where=sa.text("repeat_of IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_split_from",
        "tickets",
        ["split_from"],
        unique=False,
        postgresql_where=sa.text("split_from IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_state_due",
        "tickets",
        ["state_due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state_due_at IS NOT NULL"),
    )
    op.create_foreign_key(op.f("fk_tickets_split_from"), "tickets", "tickets", ["split_from"], ["id"])

    op.execute(IMMUTABLE)
    op.execute(EARLIER)
