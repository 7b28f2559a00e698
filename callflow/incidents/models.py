"""Table of incidents of the line."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Incident(Base):
    """An unbroken span of minutes with one trouble, such as that nobody could have answered (第二条: 7×24
    小时全天候人工服务)."""

    __tablename__ = "line_incidents"
    __table_args__ = (
        Index("uq_line_incidents_open", "kind", unique=True, postgresql_where=text("closed_at IS NULL")),
        CheckConstraint("minutes > 0", name="minutes_count"),
    )

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20), default="no-agent")
    """`no-agent`, or `spool-full`: sound cannot be written; `archive-away`: finished recordings cannot be archived;
    `archive-wrong`: the check found archived recordings changed, or cannot keep up;
    `toll-fraud`: again and again a number was dialled that is not allowed; `line-probe`: the line's
    own citizen was not answered as it should be."""
    opened_at: Mapped[datetime]
    """First minute."""
    last_minute_at: Mapped[datetime]
    """Latest minute that was counted."""
    minutes: Mapped[int]
    unobserved: Mapped[int] = mapped_column(default=0)
    """Of these, minutes that nobody watched: the service was down before and after it, nobody was there."""
    waiting: Mapped[int] = mapped_column(default=0)
    """Most callers waiting at once in this span."""
    duty_covered: Mapped[bool] = mapped_column(default=False)
    """Whether a duty mobile could be called all the while."""
    closed_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(String(500))
    """What a person wrote about its reason; before that, what the probe found."""
