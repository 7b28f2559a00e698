"""Tables of the accuracy of the knowledge base: draws, what was drawn, and what reviewers found."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id

VERDICTS = "verdict IN ('', 'accurate', 'wrong', 'outdated', 'doubtful')"


class AccuracyDraw(Base):
    """One draw, with everything that it takes to draw it again."""

    __tablename__ = "accuracy_draws"
    __table_args__ = (UniqueConstraint("first", "last"),)

    id: Mapped[Id]
    first: Mapped[date]
    last: Mapped[date]
    """Days in Shanghai, both included."""
    seed: Mapped[int] = mapped_column(BigInteger)
    items: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    """Unit's id -> the ids of its versions that answered when it was drawn."""
    answers: Mapped[list[Any]] = mapped_column(deferred=True)
    """The ids of the answers of the period that were given from the knowledge base."""
    rules: Mapped[dict[str, Any]]
    """The policy's section at that time."""
    drawn_at: Mapped[datetime] = mapped_column(default=now)
    drawn_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    drawn_by_name: Mapped[str] = mapped_column(String(40))


class AccuracySample(Base):
    """One version that was drawn, for itself or because somebody was answered with it."""

    __tablename__ = "accuracy_samples"
    __table_args__ = (
        UniqueConstraint("draw_id", "n"),
        Index("ix_accuracy_samples_waiting", "draw_id", postgresql_where=text("verdict = ''")),
        CheckConstraint(VERDICTS, name="verdict"),
        CheckConstraint("(checked_at IS NULL) = (verdict = '')", name="checked"),
    )

    id: Mapped[Id]
    draw_id: Mapped[UUID] = mapped_column(ForeignKey("accuracy_draws.id"))
    n: Mapped[int]
    """Its place in the draw, from 1 on."""
    version_id: Mapped[UUID] = mapped_column(ForeignKey("knowledge_versions.id"))
    use_id: Mapped[UUID | None] = mapped_column(ForeignKey("knowledge_uses.id"), unique=True)
    """The answer that was drawn; None: the item."""
    version: Mapped[int] = mapped_column(default=1)
    """Counts the findings; what a page shows, it sends back."""
    verdict: Mapped[str] = mapped_column(String(10), default="")
    """A `rules.Verdict`, the newest; empty while nobody has checked it."""
    note: Mapped[str] = mapped_column(String(400), default="")
    checked_at: Mapped[datetime | None]
    checked_name: Mapped[str] = mapped_column(String(40), default="")
    correction_id: Mapped[UUID | None] = mapped_column(ForeignKey("knowledge_corrections.id"))
    """The report of an error that came of it."""


class AccuracyFinding(Base):
    """What one reviewer found at one time. Never changed: another finding is a row."""

    __tablename__ = "accuracy_findings"
    __table_args__ = (Index("ix_accuracy_findings_sample", "sample_id", "at"),)

    id: Mapped[Id]
    sample_id: Mapped[UUID] = mapped_column(ForeignKey("accuracy_samples.id"))
    verdict: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(String(400))
    at: Mapped[datetime] = mapped_column(default=now)
    by_id: Mapped[UUID | None]
    by_name: Mapped[str] = mapped_column(String(40))
