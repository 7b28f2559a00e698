"""Tables of 逐级汇报."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class Escalation(Base):
    """A question about one order: does this belong to the hotline? It climbs until somebody answers."""

    __tablename__ = "escalations"
    __table_args__ = (
        Index("uq_escalations_open", "ticket_id", unique=True, postgresql_where=text("answered_at IS NULL")),
        Index("ix_escalations_due_at", "due_at", postgresql_where=text("answered_at IS NULL")),
        Index("ix_escalations_opened_at", "opened_at", "id"),
        CheckConstraint("verdict IN ('', 'accept', 'refuse', 'elsewhere')", name="verdict"),
    )

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    question: Mapped[str] = mapped_column(String(500))
    urgent: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime] = mapped_column(default=now)
    opened_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    opened_by_name: Mapped[str] = mapped_column(String(40))
    due_at: Mapped[datetime | None]
    """When it moves up by itself (exclusive end of the present level); None at the top, from where nothing is left."""
    verdict: Mapped[str] = mapped_column(String(12), default="")
    """A `rules.Verdict`; empty while nobody has answered."""
    answer: Mapped[str] = mapped_column(String(500), default="")
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    answered_by_name: Mapped[str] = mapped_column(String(40), default="")


class EscalationStep(Base):
    """One level that was asked: written when it is reached, never changed."""

    __tablename__ = "escalation_steps"
    __table_args__ = (UniqueConstraint("escalation_id", "n"),)

    id: Mapped[Id]
    escalation_id: Mapped[UUID] = mapped_column(ForeignKey("escalations.id"))
    n: Mapped[int]
    """1 for the first level."""
    post: Mapped[str] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    """The end of its time; None at the top."""
