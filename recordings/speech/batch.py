"""Words from recordings: messages, and whatever live decoding did not cover."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import soundfile
from sqlalchemy import case, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core import clock
from core.db import Database
from core.events import publish
from core.live import hint
from core.locks import try_hold
from core.log import get
from recordings.archive.ingest import fetch
from recordings.events import TranscriptGrew
from recordings.models import Kind, Recording, Side, Source, TranscriptSegment
from recordings.speech.decoder import Decoder
from recordings.speech.engine import BYTES_PER_SECOND, RATE, Heard, Stream, Utterance, pieces
from recordings.speech.progress import TOPIC, covered, said_live, settle_after_batch
from recordings.speech.rules import Span, stretches, unheard
from recordings.speech.words import segment
from recordings.store.port import Store

log = get(__name__)
AFTER_CALL_S = 3.0
"""Live words get this long after a hang-up to say what they covered."""


@dataclass(frozen=True)
class Spoken:
    """An utterance with times relative to the start of the stretch in which it was heard."""

    side: Side
    span: Span
    utterance: Utterance


class Batch:
    """Decodes one recording after the other, whenever `room()` lets it: live words come first."""

    def __init__(
        self,
        db: Database,
        store: Store,
        decoder: Decoder,
        *,
        room: Callable[[], Awaitable[None]],
        live: Callable[[UUID], bool] = lambda call_id: False,
    ) -> None:
        self._db = db
        self._store = store
        self._decoder = decoder
        self._room = room
        self._live = live

    async def step(self) -> int:
        """Decode everything that waits -> how many recordings."""
        done, passed = 0, set[UUID]()
        while (row := await self._next(passed)) is not None:
            passed.add(row.id)
            async with try_hold(self._db, f"transcribe:{row.id}") as held:
                if held is not None:
                    done += await self._decode(row)
        return done

    async def _next(self, passed: set[UUID]) -> Recording | None:
        before = clock.now() - timedelta(seconds=AFTER_CALL_S)
        async with self._db.session() as session:
            rows = await session.scalars(
                select(Recording)
                .join(Call, Call.id == Recording.call_id)
                .where(
                    Recording.transcribed_at.is_(None),
                    Recording.id.not_in(passed),
                    (Call.ended_at < before) | (Recording.kind == Kind.MESSAGE),
                )
                .order_by(case((Recording.kind == Kind.MESSAGE, 0), else_=1), Recording.id)
                .limit(50)
            )
            return next((row for row in rows if row.call_id and not self._live(row.call_id)), None)

    async def _decode(self, row: Recording) -> int:
        assert row.call_id is not None
        missing = await self._missing(row)
        spoken: list[Spoken] = []
        if any(missing.values()):
            with TemporaryDirectory() as folder:
                copy = Path(folder) / "sound.flac"
                await fetch(self._store, row.store_key, copy)
                for channel, (side, spans) in enumerate(missing.items()):
                    for span in spans:
                        found = await self._span(copy, channel, span, row)
                        spoken += [Spoken(side, span, utterance) for utterance in found]
        async with self._db.session() as session:
            kept = await session.get(Recording, row.id, with_for_update=True)
            if kept is None or kept.transcribed_at is not None:
                return 0
            await session.execute(delete(TranscriptSegment).where(TranscriptSegment.recording_id == row.id))
            await self._replace(session, row, spoken)
            kept.transcribed_at = clock.now()
            await session.flush()
            if spoken:
                await publish(session, TranscriptGrew(call_id=row.call_id))
                hint(session, TOPIC, row.call_id)
            await settle_after_batch(session, row.call_id, grown=bool(spoken))
        return 1

    async def _replace(self, session: AsyncSession, row: Recording, spoken: list[Spoken]) -> None:
        """Write what was heard in place of the live utterances that lie in the same stretches."""
        assert row.call_id is not None
        for side, (start, end) in {(one.side, one.span) for one in spoken}:
            await session.execute(
                delete(TranscriptSegment).where(
                    TranscriptSegment.call_id == row.call_id,
                    TranscriptSegment.side == side,
                    TranscriptSegment.source == Source.LIVE,
                    TranscriptSegment.start_s < end,
                    TranscriptSegment.end_s > start,
                )
            )
        session.add_all(
            segment(row.call_id, one.side, one.utterance, one.span[0], Source.BATCH, row.id) for one in spoken
        )

    async def _missing(self, row: Recording) -> dict[Side, list[Span]]:
        """Per channel what live decoding left out, on the call's timeline, with the utterances that it cut."""
        assert row.call_id is not None
        whole = (row.offset_s, row.offset_s + row.seconds)
        if row.kind == Kind.MESSAGE:
            return {Side.CITIZEN: [whole]}
        missing: dict[Side, list[Span]] = {}
        async with self._db.session() as session:
            for side in Side:
                utterances = await said_live(session, row.call_id, side)
                left_out = unheard(whole, await covered(session, row.call_id, side))
                missing[side] = stretches(left_out, utterances, whole)
        return missing

    async def _span(self, path: Path, channel: int, span: Span, row: Recording) -> list[Utterance]:
        """The utterances of one stretch, with times relative to its start."""
        first, last = (int((at - row.offset_s) * RATE) for at in span)
        audio = await asyncio.to_thread(_samples, path, channel, max(0, first), last)
        stream, found = self._decoder.engine.stream(), list[Heard]()
        while audio:
            await self._room()
            step, audio = audio[: self._decoder.largest], audio[self._decoder.largest :]
            found += await self._decoder.run(partial(_hear, stream, step), len(step) / BYTES_PER_SECOND)
        found.append(await self._decoder.run(stream.finish, 0.0))
        return [heard.utterance for heard in found if heard.utterance]


def _hear(stream: Stream, audio: bytes) -> list[Heard]:
    return [stream.accept(piece, partial=False) for piece in pieces(audio)]


def _samples(path: Path, channel: int, first: int, last: int) -> bytes:
    block, _ = soundfile.read(path, start=first, stop=last, dtype="int16", always_2d=True)
    return block[:, channel].astype("<i2").tobytes() if channel < block.shape[1] else b""
