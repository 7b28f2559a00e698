"""Tables of scoring: draws, the calls that were drawn, and the marks that they got."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class Draw(Base):
    """One draw, with everything that it takes to draw it again."""

    __tablename__ = "scoring_draws"
    __table_args__ = (UniqueConstraint("first", "last"),)

    id: Mapped[Id]
    first: Mapped[date]
    last: Mapped[date]
    """Days in Shanghai, both included."""
    seed: Mapped[int] = mapped_column(BigInteger)
    population: Mapped[dict[str, Any]]
    """Agent's id -> the ids of the calls among which it was drawn."""
    rules: Mapped[dict[str, Any]]
    """The policy's section at that time: plan, criteria, limits."""
    drawn_at: Mapped[datetime] = mapped_column(default=now)
    drawn_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    drawn_by_name: Mapped[str] = mapped_column(String(40))


class Sample(Base):
    """One call that was drawn. A call is scored once, whichever draws it lies in."""

    __tablename__ = "scoring_samples"
    __table_args__ = (
        Index("ix_scoring_samples_draw", "draw_id", "agent_name", "id"),
        Index("ix_scoring_samples_agent", "agent_id", "told_at"),
        Index("ix_scoring_samples_waiting", "state", postgresql_where=text("state IN ('drawn', 'second', 'objected')")),
    )

    id: Mapped[Id]
    draw_id: Mapped[UUID] = mapped_column(ForeignKey("scoring_draws.id"))
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id"), unique=True)
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    agent_name: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(10))
    """A `rules.State`."""
    total: Mapped[int | None]
    """Of the newest marks; None before the first."""
    told_at: Mapped[datetime | None]
    """Since when it counts and the agent sees it."""
    objection_until: Mapped[datetime | None]
    """The first instant that is too late."""
    seen_at: Mapped[datetime | None]
    """When the agent looked at it first."""
    objection: Mapped[str] = mapped_column(String(1000), default="")
    objected_at: Mapped[datetime | None]


class Scored(Base):
    """The marks of one step: nothing is overwritten."""

    __tablename__ = "scoring_marks"

    sample_id: Mapped[UUID] = mapped_column(ForeignKey("scoring_samples.id"), primary_key=True)
    step: Mapped[str] = mapped_column(String(10), primary_key=True)
    """A `rules.Step`."""
    points: Mapped[list[Any]]
    """In the order of the draw's criteria."""
    fatal: Mapped[list[Any]]
    total: Mapped[int]
    comment: Mapped[str] = mapped_column(String(1000))
    by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    by_name: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(default=now)
