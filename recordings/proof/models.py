"""Tables of the seals 封存: one row for each day, and its leaves, whatever kinds of objects they are of."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base


class ArchiveSeal(Base):
    """The seal of one day (Asia/Shanghai); `recordings.proof.statement` makes the text that is signed of it."""

    __tablename__ = "archive_seals"
    __table_args__ = (CheckConstraint("count >= 0", name="count"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int]
    """Of its leaves: objects that were archived until the day's end and stand in no seal before."""
    root: Mapped[str] = mapped_column(String(64))
    """Merkle root over their leaves with SHA-256 (RFC 6962)."""
    root_sm3: Mapped[str] = mapped_column(String(64))
    """The same tree with SM3."""
    previous: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the text of the seal before; zeros for the first."""
    ledger_place: Mapped[int | None] = mapped_column(BigInteger)
    """How far the ledger's chain was when this was sealed; null in the first form of a seal, which did not say."""
    ledger_digest: Mapped[str | None] = mapped_column(String(64))
    """The digest there."""
    public_key: Mapped[str] = mapped_column(String(64))
    """Ed25519 key (RFC 8032) that it is signed with, hexadecimal."""
    signature: Mapped[str] = mapped_column(String(128))
    sealed_at: Mapped[datetime] = mapped_column(default=now)
    checked_at: Mapped[datetime | None]
    """When seal, leaves and catalogue were last compared."""
    finding: Mapped[str] = mapped_column(String(2000), default="", server_default="")
    """What was wrong then, a sentence a line, in Chinese; empty when nothing was."""


class ArchiveLeaf(Base):
    """One object in a seal. It stays when the object is lawfully destroyed: the others' proofs need it."""

    __tablename__ = "archive_leaves"
    __table_args__ = (UniqueConstraint("day", "place"),)

    object_id: Mapped[UUID] = mapped_column("recording_id", primary_key=True)
    """No foreign key, since it is of any kind; the column has the name from when there were recordings alone."""
    what: Mapped[str] = mapped_column(String(12), default="recording", server_default="recording")
    """Of which kind (`recordings.archived`)."""
    day: Mapped[date] = mapped_column(ForeignKey("archive_seals.day"))
    place: Mapped[int]
    """In the tree, from 0 without gaps: kind by kind, each in the order of cataloguing."""
    hash: Mapped[str] = mapped_column(String(64))
    """Leaf hash of the catalogue's row with SHA-256, hexadecimal."""
    hash_sm3: Mapped[str] = mapped_column(String(64))
