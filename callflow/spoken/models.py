"""Table of calls that speak."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal


class SpokenCall(Base):
    """通知电话: this number is called once and hears this text; a pressed 1 confirms it."""

    __tablename__ = "line_spoken_calls"
    __table_args__ = (
        Index("ix_line_spoken_calls_waiting", "wanted_at", postgresql_where=text("outcome IS NULL")),
        Index("ix_line_spoken_calls_subject", "subject", "subject_id", "wanted_at"),
        CheckConstraint("(outcome = 'confirmed') = (confirmed_at IS NOT NULL)", name="confirmed"),
    )

    id: Mapped[Id]
    phone: Mapped[str] = mapped_column(Personal)
    text: Mapped[str] = mapped_column(String(400))
    subject: Mapped[str] = mapped_column(String(20))
    """What it is for, in the words of who asked for it, such as `alarm`."""
    subject_id: Mapped[UUID]
    wanted_at: Mapped[datetime] = mapped_column(default=now)
    """Not placed before."""
    until: Mapped[datetime]
    """Not placed from then on."""
    node: Mapped[str | None] = mapped_column(String(64))
    placed_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(12))
    """A `rules.Outcome`; None: it waits, or goes on."""
