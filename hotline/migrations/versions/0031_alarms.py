"""Calls that speak, duty contacts of the units, and alarms that climb from one to the next."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    waits = sa.text("emergency AND first_dispatched_at IS NULL")
    op.create_index("ix_tickets_emergency", "tickets", ["opened_at"], postgresql_where=waits)
    op.create_table(
        "line_spoken_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("text", sa.String(length=400), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("wanted_at", WHEN, nullable=False),
        sa.Column("until", WHEN, nullable=False),
        sa.Column("node", sa.String(length=64), nullable=True),
        sa.Column("placed_at", WHEN, nullable=True),
        sa.Column("answered_at", WHEN, nullable=True),
        sa.Column("confirmed_at", WHEN, nullable=True),
        sa.Column("ended_at", WHEN, nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.CheckConstraint(
            "(outcome = 'confirmed') = (confirmed_at IS NOT NULL)", name=op.f("ck_line_spoken_calls_confirmed")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_spoken_calls")),
    )
    going = sa.text("outcome IS NULL")
    op.create_index("ix_line_spoken_calls_waiting", "line_spoken_calls", ["wanted_at"], postgresql_where=going)
    op.create_index("ix_line_spoken_calls_subject", "line_spoken_calls", ["subject", "subject_id", "wanted_at"])
    op.create_table(
        "duty_contacts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("post", sa.String(length=40), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("days", sa.String(length=8), nullable=False),
        sa.Column("start", sa.Time(), nullable=False),
        sa.Column("end", sa.Time(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("checked_at", WHEN, nullable=True),
        sa.Column("checked_by_name", sa.String(length=40), nullable=False),
        sa.Column("tested_at", WHEN, nullable=True),
        sa.Column("test_outcome", sa.String(length=12), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("retired_at", WHEN, nullable=True),
        sa.Column("retired_by_name", sa.String(length=40), nullable=False),
        sa.Column("retired_reason", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("days IN ('all', 'working', 'rest')", name=op.f("ck_duty_contacts_days")),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_duty_contacts_last_day")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_duty_contacts_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_contacts")),
    )
    used = sa.text("retired_at IS NULL")
    op.create_index("ix_duty_contacts_unit_id", "duty_contacts", ["unit_id", "rank"], postgresql_where=used)
    op.create_table(
        "alarms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", WHEN, nullable=False),
        sa.Column("due_at", WHEN, nullable=True),
        sa.Column("done_at", WHEN, nullable=True),
        sa.Column("done_by_name", sa.String(length=40), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("remark", sa.String(length=200), nullable=False),
        sa.CheckConstraint("(done_at IS NULL) = (how = '')", name=op.f("ck_alarms_how")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["emergency_events.id"], name=op.f("fk_alarms_event_id_emergency_events")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_alarms_unit_id_units")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_alarms_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sa.UniqueConstraint("event_id", "unit_id", name=op.f("uq_alarms_event_id_unit_id")),
    )
    op.create_index("ix_alarms_due_at", "alarms", ["due_at"], postgresql_where=sa.text("done_at IS NULL"))
    op.create_table(
        "alarm_rungs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("since", WHEN, nullable=False),
        sa.Column("until", WHEN, nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name=op.f("fk_alarm_rungs_alarm_id_alarms")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["duty_contacts.id"], name=op.f("fk_alarm_rungs_contact_id_duty_contacts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_rungs")),
        sa.UniqueConstraint("alarm_id", "n", name=op.f("uq_alarm_rungs_alarm_id_n")),
    )
