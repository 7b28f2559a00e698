"""The in-app inbox 通知: one row for each person and event."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Notice(Base):
    """What one person was told of one event; the words hold the order's number and a due, never the matter."""

    __tablename__ = "notices"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    event: Mapped[str]
    """`<ticket>:<seq>:<template>` of an act, `<subject>:<timer>:<due>:<template>` of a timer: telling it
    twice makes one row."""
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    template: Mapped[str]
    text: Mapped[str]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("user_id", "event"),
        Index("ix_notices_user", "user_id", "created_at", "id"),
        Index("ix_notices_unread", "user_id", postgresql_where=sql("read_at IS NULL")),
        Index("ix_notices_ticket", "ticket_id"),
    )
