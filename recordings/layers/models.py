"""Tables of what lies over a transcript: people's corrections, and what is to be heard again with a newer model."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import Base, Id


class Scope(StrEnum):
    """Which recordings a job hears again."""

    ONE = "one"
    PERIOD = "period"
    OLDER = "older"
    """All whose words are another model's than the present one."""

    @property
    def label(self) -> str:
        return {"one": "单份录音", "period": "指定时段", "older": "旧模型转写的录音"}[self.value]


class Outcome(StrEnum):
    """What became of one recording of a job."""

    HEARD = "heard"
    SAME = "same"
    """This model has heard it already; it would hear the same."""
    SILENT = "silent"
    """The model heard no words: what was there stays."""
    UNREADABLE = "unreadable"
    ENDED = "ended"
    """Its words or its sound were destroyed meanwhile, lawfully."""

    @property
    def label(self) -> str:
        return _OUTCOMES[self.value]


_OUTCOMES = {
    "heard": "已重新转写",
    "same": "已是当前模型",
    "silent": "未听出话语",
    "unreadable": "录音读不出",
    "ended": "已过保存期",
}


def _word(kind: type[StrEnum]) -> Enum:
    return Enum(kind, native_enum=False, length=20, values_callable=lambda e: [member.value for member in e])


class TranscriptCorrection(Base):
    """更正: one person's text in the place of a line. The newest one that was not taken back is in force."""

    __tablename__ = "transcript_corrections"
    __table_args__ = (Index("ix_transcript_corrections_segment_id_at", "segment_id", "at"),)

    id: Mapped[Id]
    segment_id: Mapped[UUID] = mapped_column(ForeignKey("transcript_segments.id"))
    before: Mapped[str]
    """What stood there, the machine's or an earlier correction's."""
    after: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)
    by_id: Mapped[UUID]
    by_name: Mapped[str] = mapped_column(String(80))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(80))


class Retranscription(Base):
    """重新转写: a list of recordings to be heard again, made when it is asked for, so that its end is known."""

    __tablename__ = "retranscriptions"

    id: Mapped[Id]
    scope: Mapped[Scope] = mapped_column(_word(Scope))
    first: Mapped[date | None]
    last: Mapped[date | None]
    reason: Mapped[str] = mapped_column(String(200))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    asked_id: Mapped[UUID]
    asked_name: Mapped[str] = mapped_column(String(80))
    total: Mapped[int]
    stopped_at: Mapped[datetime | None]
    stopped_by: Mapped[str | None] = mapped_column(String(80))


class RetranscriptionItem(Base):
    """One recording of a job; without an outcome it waits."""

    __tablename__ = "retranscription_items"
    __table_args__ = (
        Index("ix_retranscription_items_waiting", "job_id", "recording_id", postgresql_where=text("outcome IS NULL")),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("retranscriptions.id"), primary_key=True)
    recording_id: Mapped[UUID] = mapped_column(ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True)
    outcome: Mapped[Outcome | None] = mapped_column(_word(Outcome))
    at: Mapped[datetime | None]
