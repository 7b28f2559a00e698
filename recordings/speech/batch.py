"""Words from recordings: messages, and whatever live decoding did not cover."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import soundfile
from sqlalchemy import case, select

from callflow.models import Call
from core import clock
from core.db import Database
from core.errors import NotFound
from core.events import publish
from core.live import hint
from core.locks import try_hold
from core.log import get
from recordings.archive.ingest import fetch
from recordings.events import TranscriptGrew
from recordings.finding import found_anew
from recordings.layers.again import heard_before, next_item, settle
from recordings.layers.lay import Spoken, lay
from recordings.layers.models import Outcome
from recordings.models import Kind, Recording, Side, Why
from recordings.speech.decoder import Decoder
from recordings.speech.engine import BYTES_PER_SECOND, RATE, Heard, Stream, Utterance, pieces
from recordings.speech.progress import TOPIC, covered, said_live, settle_after_batch
from recordings.speech.rules import Span, stretches, unheard
from recordings.store.port import Damaged, Store

log = get(__name__)
AFTER_CALL_S = 3.0
"""Live words get this long after a hang-up to say what they covered."""


class Batch:
    """Decodes one recording after the other, whenever `room()` lets it: live words come first, then what was never
    heard, then what people want heard again."""

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
        done, passed, busy = 0, set[UUID](), set[UUID]()
        while True:
            if (row := await self._next(passed)) is not None:
                passed.add(row.id)
                async with try_hold(self._db, f"transcribe:{row.id}") as held:
                    if held is not None:
                        done += await self._decode(row)
                continue
            async with self._db.session() as session:
                item = await next_item(session, busy)
            if item is None:
                return done
            job_id, row = item
            async with try_hold(self._db, f"transcribe:{row.id}") as held:
                if held is None:
                    busy.add(row.id)
                else:
                    done += await self._decode_again(job_id, row)

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
        spoken = await self._hear(row, await self._missing(row))
        async with self._db.session() as session:
            kept = await session.get(Recording, row.id, with_for_update=True)
            if kept is None or kept.transcribed_at is not None:
                return 0
            await lay(session, row, self._decoder.engine, Why.BATCH, spoken)
            kept.transcribed_at = clock.now()
            await session.flush()
            if spoken:
                await publish(session, TranscriptGrew(call_id=row.call_id))
                hint(session, TOPIC, row.call_id)
            await settle_after_batch(session, row.call_id, grown=bool(spoken))
        return 1

    async def _decode_again(self, job_id: UUID, row: Recording) -> int:
        """The whole recording, if this model has not heard it: its words are the newest layer."""
        async with self._db.session() as session:
            if await heard_before(session, row, self._decoder.engine.digest):
                await settle(session, job_id, row.id, Outcome.SAME)
                return 0
        try:
            spoken = await self._hear(row, _whole(row))
        except (NotFound, Damaged, soundfile.LibsndfileError) as error:
            log.warning("transcript.unreadable", recording=str(row.id), error=type(error).__name__)
            async with self._db.session() as session:
                await settle(session, job_id, row.id, Outcome.UNREADABLE)
            return 0
        async with self._db.session() as session:
            kept = await session.get(Recording, row.id, with_for_update=True)
            if kept is None or kept.call_id is None:
                await settle(session, job_id, row.id, Outcome.UNREADABLE)
                return 0
            if kept.words_ended_at or kept.destroyed_at:  # while it was heard: what has ended does not come back
                await settle(session, job_id, row.id, Outcome.ENDED)
                return 0
            await lay(session, kept, self._decoder.engine, Why.AGAIN, spoken, job_id)
            await settle(session, job_id, row.id, Outcome.HEARD if spoken else Outcome.SILENT)
            await session.flush()
            await found_anew(session, [kept.call_id])
            hint(session, TOPIC, kept.call_id)
        return 1

    async def _hear(self, row: Recording, wanted: dict[Side, list[Span]]) -> list[Spoken]:
        """What is said in these stretches of a recording, channel by channel."""
        if not any(wanted.values()):
            return []
        spoken: list[Spoken] = []
        with TemporaryDirectory() as folder:
            copy = Path(folder) / "sound"
            await fetch(self._store, row.store_key, copy)
            for channel, (side, spans) in enumerate(wanted.items()):
                for span in spans:
                    spoken += [Spoken(side, span, one) for one in await self._span(copy, channel, span, row)]
        return spoken

    async def _missing(self, row: Recording) -> dict[Side, list[Span]]:
        """Per channel what live decoding left out, on the call's timeline, with the utterances that it cut."""
        assert row.call_id is not None
        if row.kind == Kind.MESSAGE:
            return _whole(row)
        whole = (row.offset_s, row.offset_s + row.seconds)
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
            found += await self._decoder.run(partial(_accept, stream, step), len(step) / BYTES_PER_SECOND)
        found.append(await self._decoder.run(stream.finish, 0.0))
        return [heard.utterance for heard in found if heard.utterance]


def _whole(row: Recording) -> dict[Side, list[Span]]:
    """All of each channel."""
    span = (row.offset_s, row.offset_s + row.seconds)
    return {side: [span] for side in ((Side.CITIZEN,) if row.kind == Kind.MESSAGE else Side)}


def _accept(stream: Stream, audio: bytes) -> list[Heard]:
    return [stream.accept(piece, partial=False) for piece in pieces(audio)]


def _samples(path: Path, channel: int, first: int, last: int) -> bytes:
    block, _ = soundfile.read(path, start=first, stop=last, dtype="int16", always_2d=True)
    return block[:, channel].astype("<i2").tobytes() if channel < block.shape[1] else b""
