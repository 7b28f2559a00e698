"""Tables of the data keys of encrypted objects, of their copies, and of which store is the primary."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, SmallInteger, String, UniqueConstraint, text
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


class ArchiveCopy(Base):
    """What a replica holds or is to hold of one object; the primary has no rows."""

    __tablename__ = "archive_copies"
    __table_args__ = (
        Index("ix_archive_copies_due", "store", "tried_at", postgresql_where=text("verified_at IS NULL")),
        Index(None, "store", "verified_at"),
        Index(None, "name"),
    )

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(520), primary_key=True)
    """Under which it lies in every store: of an encrypted object with its suffix."""
    wanted_at: Mapped[datetime] = mapped_column(default=now)
    tried_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(String(300), default="", server_default="")
    """Why the last try failed, in Chinese."""
    verified_at: Mapped[datetime | None]
    """When the replica's bytes were last read and found to be `digest`; null: they are to be copied, or deleted."""
    digest: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """SHA-256 of the bytes as they lie in the store."""
    size: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    doomed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """It is to be deleted there, as it was in the primary."""


class ArchivePrimary(Base):
    """Which store is the primary since the last switch; without a row it is the one named `main`."""

    __tablename__ = "archive_primary"
    __table_args__ = (CheckConstraint("id = 1", name="only"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, default=1, autoincrement=False)
    store: Mapped[str] = mapped_column(String(40))
    since: Mapped[datetime] = mapped_column(default=now)
