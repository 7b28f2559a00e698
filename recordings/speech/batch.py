"""Words from recordings: messages, and whatever live decoding did not cover."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import soundfile
from sqlalchemy import case, delete, select

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
from recordings.speech.engine import BYTES_PER_SECOND, RATE, Utterance
from recordings.speech.progress import covered, settle_after_batch
from recordings.speech.rules import Span, gaps
from recordings.speech.words import segment
from recordings.store.port import Store

log = get(__name__)
PIECE_S = 0.5
AFTER_CALL_S = 3.0
"""Live words get this long after a hang-up to say what they covered."""

Spoken = tuple[Side, float, Utterance]


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
                        spoken += [
                            (side, span[0], utterance) for utterance in await self._span(copy, channel, span, row)
                        ]
        async with self._db.session() as session:
            kept = await session.get(Recording, row.id, with_for_update=True)
            if kept is None or kept.transcribed_at is not None:
                return 0
            await session.execute(delete(TranscriptSegment).where(TranscriptSegment.recording_id == row.id))
            session.add_all(
                segment(row.call_id, side, utterance, start, Source.BATCH, row.id) for side, start, utterance in spoken
            )
            kept.transcribed_at = clock.now()
            await session.flush()
            if spoken:
                await publish(session, TranscriptGrew(call_id=row.call_id))
                hint(session, "words", row.call_id)
            await settle_after_batch(session, row.call_id)
        return 1

    async def _missing(self, row: Recording) -> dict[Side, list[Span]]:
        """Per channel what live decoding left out, on the call's timeline."""
        assert row.call_id is not None
        whole = (row.offset_s, row.offset_s + row.seconds)
        if row.kind == Kind.MESSAGE:
            return {Side.CITIZEN: [whole]}
        async with self._db.session() as session:
            return {side: gaps(whole, await covered(session, row.call_id, side)) for side in Side}

    async def _span(self, path: Path, channel: int, span: Span, row: Recording) -> list[Utterance]:
        """The utterances of one stretch, with times relative to its start."""
        first, last = (int((at - row.offset_s) * RATE) for at in span)
        audio = await asyncio.to_thread(_samples, path, channel, max(0, first), last)
        stream, found = self._decoder.engine.stream(), []
        size = int(PIECE_S * BYTES_PER_SECOND)
        for start in range(0, len(audio), size):
            await self._room()
            piece = audio[start : start + size]
            heard = await self._decoder.run(partial(stream.accept, piece), len(piece) / BYTES_PER_SECOND)
            found += [heard.utterance] if heard.utterance else []
        heard = await self._decoder.run(stream.finish, 0.0)
        return found + ([heard.utterance] if heard.utterance else [])


def _samples(path: Path, channel: int, first: int, last: int) -> bytes:
    block, _ = soundfile.read(path, start=first, stop=last, dtype="int16", always_2d=True)
    return block[:, channel].astype("<i2").tobytes() if channel < block.shape[1] else b""
