"""What has fired: one row for each subject, timer and due instant, so that nothing fires twice."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class TimerFiring(Base):
    """One firing. A due that moved has another key: its timer is armed again."""

    __tablename__ = "timer_firings"

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    """The part, extension or order whose due it was."""
    timer: Mapped[str] = mapped_column(primary_key=True)
    """`id` of a line of `crm.timers.table.TIMERS`."""
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    ticket_id: Mapped[UUID]
    """Read from the locked order itself: no constraint looks for it again, a hundred thousand times in a morning."""
    fired_at: Mapped[datetime]
    batch: Mapped[UUID]
    """The transaction that fired it; its event names the batch."""

    __table_args__ = (Index("ix_timer_firings_batch", "batch"),)
