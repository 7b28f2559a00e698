"""What has fired: one row for each subject, timer and due instant, so that nothing fires twice."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class TimerFiring(Base):
    """One firing. A due that moved has another key: its timer is armed again."""

    __tablename__ = "timer_firings"

    id: Mapped[Id]
    subject_id: Mapped[UUID]
    """The part, extension or order whose due it was."""
    timer: Mapped[str]
    """`id` of a line of `crm.timers.table.TIMERS`."""
    due_at: Mapped[datetime]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    fired_at: Mapped[datetime]
    batch: Mapped[UUID]
    """The transaction that fired it; its event names the batch."""

    __table_args__ = (
        UniqueConstraint("subject_id", "timer", "due_at"),
        Index("ix_timer_firings_batch", "batch"),
        Index("ix_timer_firings_ticket", "ticket_id", "fired_at"),
    )
