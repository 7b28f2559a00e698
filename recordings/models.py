"""Tables of what was said: recordings, transcripts and their segments."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Enum, ForeignKey, Index, String, UniqueConstraint, case, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from callflow.models import Call
from core.clock import now
from core.db import Base, Id
from recordings.archived import Archived, catalogued, instant
from recordings.forms import Form


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


@catalogued
class Recording(Archived, Base):
    """One archived recording. `call_id` is null until the call's record is known."""

    what, called, since_called = "recording", "录音", "录音之日"

    __tablename__ = "recordings"
    __table_args__ = (
        UniqueConstraint("node", "linkedid", "kind", "part"),
        Index(None, "call_id"),
        Index(None, "started_at", "id"),
        Index(None, "catalogued_at"),
        Index("ix_recordings_untranscribed", "id", postgresql_where=text("transcribed_at IS NULL")),
        Index("ix_recordings_to_check", "checked_at", "id", postgresql_where=text("digest <> ''")),
        Index("ix_recordings_found_wrong", "id", postgresql_where=text("finding <> ''")),
        Index(
            "ix_recordings_protected", "protected_until", "id",
            postgresql_where=text("digest <> '' AND destroyed_at IS NULL"),
        ),
        Index(None, "store_key"),
        Index("ix_recordings_with_words", "started_at", "id", postgresql_where=text("words_ended_at IS NULL")),
        Index("ix_recordings_to_index", "id", postgresql_where=text("indexed_at IS NULL")),
    )  # fmt: skip

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
    state: Mapped[RecordingState] = mapped_column(_word(RecordingState))
    catalogued_at: Mapped[datetime] = mapped_column(default=now)
    transcribed_at: Mapped[datetime | None]
    """When speech last made sure that no words of it are missing."""
    words_ended_at: Mapped[datetime | None]
    """Since when its words are destroyed, with its sound or before; nobody has it heard again."""
    indexed_at: Mapped[datetime | None]
    """When the search last read it; null: what it is found by has changed, or was never read."""

    @property
    def form(self) -> Form:
        """In which form the sound is kept."""
        return Form.of(self.store_key)

    @classmethod
    def came(cls) -> ColumnElement[datetime]:
        """See `Archived.came`."""
        return cls.catalogued_at.expression

    @classmethod
    def amiss(cls) -> ColumnElement[str]:
        """See `Archived.amiss`: it belongs to the call that it came from."""
        origin = select(Call.id).where(Call.id == cls.call_id, Call.node == cls.node, Call.linkedid == cls.linkedid)
        return case((cls.call_id.is_not(None) & ~origin.exists(), "所属通话与录音的来源不符，被改动"), else_="")

    @property
    def since(self) -> datetime:
        """See `Archived.since`."""
        return self.started_at

    def facts(self) -> dict[str, object]:
        """See `Archived.facts`."""
        return {
            "catalogued_at": instant(self.catalogued_at),
            "channels": self.channels,
            "id": str(self.id),
            "kind": str(self.kind),
            "linkedid": self.linkedid,
            "node": self.node,
            "part": self.part,
            "seconds": self.seconds,
            "sha256": self.digest,
            "size": self.size,
            "sm3": self.sm3,
            "started_at": instant(self.started_at),
            "state": str(self.state),
        }

    def described(self) -> dict[str, object]:
        """See `Archived.described`."""
        said: dict[str, object] = {"kind": str(self.kind), "node": self.node, "linkedid": self.linkedid}
        return said | {"part": self.part, "started_at": instant(self.started_at), "seconds": self.seconds}


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


class Why(StrEnum):
    """Why a model heard something."""

    LIVE = "live"
    BATCH = "batch"
    AGAIN = "again"

    @property
    def label(self) -> str:
        return {"live": "实时转写", "batch": "录音转写", "again": "重新转写"}[self.value]


class TranscriptRun(Base):
    """转写: one model, once over one call's voices or one recording. Its words are a layer."""

    __tablename__ = "transcript_runs"
    __table_args__ = (
        Index(None, "call_id"),
        Index("ix_transcript_runs_recording_model", "recording_id", "model_digest"),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID]
    recording_id: Mapped[UUID | None] = mapped_column(ForeignKey("recordings.id", ondelete="SET NULL"))
    """None for live words."""
    engine: Mapped[str] = mapped_column(String(40))
    model: Mapped[str] = mapped_column(String(200))
    model_digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 over the digests of the model's files: what tells one version from another of the same name."""
    why: Mapped[Why] = mapped_column(_word(Why))
    job_id: Mapped[UUID | None]
    """The job that asked for it, and with it who and for what reason (`recordings.layers.models.Retranscription`)."""
    at: Mapped[datetime] = mapped_column(default=now)


class TranscriptSegment(Base):
    """One utterance as one model heard it; its text and its words never change.

    Times are seconds after the call was first connected (a message: after its start). `words` is
    `[{"w": str, "start": s, "end": s, "conf": 0..1}]` on the same timeline.
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
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey("transcript_runs.id"))
    """Which model heard it; None: before that was noted."""
    corrected: Mapped[str | None]
    """What a person put in the place of `text`, if that is in force (`recordings.layers.corrections`)."""
    replaced_by: Mapped[UUID | None] = mapped_column(ForeignKey("transcript_runs.id"), index=True)
    """The run whose words stand in its place: it is an older layer."""
    under: Mapped[UUID | None] = mapped_column(ForeignKey("transcript_segments.id"), index=True)
    """The corrected line that stays over it, where a newer model heard a line that a person had corrected."""


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
    model_digest: Mapped[str] = mapped_column(default="", server_default="")
    detail: Mapped[str]
    capacity: Mapped[int]
    """How many live streams this process takes; a call has two."""
    streams: Mapped[int]
    lag_s: Mapped[float]
    realtime_factor: Mapped[float]
    """Seconds of one core for one second of speech."""
    at: Mapped[datetime]
