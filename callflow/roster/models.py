"""Tables of the roster: the plan that a lead works on, and what was published of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id

MAIN_CENTRE = ""
"""The centre of 12345 itself; a sub-centre 分中心 is named by its queue."""


class RosterShift(Base):
    """班次 of the plan: who sits at a desk, from when to when; the night's as well as the day's."""

    __tablename__ = "line_roster"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="has_length"),
        Index("ix_line_roster_span", "starts_at", "ends_at"),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    night: Mapped[bool] = mapped_column(default=False)
    centre: Mapped[str] = mapped_column(String(40), default=MAIN_CENTRE, server_default=MAIN_CENTRE)
    """At which centre: `MAIN_CENTRE`, or a sub-centre's queue."""


class RosterVersion(Base):
    """One publication: never changed, only followed by the next."""

    __tablename__ = "line_roster_versions"
    __table_args__ = (UniqueConstraint("centre", "number"),)

    id: Mapped[Id]
    centre: Mapped[str] = mapped_column(String(40), default=MAIN_CENTRE)
    number: Mapped[int]
    """From 1, for each centre."""
    published_at: Mapped[datetime] = mapped_column(default=now)
    published_by: Mapped[UUID | None]
    published_by_name: Mapped[str] = mapped_column(String(40))
    from_at: Mapped[datetime]
    covered_until: Mapped[datetime]
    """First minute after `from_at` without a planned agent: until then somebody sits there at every minute."""
    note: Mapped[str] = mapped_column(String(200), default="")
    """What changed, for those who read it."""


class PublishedShift(Base):
    """A shift as it was published."""

    __tablename__ = "line_roster_published"
    __table_args__ = (Index("ix_line_roster_published_user", "user_id", "starts_at"),)

    version_id: Mapped[UUID] = mapped_column(
        ForeignKey("line_roster_versions.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime]
    night: Mapped[bool]
