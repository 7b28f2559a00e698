"""Writes what was heard: all voices of one moment in one transaction, so that many voices cost few commits."""

import asyncio
import contextlib
from dataclasses import asdict, dataclass
from uuid import UUID, uuid5

from sqlalchemy import delete, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.db import Database, new_id
from core.errors import Unavailable
from core.events import publish
from core.live import hint
from core.log import get
from recordings.events import TranscriptGrew
from recordings.models import LiveCoverage, LivePartial, Side, Source, TranscriptRun, TranscriptSegment, Why
from recordings.speech.engine import Engine, Utterance

log = get(__name__)
EVERY_S = 0.1
AGAIN_S = 1.0
MAX_WAITING = 20_000
"""Utterances kept while the database is away; beyond, the recording gives them back."""
RUNS_KNOWN = 1_000
"""Of so many calls it is remembered that their run is written; of others it is written again, which changes nothing."""
TOPIC = "words"


@dataclass(frozen=True)
class Said:
    """A finished stretch of one voice, and its words if it has any. Times are seconds on the call's timeline."""

    call_id: UUID
    side: Side
    coverage_id: UUID
    start_s: float
    covered_to_s: float
    utterance: Utterance | None

    @property
    def covered(self) -> dict[str, object]:
        """What its voice's tap covered by now, as a row."""
        return {
            "id": self.coverage_id,
            "call_id": self.call_id,
            "side": self.side,
            "start_s": self.start_s,
            "end_s": self.covered_to_s,
        }


_new = insert(LiveCoverage)
_COVER = _new.on_conflict_do_update(index_elements=["id"], set_={"end_s": _new.excluded.end_s})
_newer = insert(LivePartial)
_SHOW = _newer.on_conflict_do_update(
    index_elements=["call_id", "side"], set_={"text": _newer.excluded.text, "at": _newer.excluded.at}
)


class WordWriter:
    """Partials are replaced by newer ones; finished utterances are all written, in their order."""

    def __init__(self, db: Database, engine: Engine | None = None) -> None:
        self._db = db
        self.engine = engine
        """What hears the words that are written."""
        self._runs: set[UUID] = set()
        self._partials: dict[tuple[UUID, Side], str] = {}
        self._said: list[Said] = []
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Write whatever comes."""
        self._task = asyncio.create_task(self._run(), name="words")

    async def stop(self) -> None:
        """Write the rest, if the database is there."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(Unavailable):
            await self.flush()

    def partial(self, call_id: UUID, side: Side, text: str) -> None:
        """The words of the utterance that is being spoken."""
        self._partials[call_id, side] = text
        self._wake.set()

    def said(self, said: Said) -> None:
        """A finished stretch."""
        self._partials[said.call_id, said.side] = ""
        if len(self._said) < MAX_WAITING:
            self._said.append(said)
        self._wake.set()

    async def flush(self) -> None:
        """Write everything that waits. Raises `Unavailable`, and then keeps it."""
        async with self._writing:
            partials, said = self._partials, self._said
            self._partials, self._said = {}, []
            if not partials and not said:
                return
            try:
                await self._write(partials, said)
            except Unavailable:
                self._partials = partials | self._partials
                self._said = said + self._said
                raise

    async def _write(self, partials: dict[tuple[UUID, Side], str], said: list[Said]) -> None:
        async with self._db.session() as session:
            heard = [(item, item.utterance) for item in said if item.utterance]
            runs = await self._runs_of(session, {item.call_id for item, _ in heard})
            for item, utterance in heard:
                made = segment(item.call_id, item.side, utterance, item.start_s, Source.LIVE)
                made.run_id = runs.get(item.call_id)
                session.add(made)
            if covered := {item.coverage_id: item.covered for item in said}:
                await session.execute(_COVER, list(covered.values()))
            if gone := sorted(key for key, text in partials.items() if not text):
                await session.execute(
                    delete(LivePartial).where(tuple_(LivePartial.call_id, LivePartial.side).in_(gone))
                )
            at = clock.now()
            if shown := [
                {"call_id": call_id, "side": side, "text": text, "at": at}
                for (call_id, side), text in sorted(partials.items())
                if text
            ]:
                await session.execute(_SHOW, shown)
            await publish(session, *(TranscriptGrew(call_id=item.call_id) for item in said if item.utterance))
            for call_id in {item.call_id for item in said} | {call_id for call_id, _ in partials}:
                hint(session, TOPIC, call_id)

    async def _runs_of(self, session: AsyncSession, calls: set[UUID]) -> dict[UUID, UUID]:
        """The run of each call, one for each call and model, whichever process writes first."""
        engine = self.engine
        if engine is None:
            return {}
        runs = {call_id: uuid5(call_id, engine.digest) for call_id in calls}
        if fresh := sorted(call_id for call_id, id in runs.items() if id not in self._runs):
            model = {"engine": engine.kind, "model": engine.name, "model_digest": engine.digest, "why": Why.LIVE}
            rows = [{"id": runs[call_id], "call_id": call_id, **model} for call_id in fresh]
            await session.execute(insert(TranscriptRun).on_conflict_do_nothing(), rows)
            self._runs = {*list(self._runs)[-RUNS_KNOWN:], *(runs[call_id] for call_id in fresh)}
        return runs

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.flush()
                await asyncio.sleep(EVERY_S)
            except Unavailable:
                log.warning("words.waiting", utterances=len(self._said))
                await asyncio.sleep(AGAIN_S)
                self._wake.set()


def segment(
    call_id: UUID,
    side: Side,
    utterance: Utterance,
    shift_s: float,
    source: Source,
    recording_id: UUID | None = None,
) -> TranscriptSegment:
    """An utterance as a row; `shift_s` moves it from its stream's to the call's timeline."""
    words = [asdict(word) for word in utterance.words]
    for word in words:
        word["start"], word["end"] = round(word["start"] + shift_s, 3), round(word["end"] + shift_s, 3)
    return TranscriptSegment(
        id=new_id(),
        call_id=call_id,
        recording_id=recording_id,
        side=side,
        start_s=utterance.start + shift_s,
        end_s=utterance.end + shift_s,
        text=utterance.text,
        words=words,
        source=source,
    )
