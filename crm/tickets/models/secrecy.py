"""Looks at the citizen of an order, and a unit's request to know who is behind one that hides it (第二十二条)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Unmasking(Base):
    """One person's look at one order's citizen: from the reason that was given until the time was over (F22-2)."""

    __tablename__ = "unmaskings"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    user_id: Mapped[UUID]
    unit_id: Mapped[UUID | None]
    reason: Mapped[str]
    at: Mapped[datetime]
    until: Mapped[datetime]

    __table_args__ = (Index("ix_unmaskings_ticket_user", "ticket_id", "user_id", "until"),)


class IdentityRequest(Base):
    """查看身份申请 (F22-3): the unit says why it must know, the director of the centre decides."""

    __tablename__ = "identity_requests"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"))
    unit_id: Mapped[UUID]
    requested_at: Mapped[datetime]
    requested_by: Mapped[UUID | None]
    purpose: Mapped[str]
    state: Mapped[str]
    """`open`, `granted`, `refused`, `void` (the unit's part ended first)."""
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(default="", server_default="")
    until: Mapped[datetime | None]
    """Exclusive end of what was granted."""

    __table_args__ = (
        Index("uq_identity_requests_open", "assignment_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_identity_requests_ticket", "ticket_id"),
        Index("ix_identity_requests_waiting", "requested_at", postgresql_where=text("state = 'open'")),
    )
