"""Tables of what was lawfully destroyed: certificates 销毁证书, and the objects of each."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

OTHERS = "approved_by <> confirmed_by AND reviewed_by <> approved_by AND reviewed_by <> confirmed_by"


class DisposalCertificate(Base):
    """One executed list: on what basis, and who reviewed, approved and confirmed it. Nothing is destroyed without."""

    __tablename__ = "disposal_certificates"
    __table_args__ = (CheckConstraint(OTHERS, name="others"),)

    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    """`XH20291124-001`, which is the list's number."""
    list_id: Mapped[UUID]
    basis: Mapped[str] = mapped_column(String(500))
    words: Mapped[bool]
    """Whether the words went with the sound."""
    proposed_at: Mapped[datetime]
    """By the system, always."""
    reviewed_by: Mapped[UUID]
    reviewed_name: Mapped[str] = mapped_column(String(40))
    reviewed_at: Mapped[datetime]
    approved_by: Mapped[UUID]
    approved_name: Mapped[str] = mapped_column(String(40))
    approved_at: Mapped[datetime]
    confirmed_by: Mapped[UUID]
    confirmed_name: Mapped[str] = mapped_column(String(40))
    confirmed_at: Mapped[datetime]
    ordered_by: Mapped[UUID]
    ordered_name: Mapped[str] = mapped_column(String(40))
    ordered_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    document: Mapped[str] = mapped_column(default="", server_default="")
    """The text that was signed then (`recordings.disposal.paper`)."""
    public_key: Mapped[str] = mapped_column(String(64), default="", server_default="")
    signature: Mapped[str] = mapped_column(String(128), default="", server_default="")
    stored_at: Mapped[datetime | None]
    """When that lay in the archive as well."""


class Disposal(Base):
    """One object that was destroyed. `object_id` is no foreign key: a restored database may be older than it."""

    __tablename__ = "disposals"
    __table_args__ = (
        Index("ix_disposals_part", "certificate", "part"),
        Index("ix_disposals_store_key", "store_key"),
        Index("ix_disposals_unfinished", "certificate", postgresql_where=text("gone_at IS NULL")),
    )

    object_id: Mapped[UUID] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(12))
    """Of which kind (`recordings.archived`)."""
    certificate: Mapped[str] = mapped_column(ForeignKey("disposal_certificates.number"))
    part: Mapped[int]
    """Which part of the certificate, from 1: what was destroyed in one transaction."""
    store_key: Mapped[str] = mapped_column(String(512))
    digest: Mapped[str] = mapped_column(String(64))
    erased_at: Mapped[datetime]
    """When its key was destroyed, in this row's own transaction."""
    gone_at: Mapped[datetime | None]
    """When the file had been removed as well."""
