"""Table of the data keys of encrypted objects."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class ArchiveKey(Base):
    """One object's data key, wrapped. Without its row the object is unreadable for ever, in every copy."""

    __tablename__ = "archive_keys"
    __table_args__ = (UniqueConstraint("store_key", "digest", "suite"), Index(None, "master_id"))

    id: Mapped[Id]
    """Stands in the object's header."""
    store_key: Mapped[str] = mapped_column(String(512))
    """Under which name the object lies; the wrapping is bound to it."""
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the content: a key encrypts this content and no other."""
    suite: Mapped[str] = mapped_column(String(20))
    master_id: Mapped[str] = mapped_column(String(40))
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(default=now)
