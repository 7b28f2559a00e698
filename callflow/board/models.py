"""Tables of the board: notes to the desks with who read them, and requests for help."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class DeskNote(Base):
    """通知坐席: stands in the top bar of every agent until read, or until it ends."""

    __tablename__ = "line_desk_notes"
    __table_args__ = (Index("ix_line_desk_notes_ends_at", "ends_at"),)

    id: Mapped[Id]
    text: Mapped[str] = mapped_column(String(200))
    sent_at: Mapped[datetime] = mapped_column(default=now)
    sent_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    sent_by_name: Mapped[str] = mapped_column(String(40))
    ends_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class DeskNoteRead(Base):
    """An agent has read a note."""

    __tablename__ = "line_desk_note_reads"

    note_id: Mapped[UUID] = mapped_column(ForeignKey("line_desk_notes.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)


class HelpRequest(Base):
    """求助: an agent asks the lead about a call; one is open for a call at a time."""

    __tablename__ = "line_help_requests"
    __table_args__ = (
        Index("uq_line_help_requests_open", "call_id", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("ix_line_help_requests_asked_at", "asked_at"),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    user_name: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(String(200))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    closed_by_name: Mapped[str | None] = mapped_column(String(40))
    answer: Mapped[str] = mapped_column(String(200), default="")
    """What the lead answers; the agent reads it beside the call."""
