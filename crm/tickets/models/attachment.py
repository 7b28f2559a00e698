"""Files that people put to an order 附件; the bytes lie in the store of recordings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class Attachment(Base):
    """One file; never changed, and sealed with its order."""

    __tablename__ = "ticket_attachments"

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    unit_id: Mapped[UUID | None]
    """The unit that put it there; None: the centre."""
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    digest: Mapped[str]
    """SHA-256, hexadecimal."""
    store_key: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(default=now)
    added_by: Mapped[UUID | None]
