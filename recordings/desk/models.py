"""Tables of the listening desk: waveforms, marks, requests to listen, redacted copies, exports."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id

LONGEST_NOTE = 200
LONGEST_REASON = 200
UNSEEN = "decided_at IS NOT NULL AND seen_at IS NULL"
TO_MAKE = "state IN ('queued', 'running')"
OPEN = "state IN ('asked', 'queued', 'running', 'ready')"
_OF_RECORDING = "recordings.id"


class Waveform(Base):
    """The waveform of a recording, made when somebody first looks; it can be made again from the sound at any time."""

    __tablename__ = "recording_waveforms"

    recording_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_RECORDING, ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    """Of the sound that it was made from."""
    channels: Mapped[int]
    points: Mapped[bytes] = mapped_column(LargeBinary)
    """Loudness 0..255 of each stretch of time, one channel after the other."""


class Mark(Base):
    """A note on the time line: seconds of the recording; `end_s` is null for a moment."""

    __tablename__ = "recording_marks"
    __table_args__ = (
        Index(None, "recording_id", "at_s"),
        CheckConstraint("at_s >= 0 AND (end_s IS NULL OR end_s > at_s)", name="times"),
    )

    id: Mapped[Id]
    recording_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_RECORDING, ondelete="CASCADE"))
    at_s: Mapped[float]
    end_s: Mapped[float | None]
    note: Mapped[str] = mapped_column(String(LONGEST_NOTE))
    by_id: Mapped[UUID]
    by_name: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime] = mapped_column(default=now)


class Asked:
    """Columns of what somebody asks for, and another person decides on."""

    id: Mapped[Id]
    about: Mapped[str] = mapped_column(String(200))
    """The recording, the order or the list, as the pages name it."""
    purpose: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    state: Mapped[str] = mapped_column(String(20))
    decided_by_id: Mapped[UUID | None]
    decided_by_name: Mapped[str | None] = mapped_column(String(40))
    decided_at: Mapped[datetime | None]
    decision: Mapped[str] = mapped_column(String(LONGEST_REASON), default="")
    """Why it was refused or withdrawn, or what was said with the approval."""


class MakingState(StrEnum):
    """How far something is that a worker makes of recordings."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Making:
    """Columns of what a worker makes, with its progress; `state` is a `MakingState`, or what comes before and after."""

    __tablename__: str
    id: Mapped[Id]
    by_id: Mapped[UUID]
    by_name: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20))
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(String(300), default="")
    """Why it failed, in Chinese."""
    store_key: Mapped[str] = mapped_column(default="")
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    digest: Mapped[str] = mapped_column(String(64), default="")


class RequestState(StrEnum):
    """How far a request to listen is; an approval ends by itself with its time."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    """By the asker, before it was decided."""
    WITHDRAWN = "withdrawn"
    """By an officer, after it was approved."""


class ListeningRequest(Asked, Base):
    """调听申请: one person asks for these recordings, for a purpose, with a reason, for a time."""

    __tablename__ = "listening_requests"
    __table_args__ = (
        Index(None, "asker_id", "asked_at"),
        Index("ix_listening_requests_waiting", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_listening_requests_decided", "asked_at", "id", postgresql_where=text("state <> 'waiting'")),
        Index("ix_listening_requests_unseen", "asker_id", postgresql_where=text(UNSEEN)),
    )

    asker_id: Mapped[UUID]
    asker_name: Mapped[str] = mapped_column(String(40))
    asker_unit_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None]
    wanted_until: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    """When the asker read the present answer."""


class RequestedRecording(Base):
    """One recording that a request is about."""

    __tablename__ = "listening_request_recordings"
    __table_args__ = (Index(None, "recording_id"),)

    request_id: Mapped[UUID] = mapped_column(ForeignKey("listening_requests.id", ondelete="CASCADE"), primary_key=True)
    recording_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_RECORDING, ondelete="CASCADE"), primary_key=True)


class Redaction(Making, Base):
    """A derived copy without what must not be heard; its source stays as it is. Progress is in seconds of sound."""

    __tablename__ = "recording_redactions"
    __table_args__ = (
        Index(None, "recording_id"),
        Index("ix_recording_redactions_open", "id", postgresql_where=text(TO_MAKE)),
        CheckConstraint("done >= 0 AND done <= total", name="progress"),
    )

    recording_id: Mapped[UUID] = mapped_column(ForeignKey(_OF_RECORDING, ondelete="CASCADE"))
    stretches: Mapped[list[Any]]
    """`[{"channel": 0 | 1, "start": s, "end": s}]` on the recording's time line."""
    lines: Mapped[list[Any]]
    """The transcript of the copy, masked: `[{"side": "citizen" | "other", "start": s, "end": s, "text": str}]`."""
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    made_at: Mapped[datetime] = mapped_column(default=now)
    """When it was asked for."""
    source_digest: Mapped[str] = mapped_column(String(64))
    sm3: Mapped[str] = mapped_column(String(64), default="")


class ExportState(StrEnum):
    """How far an export is."""

    ASKED = "asked"
    """Waits for another officer."""
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Export(Making, Asked, Base):
    """录音导出: recordings that leave the house as one file, each with the mark of this export. Progress is in
    recordings."""

    __tablename__ = "recording_exports"
    __table_args__ = (
        Index(None, "by_id", "asked_at"),
        Index("ix_recording_exports_open", "id", postgresql_where=text(OPEN)),
        CheckConstraint("done >= 0 AND done <= total", name="progress"),
    )

    number: Mapped[str] = mapped_column(String(40), unique=True)
    missing: Mapped[int] = mapped_column(default=0, server_default="0")
    """Of how many recordings no copy could be made; which and why say the items."""
    expires_at: Mapped[datetime | None]


class ExportedRecording(Base):
    """One recording of an export, in its place; `digest` is empty until its copy is made, and where none could be."""

    __tablename__ = "recording_export_items"
    __table_args__ = (Index(None, "recording_id"),)

    export_id: Mapped[UUID] = mapped_column(ForeignKey("recording_exports.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    recording_id: Mapped[UUID]
    """What left stays on record also when the recording is no more: no foreign key."""
    redaction_id: Mapped[UUID | None]
    """Which copy leaves instead of the recording itself."""
    source_digest: Mapped[str] = mapped_column(String(64), default="")
    digest: Mapped[str] = mapped_column(String(64), default="")
    sm3: Mapped[str] = mapped_column(String(64), default="")
    size: Mapped[int] = mapped_column(default=0)
    trouble: Mapped[str] = mapped_column(String(300), default="", server_default="")
    """Why no copy could be made, in Chinese; empty where one was."""
