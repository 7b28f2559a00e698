"""Tables of the search index and of saved filters, and the orders' own indexes that lists are read by."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id
from core.personal import Personal, blind_index, last_four_index_for
from crm.tickets.models import Assignment, Ticket


class TicketWords(Base):
    """The words of one order, and the day, area and units it is narrowed by (`crm.search.words`).

    There is no name and no telephone number of a caller in it. A draft that nobody has touched has no row: what a
    machine heard is not searched.
    """

    __tablename__ = "ticket_words"

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    opened_at: Mapped[datetime]
    """The order's, which never changes."""
    words: Mapped[Any] = mapped_column(TSVECTOR)

    __table_args__ = (
        Index("ix_ticket_words", "words", postgresql_using="gin", postgresql_with={"gin_pending_list_limit": 256}),
    )


class SavedFilter(Base):
    """常用查询: a search of a list that one person keeps under a name, and nobody else sees.

    People look for citizens by name and number, so the name and the filter are kept as personal data are.
    """

    __tablename__ = "saved_filters"

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    of: Mapped[str] = mapped_column(String(20), server_default="orders")
    """Which list: `orders`, `recordings`."""
    name: Mapped[str] = mapped_column(Personal)
    filter: Mapped[str] = mapped_column(Personal)
    """`crm.search.saved.written`."""

    __table_args__ = (Index("uq_saved_filters_name", "user_id", "of", blind_index(name), unique=True),)


last_four_index_for("ix_tickets_caller_last_four", Ticket.caller_phone)
Index("ix_tickets_number_begins", Ticket.number, postgresql_ops={"number": "text_pattern_ops"})
Index("ix_tickets_area_opened", Ticket.area, Ticket.opened_at, Ticket.id)
Index("ix_assignments_unit_ticket", Assignment.unit_id, Assignment.ticket_id)
Index("ix_tickets_open_due", Ticket.due_at, Ticket.id, postgresql_where=Ticket.closed_at.is_(None))
