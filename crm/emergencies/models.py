"""Tables of emergencies: what was noticed in orders, the events that became of it, their orders and their time line."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class EmergencySign(Base):
    """突发事件提示: words of one order speak for a kind. Once decided it is not raised again for this order."""

    __tablename__ = "emergency_signs"
    __table_args__ = (
        UniqueConstraint("ticket_id", "kind"),
        Index("ix_emergency_signs_place", "kind", "place", "found_at"),
        CheckConstraint("state IN ('open', 'confirmed', 'dismissed')", name="state"),
    )

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    kind: Mapped[str] = mapped_column(String(40))
    """Code of a kind of the county's file."""
    words: Mapped[str] = mapped_column(String(200))
    place: Mapped[str] = mapped_column(String(80), default="")
    """What many calls are counted by; empty while no place is known."""
    found_at: Mapped[datetime] = mapped_column(default=now)
    state: Mapped[str] = mapped_column(String(12), default="open")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    decided_by_name: Mapped[str] = mapped_column(String(40), default="")
    reason: Mapped[str] = mapped_column(String(200), default="")


class EmergencyEvent(Base):
    """突发事件: one thing that happened, reported by one call or by many. `state` is a `rules.Standing`."""

    __tablename__ = "emergency_events"
    __table_args__ = (
        UniqueConstraint("number"),
        Index(
            "uq_emergency_events_going", "kind", "place", unique=True,
            postgresql_where=text("state IN ('suggested', 'open')"),
        ),
        Index("ix_emergency_events_began_at", "began_at", "id"),
        CheckConstraint("state IN ('suggested', 'open', 'closed', 'dismissed')", name="state"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
    )  # fmt: skip

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(20))
    """`TF20261128-001`."""
    kind: Mapped[str] = mapped_column(String(40))
    place: Mapped[str] = mapped_column(String(80))
    area: Mapped[str | None] = mapped_column(String(40))
    """Code of the township or street whose duty the place is."""
    state: Mapped[str] = mapped_column(String(12))
    began_at: Mapped[datetime] = mapped_column(default=now)
    """When it was suggested, or confirmed without that."""
    confirmed_at: Mapped[datetime | None]
    confirmed_by_name: Mapped[str] = mapped_column(String(40), default="")
    closed_at: Mapped[datetime | None]
    closed_by_name: Mapped[str] = mapped_column(String(40), default="")
    answer: Mapped[str] = mapped_column(String(200), default="")
    """What all callers were told."""
    version: Mapped[int] = mapped_column(default=1, server_default="1")


class EmergencyOrder(Base):
    """An order of an event: `suggested` by the machine, `linked` by a person, or `removed` by one."""

    __tablename__ = "emergency_orders"
    __table_args__ = (
        Index(
            "uq_emergency_orders_going", "ticket_id", unique=True,
            postgresql_where=text("state IN ('suggested', 'linked')"),
        ),
        CheckConstraint("state IN ('suggested', 'linked', 'removed')", name="state"),
    )  # fmt: skip

    event_id: Mapped[UUID] = mapped_column(ForeignKey("emergency_events.id"), primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(12))
    since: Mapped[datetime] = mapped_column(default=now)
    by_name: Mapped[str] = mapped_column(String(40), default="")
    """Empty: the machine's suggestion."""


class EmergencyEntry(Base):
    """One line of an event's time line; written once, never changed."""

    __tablename__ = "emergency_entries"
    __table_args__ = (Index("ix_emergency_entries_event_id", "event_id", "at"),)

    id: Mapped[Id]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("emergency_events.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    by_name: Mapped[str] = mapped_column(String(40), default="")
    """Empty: the system."""
    text: Mapped[str] = mapped_column(String(500))
