"""Table of the register of nuisance callers."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal, blind_index, index_for


class Ground(StrEnum):
    """What the caller does."""

    HARASSING = "harassing"
    ABUSIVE = "abusive"
    OCCUPYING = "occupying"
    FALSE = "false"

    @property
    def label(self) -> str:
        """As staff write it."""
        return _GROUNDS[self]


_GROUNDS = {
    Ground.HARASSING: "骚扰话务员",
    Ground.ABUSIVE: "辱骂威胁",
    Ground.OCCUPYING: "无诉求反复占线",
    Ground.FALSE: "编造虚假情况",
}


class Standing(StrEnum):
    """How a registration stands: it ends when somebody lifts it, or after its day of review."""

    WAITING = "waiting"
    PRESENT = "present"
    ENDED = "ended"

    @property
    def label(self) -> str:
        """As people read it."""
        return {"waiting": "待核准", "present": "生效中", "ended": "已解除"}[self]


class NuisanceCaller(Base):
    """One registration: proposed from a call, confirmed by another person, in force up to its day of review."""

    __tablename__ = "line_nuisance_callers"

    id: Mapped[Id]
    phone: Mapped[str] = mapped_column(Personal)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id"))
    """The call that shows it."""
    ground: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(500))
    calls: Mapped[int]
    """So many calls are still taken within the window: at least one, never none."""
    window_min: Mapped[int]
    review_on: Mapped[date]
    """Last day on which it holds: then it ends by itself, or is registered anew by two people."""
    proposed_at: Mapped[datetime] = mapped_column(default=now)
    proposed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    proposed_by_name: Mapped[str] = mapped_column(String(40))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    confirmed_by_name: Mapped[str | None] = mapped_column(String(40))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    ended_by_name: Mapped[str | None] = mapped_column(String(40))
    ended_reason: Mapped[str] = mapped_column(String(200), default="")
    """Why it was lifted, or not confirmed."""

    __table_args__ = (
        CheckConstraint("calls >= 1", name="never_blocked"),
        Index(
            "uq_line_nuisance_callers_standing",
            blind_index(phone),
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        index_for("ix_line_nuisance_callers_phone", phone),
    )

    def standing(self, day: date) -> Standing:
        """How it stands on this day."""
        if self.ended_at or self.review_on < day:
            return Standing.ENDED
        return Standing.PRESENT if self.confirmed_at else Standing.WAITING
