"""Table of duty contacts."""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal
from crm.contacts.rules import Days, Watch


class DutyContact(Base):
    """值班联系人: somebody whom a unit is reached through, and when. Retired, never deleted: alarms name them."""

    __tablename__ = "duty_contacts"
    __table_args__ = (
        Index("ix_duty_contacts_unit_id", "unit_id", "rank", postgresql_where=text("retired_at IS NULL")),
        CheckConstraint("days IN ('all', 'working', 'rest')", name="days"),
        CheckConstraint("last_day >= first_day", name="last_day"),
    )

    id: Mapped[Id]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    rank: Mapped[int]
    """Who is called first, second, …; from 1."""
    name: Mapped[str] = mapped_column(Personal)
    post: Mapped[str] = mapped_column(String(40), default="")
    phone: Mapped[str] = mapped_column(Personal)
    days: Mapped[str] = mapped_column(String(8))
    start: Mapped[time]
    end: Mapped[time]
    first_day: Mapped[date | None]
    last_day: Mapped[date | None]
    checked_at: Mapped[datetime | None]
    """核对: when somebody last made sure, or confirmed a test call; None since it was never checked."""
    checked_by_name: Mapped[str] = mapped_column(String(40), default="")
    tested_at: Mapped[datetime | None]
    """试拨: when the last test call ended."""
    test_outcome: Mapped[str] = mapped_column(String(12), default="")
    """A `callflow.spoken.rules.Outcome`; empty: never tried."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    retired_at: Mapped[datetime | None]
    retired_by_name: Mapped[str] = mapped_column(String(40), default="")
    retired_reason: Mapped[str] = mapped_column(String(200), default="")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts the changes; what a page shows, it sends back."""

    @property
    def watch(self) -> Watch:
        """When this person is on duty."""
        return Watch(Days(self.days), self.start, self.end, self.first_day, self.last_day)

    @property
    def hours(self) -> str:
        """`每天 全天`, `工作日 08:30—17:30`, `每天 18:00—次日08:00`."""
        if self.start == self.end:
            told = "全天" if self.start == time() else f"{self.start:%H:%M}起24小时"
        else:
            told = f"{self.start:%H:%M}—{'' if self.end > self.start else '次日'}{self.end:%H:%M}"
        return f"{Days(self.days).label} {told}"
