"""Tables of what was said: recordings, transcripts and their segments."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class Kind(StrEnum):
    """What a recording is of."""

    TALK = "talk"
    """One connection of a call: the citizen left, everyone else right."""
    MESSAGE = "message"
    """What a citizen left in the message box, mono."""

    @property
    def label(self) -> str:
        return {"talk": "通话", "message": "留言"}[self.value]


class RecordingState(StrEnum):
    """How a recording is."""

    STORED = "stored"
    PARTIAL = "partial"
    """Stored, but one direction is missing; the sound that exists is there."""
    EMPTY = "empty"
    """The files held no sound at all: nothing is stored, the row says so."""

    @property
    def label(self) -> str:
        return {"stored": "完整", "partial": "缺少一方声音", "empty": "没有录到声音"}[self.value]


class Side(StrEnum):
    """Whose words: who the agent talks with, or everybody else; their names are `callflow.phones.voices`."""

    CITIZEN = "citizen"
    OTHER = "other"


class Source(StrEnum):
    """Where words come from."""

    LIVE = "live"
    BATCH = "batch"


class TranscriptState(StrEnum):
    """How far the words of a call are."""

    LIVE = "live"
    PENDING = "pending"
    """Words are missing that only the recording can give; a batch will decode it."""
    FINAL = "final"
    NO_MODEL = "no-model"

    @property
    def label(self) -> str:
        return {
            "live": "实时转写中",
            "pending": "等待录音转写",
            "final": "转写完成",
            "no-model": "未安装语音识别模型",
        }[self.value]


def _word(kind: type[StrEnum]) -> Enum:
    """A StrEnum as its value in a varchar, so that a new value needs no change of type."""
    return Enum(kind, native_enum=False, length=20, values_callable=lambda e: [member.value for member in e])


class Recording(Base):
    """One archived recording. `call_id` is null until the call's record is known."""

    __tablename__ = "recordings"
    __table_args__ = (
        UniqueConstraint("node", "linkedid", "kind", "part"),
        Index(None, "call_id"),
        Index(None, "started_at", "id"),
        Index(None, "catalogued_at"),
        Index("ix_recordings_untranscribed", "id", postgresql_where=text("transcribed_at IS NULL")),
        Index("ix_recordings_to_check", "checked_at", "id", postgresql_where=text("digest <> ''")),
        Index("ix_recordings_found_wrong", "id", postgresql_where=text("finding <> ''")),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID | None]
    node: Mapped[str]
    linkedid: Mapped[str]
    kind: Mapped[Kind] = mapped_column(_word(Kind))
    part: Mapped[int]
    """Counts the connections of one call from 1; 1 for a message."""
    started_at: Mapped[datetime]
    offset_s: Mapped[float] = mapped_column(default=0.0)
    """Where the first sample lies, in seconds after the call was first connected; 0 for a message."""
    seconds: Mapped[float]
    channels: Mapped[int]
    digest: Mapped[str]
    """SHA-256 of the file (as it was before the store encrypted it), hexadecimal; empty for `EMPTY`."""
    sm3: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """SM3 (GB/T 32905) of the same; empty too where it was archived before there was one."""
    store_key: Mapped[str]
    size: Mapped[int]
    protected_until: Mapped[date]
    """Last day on which nobody may delete it (民法典 第二百零二条)."""
    state: Mapped[RecordingState] = mapped_column(_word(RecordingState))
    catalogued_at: Mapped[datetime] = mapped_column(default=now)
    transcribed_at: Mapped[datetime | None]
    """When speech last made sure that no words of it are missing."""
    checked_at: Mapped[datetime | None]
    """When the stored file was last read as a whole and compared with the digests."""
    finding: Mapped[str] = mapped_column(String(300), default="", server_default="")
    """What was wrong then, in Chinese; empty when nothing was."""


class Transcript(Base):
    """How far the words of one call are, and what the page says of it."""

    __tablename__ = "transcripts"

    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[TranscriptState] = mapped_column(_word(TranscriptState))
    reason: Mapped[str] = mapped_column(default="")
    """Why it is not live or not final, in Chinese; empty when there is nothing to say."""
    lag_s: Mapped[float] = mapped_column(default=0.0)
    """How far the words on the screen are behind what is spoken."""
    final_at: Mapped[datetime | None]


class LiveCoverage(Base):
    """What one live tap decoded: `[start_s, end_s]` on the talk's timeline; grows with each final segment."""

    __tablename__ = "live_coverage"
    __table_args__ = (Index(None, "call_id"),)

    id: Mapped[Id]
    call_id: Mapped[UUID]
    side: Mapped[Side] = mapped_column(_word(Side))
    start_s: Mapped[float]
    end_s: Mapped[float]


class TranscriptSegment(Base):
    """One utterance. Times are seconds after the call was first connected (a message: after its start).

    `words` is `[{"w": str, "start": s, "end": s, "conf": 0..1}]` on the same timeline.
    """

    __tablename__ = "transcript_segments"
    __table_args__ = (Index(None, "call_id", "start_s"),)

    id: Mapped[Id]
    call_id: Mapped[UUID]
    recording_id: Mapped[UUID | None] = mapped_column(ForeignKey("recordings.id"), index=True)
    """The decoded recording; null for live words."""
    side: Mapped[Side] = mapped_column(_word(Side))
    start_s: Mapped[float]
    end_s: Mapped[float]
    text: Mapped[str]
    words: Mapped[list[Any]] = mapped_column(JSONB)
    source: Mapped[Source] = mapped_column(_word(Source))


class LivePartial(Base):
    """The words of an utterance that is still being spoken. Unlogged: a crash loses nothing that matters."""

    __tablename__ = "live_partials"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    side: Mapped[Side] = mapped_column(_word(Side), primary_key=True)
    text: Mapped[str]
    at: Mapped[datetime]


class SpeechStatus(Base):
    """What each speech process last said of itself. Unlogged: it says it again every few seconds."""

    __tablename__ = "speech_status"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    process: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str]
    """Name of the loaded model; empty without one."""
    detail: Mapped[str]
    capacity: Mapped[int]
    """How many live streams this process takes; a call has two."""
    streams: Mapped[int]
    lag_s: Mapped[float]
    realtime_factor: Mapped[float]
    """Seconds of one core for one second of speech."""
    at: Mapped[datetime]
