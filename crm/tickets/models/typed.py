"""Table of what somebody is typing into an order's form and has not sent yet."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.personal import Personal


class TypedFields(Base):
    """F12.1-2: one person's unsent words of one order. No part of the order: they go when they are sent or given up,
    and everybody's with the act by which the order leaves intake."""

    __tablename__ = "draft_typing"

    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    fields: Mapped[str] = mapped_column(Personal)
    """Field -> text as JSON; may hold the caller."""
    saved_at: Mapped[datetime]
