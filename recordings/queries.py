"""What pages ask: the words of a call, the recordings, how speech is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import Actor
from core.errors import NotFound
from core.permissions import Permission
from recordings.models import (
    LivePartial,
    Recording,
    Side,
    SpeechStatus,
    Transcript,
    TranscriptState,
)
from recordings.said import said

PAGE = 50
STALE_S = 10.0
NOT_RUNNING = "语音转写服务未运行，通话结束后待服务恢复再由录音转写。"


@dataclass(frozen=True)
class Line:
    """One utterance as the page shows it; `final` is False while it is being spoken."""

    side: Side
    text: str
    start_s: float | None
    end_s: float | None
    words: Sequence[Any]
    final: bool
    recording_id: UUID | None = None


@dataclass(frozen=True)
class CallWords:
    """The words of a call in the order in which they were said, and how far they are."""

    state: TranscriptState | None
    reason: str
    lag_s: float
    final_at: datetime | None
    lines: tuple[Line, ...]

    def of(self, side: Side) -> str:
        """What one side said, without the utterance that is being spoken."""
        return "，".join(line.text for line in self.lines if line.side is side and line.final)


async def words_of_call(session: AsyncSession, call_id: UUID) -> CallWords:
    """The words in force, live and batch words merged, and what is being said (`recordings.said`).

    For services; a page asks `transcript`.
    """
    lines = [
        Line(one.side, one.text, one.start_s, one.end_s, one.words, True, one.recording_id)
        for one in await said(session, [call_id], words=True)
    ]
    partials = await session.scalars(
        select(LivePartial).where(LivePartial.call_id == call_id).order_by(LivePartial.side)
    )
    lines += [Line(Side(row.side), row.text, None, None, (), False) for row in partials]
    state = await session.get(Transcript, call_id)
    if state is None:
        running = await speech_status(session)
        return CallWords(None, "" if running else NOT_RUNNING, 0.0, None, tuple(lines))
    return CallWords(TranscriptState(state.state), state.reason, state.lag_s, state.final_at, tuple(lines))


async def transcript(session: AsyncSession, actor: Actor, call_id: UUID) -> CallWords:
    """The words of a call for a page."""
    actor.require(Permission.CALL_VIEW)
    return await words_of_call(session, call_id)


async def speech_status(session: AsyncSession) -> list[SpeechStatus]:
    """The speech processes that said something lately."""
    since = clock.now() - timedelta(seconds=STALE_S)
    return list(
        await session.scalars(select(SpeechStatus).where(SpeechStatus.at >= since).order_by(SpeechStatus.process))
    )


async def recordings_of_call(session: AsyncSession, actor: Actor, call_id: UUID) -> Sequence[Recording]:
    """A call's recordings in the order in which they were made."""
    actor.require(Permission.RECORDING_VIEW)
    return (
        await session.scalars(
            select(Recording).where(Recording.call_id == call_id).order_by(Recording.started_at, Recording.id)
        )
    ).all()


async def recording(session: AsyncSession, actor: Actor, recording_id: UUID) -> Recording:
    """One recording. Raises `NotFound("recording-unknown")`."""
    actor.require(Permission.RECORDING_VIEW)
    row = await session.get(Recording, recording_id)
    if row is None:
        raise NotFound("recording-unknown", "没有这份录音。")
    return row
