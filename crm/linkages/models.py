"""Table of the linkage register 联动登记."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class Linkage(Base):
    """联动记录: a matter that went to another line, or came from one, and what became of it there.

    When that line answered is a fact of the telephone and stands with the call's own rows, see `queries.Row`.
    """

    __tablename__ = "linkages"
    __table_args__ = (
        CheckConstraint("way IN ('consult', 'conference', 'transfer', 'told', 'received')", name="way"),
        CheckConstraint("(result IS NULL) = (done_at IS NULL)", name="done"),
        Index("ix_linkages_started_at", "started_at", "id"),
        Index("ix_linkages_ticket_id", "ticket_id"),
        Index("ix_linkages_open", "agent_id", postgresql_where=text("done_at IS NULL")),
    )

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    way: Mapped[str] = mapped_column(String(12))
    """A `rules.Way`, which says the direction too."""
    line: Mapped[str] = mapped_column(String(60))
    """Which line, as staff call it: `110报警`."""
    number: Mapped[str] = mapped_column(String(20), default="")
    leg_id: Mapped[UUID | None] = mapped_column(ForeignKey("line_call_legs.id"), unique=True)
    """The call to that line; None where no telephone of ours made it."""
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """Who owes the result; None where a program handed it over."""
    agent_name: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime] = mapped_column(default=now)
    receiver: Mapped[str] = mapped_column(String(40), default="")
    """接警人, 经办人 or 工号 there."""
    reference: Mapped[str] = mapped_column(String(40), default="")
    """The matter's number there, such as a 警情编号."""
    result: Mapped[str | None] = mapped_column(String(12))
    """A `rules.Result`; None: it is not known yet."""
    note: Mapped[str] = mapped_column(String(300), default="")
    done_at: Mapped[datetime | None]
    done_by_name: Mapped[str] = mapped_column(String(40), default="")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts the changes; what a page shows, it sends back."""
