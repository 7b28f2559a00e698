"""Table of kept places: what is promised to a caller before the caller hangs up."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal


class Place(Base):
    """保留排队: this call's place in the queue is kept until an agent is there and the citizen was called once.

    What became of it stands in the call's own record, as of any call.
    """

    __tablename__ = "line_places"
    __table_args__ = (
        UniqueConstraint("node", "linkedid"),
        Index("ix_line_places_open", "node", "since", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[Id]
    node: Mapped[str] = mapped_column(String(64))
    linkedid: Mapped[str] = mapped_column(String(128))
    """Of the citizen's call; its row is written from the journals and may come later."""
    phone: Mapped[str] = mapped_column(Personal)
    queue: Mapped[str] = mapped_column(String(64))
    since: Mapped[datetime]
    """When the citizen began to wait: the order in which places enter again after a restart of Asterisk."""
    kept_at: Mapped[datetime] = mapped_column(default=now)
    entries: Mapped[int] = mapped_column(default=1)
    """How many channels have waited for it, one after the other."""
    entered_at: Mapped[datetime] = mapped_column(default=now)
    """When the last of them was asked for."""
    closed_at: Mapped[datetime | None]
