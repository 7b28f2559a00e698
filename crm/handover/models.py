"""Tables of the handover log 交接班日志."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class Handover(Base):
    """One change of shift: written by who leaves, received by somebody else."""

    __tablename__ = "handovers"
    __table_args__ = (Index("ix_handovers_handed_at", "handed_at", "id"),)

    id: Mapped[Id]
    shift: Mapped[str] = mapped_column(String(20))
    """早班, 中班, 夜班, as the centre calls it."""
    since: Mapped[datetime]
    """Since when the figures count: the handover before."""
    handed_at: Mapped[datetime] = mapped_column(default=now)
    handed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    handed_by_name: Mapped[str] = mapped_column(String(40))
    summary: Mapped[str] = mapped_column(String(2000))
    figures: Mapped[dict[str, Any]]
    """What the line did since: name -> count, fixed at the handover."""
    matters: Mapped[list[Any]] = mapped_column(default=list)
    """Ids of the matters that were open then."""
    received_at: Mapped[datetime | None]
    received_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    received_by_name: Mapped[str | None] = mapped_column(String(40))
    remark: Mapped[str] = mapped_column(String(500), default="")
    """What who received it says to it."""


class Matter(Base):
    """未了事项: carried from shift to shift until closed, with who sees to it."""

    __tablename__ = "handover_matters"
    __table_args__ = (
        Index("ix_handover_matters_open", "opened_at", postgresql_where=text("closed_at IS NULL")),
        Index("ix_handover_matters_ticket", "ticket_id"),
    )

    id: Mapped[Id]
    text: Mapped[str] = mapped_column(String(500))
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("tickets.id"))
    opened_at: Mapped[datetime] = mapped_column(default=now)
    opened_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    opened_by_name: Mapped[str] = mapped_column(String(40))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    """Who sees to it."""
    owner_name: Mapped[str] = mapped_column(String(40))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    closed_by_name: Mapped[str | None] = mapped_column(String(40))
    result: Mapped[str] = mapped_column(String(500), default="")
