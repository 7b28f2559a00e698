"""Tables of alarms: one for each unit of an event, and the contacts that were told one after the other."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal


class Alarm(Base):
    """应急通知: this unit has to know of this event. It climbs until somebody confirms, signs, or is reached."""

    __tablename__ = "alarms"
    __table_args__ = (
        UniqueConstraint("event_id", "unit_id"),
        Index("ix_alarms_due_at", "due_at", postgresql_where=text("done_at IS NULL")),
        CheckConstraint("(done_at IS NULL) = (how = '')", name="how"),
    )

    id: Mapped[Id]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("emergency_events.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    """The first order of the event that came to this unit."""
    began_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime | None]
    """When the next contact is told (exclusive end of the present rung); None: nobody is left, or it is over."""
    done_at: Mapped[datetime | None]
    done_by_name: Mapped[str] = mapped_column(String(40), default="")
    how: Mapped[str] = mapped_column(String(8), default="")
    """A `rules.How`; empty while it goes on."""
    remark: Mapped[str] = mapped_column(String(200), default="")


class AlarmRung(Base):
    """One contact who was told: written when it is told, never changed."""

    __tablename__ = "alarm_rungs"
    __table_args__ = (UniqueConstraint("alarm_id", "n"),)

    id: Mapped[Id]
    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarms.id"))
    n: Mapped[int]
    """1 for the first contact."""
    contact_id: Mapped[UUID | None] = mapped_column(ForeignKey("duty_contacts.id"))
    """None: the unit's registered duty phone."""
    name: Mapped[str] = mapped_column(Personal)
    phone: Mapped[str] = mapped_column(Personal)
    since: Mapped[datetime]
    until: Mapped[datetime]
    """The end of this contact's time; then the next one is told."""
