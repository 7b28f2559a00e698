"""Emergencies: what was noticed in orders, events, their orders and time line."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "emergency_signs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("words", sa.String(length=200), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("found_at", WHEN, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("decided_at", WHEN, nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.CheckConstraint("state IN ('open', 'confirmed', 'dismissed')", name=op.f("ck_emergency_signs_state")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_emergency_signs_ticket_id_tickets")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_emergency_signs_decided_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_signs")),
        sa.UniqueConstraint("ticket_id", "kind", name=op.f("uq_emergency_signs_ticket_id_kind")),
    )
    op.create_index("ix_emergency_signs_place", "emergency_signs", ["kind", "place", "found_at"])
    op.create_table(
        "emergency_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("area", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("began_at", WHEN, nullable=False),
        sa.Column("confirmed_at", WHEN, nullable=True),
        sa.Column("confirmed_by_name", sa.String(length=40), nullable=False),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.Column("closed_by_name", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "state IN ('suggested', 'open', 'closed', 'dismissed')", name=op.f("ck_emergency_events_state")
        ),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_emergency_events_closed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_events")),
        sa.UniqueConstraint("number", name=op.f("uq_emergency_events_number")),
    )
    going = sa.text("state IN ('suggested', 'open')")
    op.create_index(
        "uq_emergency_events_going", "emergency_events", ["kind", "place"], unique=True, postgresql_where=going
    )
    op.create_index("ix_emergency_events_began_at", "emergency_events", ["began_at", "id"])
    op.create_table(
        "emergency_orders",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("since", WHEN, nullable=False),
        sa.Column("by_name", sa.String(length=40), nullable=False),
        sa.CheckConstraint("state IN ('suggested', 'linked', 'removed')", name=op.f("ck_emergency_orders_state")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["emergency_events.id"], name=op.f("fk_emergency_orders_event_id_emergency_events")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_emergency_orders_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("event_id", "ticket_id", name=op.f("pk_emergency_orders")),
    )
    held = sa.text("state IN ('suggested', 'linked')")
    op.create_index("uq_emergency_orders_going", "emergency_orders", ["ticket_id"], unique=True, postgresql_where=held)
    op.create_table(
        "emergency_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("by_name", sa.String(length=40), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["emergency_events.id"], name=op.f("fk_emergency_entries_event_id_emergency_events")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_entries")),
    )
    op.create_index("ix_emergency_entries_event_id", "emergency_entries", ["event_id", "at"])
