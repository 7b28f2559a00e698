"""Tables of the archive packages 档案包: one dossier 案卷 for each order, its parts, where their bytes lie."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.event import listens_for
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from core.clock import now
from core.db import Base, Id
from core.personal import Personal


class Dossier(Base):
    """案卷 of one order, made here or brought back from a package. It has no order here where that was lost, or
    belongs to another installation."""

    __tablename__ = "dossiers"
    __table_args__ = (
        Index("ix_dossiers_archived_at", "archived_at", "id"),
        Index("ix_dossiers_number", "number"),
        Index("ix_dossiers_calls_to_see", "id", postgresql_where=text("calls_seen_at IS NULL")),
    )

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(unique=True)
    """The order's id, without a foreign key: see above."""
    number: Mapped[str] = mapped_column(String(40))
    """工单编号."""
    title: Mapped[str] = mapped_column(String(60), default="")
    """Masked as in every list."""
    sealed: Mapped[bool] = mapped_column(default=False)
    """举报: what tells who reported stays apart."""
    salt: Mapped[str] = mapped_column(Personal)
    """Goes into entries with personal data, so that their digests tell nothing of it."""
    archived_at: Mapped[datetime] = mapped_column(default=now)
    imported_at: Mapped[datetime | None]
    imported_by: Mapped[str] = mapped_column(String(40), default="", server_default="")
    calls_seen_at: Mapped[datetime | None] = mapped_column(default=now)
    """Since when it holds all calls that belong to the order (`crm.tickets.belonging`); null: an earlier version closed
    it, which knew of fewer, and it is brought up to date."""
    checked_at: Mapped[datetime | None]
    """When all that lies in it was last read and compared with its manifests."""
    finding: Mapped[str] = mapped_column(String(2000), default="", server_default="")
    """What was wrong then, a sentence a line, in Chinese."""


class DossierPart(Base):
    """One closed part: the package as it was at archiving (0), or an addendum 补卷 (1, 2 …). Never changed: a trigger
    of the database holds that, and what comes later is a further part that names the digest of this one."""

    __tablename__ = "dossier_parts"
    __table_args__ = (UniqueConstraint("dossier_id", "n"), CheckConstraint("n >= 0", name="n"))

    id: Mapped[Id]
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"))
    n: Mapped[int]
    cause: Mapped[str] = mapped_column(String(100))
    """归档, or what came later."""
    closed_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(String(40))
    manifest: Mapped[str]
    """Canonical JSON (RFC 8785), as it is digested."""
    entries: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    """Bytes of all entries."""
    sha256: Mapped[str] = mapped_column(String(64))
    sm3: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the signed text of the part before; zeros for the first."""
    public_key: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(128))


class DossierObject(Base):
    """Where the bytes of one entry lie in the store. What an import did not bring has no row."""

    __tablename__ = "dossier_objects"

    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"), primary_key=True)
    path: Mapped[str] = mapped_column(String(200), primary_key=True)
    """Part and path: `00/data/order.json`."""
    store_key: Mapped[str] = mapped_column(String(512))
    recording_id: Mapped[UUID | None]
    """Of a sound that lies in the archive of recordings, and ends with it …"""
    attachment_id: Mapped[UUID | None]
    """… and of a file that was put to the order, likewise."""


class TakingState(StrEnum):
    """How far an export is."""

    WAITING = "waiting"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"

    @property
    def label(self) -> str:
        """As staff read it."""
        words = {"waiting": "等待", "running": "正在打包", "ready": "可下载", "failed": "未完成", "expired": "已过期"}
        return words[self.value]


class DossierExport(Base):
    """One export 导出 of a dossier: who, why, what it holds, how far it is."""

    __tablename__ = "dossier_exports"
    __table_args__ = (
        Index("ix_dossier_exports_dossier", "dossier_id", "asked_at"),
        CheckConstraint("state IN ('waiting', 'running', 'ready', 'failed', 'expired')", name="state"),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40), unique=True)
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    asked_by: Mapped[UUID | None]
    asked_by_name: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(200))
    identity: Mapped[bool]
    """With personal data in full."""
    sound: Mapped[bool]
    """With the recordings."""
    state: Mapped[str] = mapped_column(String(10), default=TakingState.WAITING)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    """Bytes packed so far …"""
    total: Mapped[int] = mapped_column(BigInteger, default=0)
    """… of so many."""
    trouble: Mapped[str] = mapped_column(String(300), default="")
    store_key: Mapped[str] = mapped_column(String(512), default="")
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    ready_at: Mapped[datetime | None]


class MaterialKind(StrEnum):
    """What a person put to the order for its file."""

    MEETING = "meeting"
    INSTRUCTION = "instruction"
    OTHER = "other"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"meeting": "会议材料", "instruction": "领导批示", "other": "其他材料"}[self.value]


class CaseMaterial(Base):
    """会议材料, 领导批示 or 其他有保存价值的材料 of an order (第十二条(九)); never changed."""

    __tablename__ = "case_materials"
    __table_args__ = (CheckConstraint("kind IN ('meeting', 'instruction', 'other')", name="kind"),)

    id: Mapped[Id]
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"), index=True)
    attachment_id: Mapped[UUID] = mapped_column(ForeignKey("ticket_attachments.id"), unique=True)
    kind: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(100))
    dated: Mapped[date]
    """Of the meeting or the instruction."""
    author: Mapped[str] = mapped_column(String(60))
    """Who presided, instructed or wrote, with the post."""
    note: Mapped[str] = mapped_column(String(500), default="")
    added_at: Mapped[datetime] = mapped_column(default=now)
    added_by: Mapped[UUID | None]
    added_by_name: Mapped[str] = mapped_column(String(40))


def _immutable(mapper: Mapper[Any], connection: Any, target: object) -> None:
    raise RuntimeError("what was closed is never changed; add to it")


for _moment in ("before_update", "before_delete"):
    for _kind in (DossierPart, CaseMaterial):
        listens_for(_kind, _moment)(_immutable)
