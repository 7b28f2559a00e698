"""The speech role at work without Asterisk: real sockets, engine and PostgreSQL; calls are rows, voices are files."""

import asyncio
import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import update

from callflow.ami import AmiClient
from callflow.models import Call
from core import clock, personal
from core.db import Database, new_id
from core.live import hint, listen
from core.postgres import EmbeddedPostgres
from hotline.schema import migrate
from recordings import queries
from recordings.models import Side, TranscriptState
from recordings.settings import SpeechSettings
from recordings.speech.engine import Engine
from recordings.speech.service import SpeechService
from recordings.store.folder import FolderStore
from tests.bench.clerk import KEYS
from tests.bench.exchange import Exchange, Report

THREADS = 2
NOTHING = Path(os.devnull)
"""What a channel says that has hung up: ChanSpy ends at once."""
_NUMBERS = itertools.count(1)


@dataclass
class Talk:
    """One call of a measurement; moments on the monotonic clock."""

    id: UUID
    linkedid: str
    sounds: dict[Side, Path]
    began: dict[Side, float] = field(default_factory=dict)
    ended: dict[Side, float] = field(default_factory=dict)
    late: float = 0.0
    hung_up: float = 0.0
    hung_up_at: datetime = datetime.min
    final: float = 0.0
    left: bool = False
    """Ended, and something of it waits for the recording."""
    reason: str = ""
    lag_s: float = 0.0
    seen: dict[Side, list[tuple[float, str]]] = field(default_factory=lambda: {side: [] for side in Side})
    """When a page could read which text."""


class Switchboard(AmiClient):
    """Answers an Originate as Asterisk does: the tap opens and the channel's voice comes."""

    def __init__(self, room: "Room", exchange: Exchange, *, paced: bool) -> None:
        super().__init__("127.0.0.1", 0, "speech", str)
        self._room, self._exchange, self._paced = room, exchange, paced

    async def run(self) -> None:
        """There is no connection to keep."""
        await asyncio.Event().wait()

    async def action(self, name: str, /, **headers: str) -> dict[str, str]:
        """See `AmiClient.action`."""
        _, address, tap, _ = headers["Channel"].split("/")
        talk, side = self._room.of_channel(headers["Data"].partition(",")[0])
        self._room.taps[tap] = talk, side
        sound = NOTHING if side in talk.ended else talk.sounds[side]
        self._exchange.play(UUID(tap), int(address.rpartition(":")[2]), sound, paced=self._paced)
        return {"Response": "Success"}


class Room:
    """Begins calls, ends them when both sides have spoken, and reads their words at each hint, as a page does."""

    def __init__(self, db: Database, home: Path, *, reading: bool) -> None:
        self.db, self.home, self.reading = db, home, reading
        self.store = FolderStore(home / "archive")
        self.talks: dict[UUID, Talk] = {}
        self.taps: dict[str, tuple[Talk, Side]] = {}
        self.speech: SpeechService
        self._changed = asyncio.Event()

    def of_channel(self, channel: str) -> tuple[Talk, Side]:
        kind, _, linkedid = channel.removeprefix("PJSIP/").partition("-")
        talk = next(talk for talk in self.talks.values() if talk.linkedid == linkedid)
        return talk, Side.CITIZEN if kind == "trunk" else Side.OTHER

    async def begin(self, citizen: Path, other: Path) -> Talk:
        """A call in which two people talk from now on."""
        at, linkedid = clock.now(), f"{next(_NUMBERS)}.1"
        talk = Talk(new_id(), linkedid, {Side.CITIZEN: citizen, Side.OTHER: other})
        self.talks[talk.id] = talk
        async with self.db.session() as session:
            session.add(
                Call(
                    id=talk.id, node="node1", linkedid=linkedid, arrived_at=at, connected_at=at,
                    citizen_channel=f"PJSIP/trunk-{linkedid}", agent_channel=f"PJSIP/1001-{linkedid}",
                )
            )  # fmt: skip
            hint(session, "calls", talk.id)
        return talk

    async def hang_up(self, talk: Talk) -> None:
        """The call is over."""
        talk.hung_up, talk.hung_up_at = time.monotonic(), clock.now()
        async with self.db.session() as session:
            await session.execute(update(Call).where(Call.id == talk.id).values(ended_at=clock.now()))
            hint(session, "calls", talk.id)

    async def until(self, condition: object, within_s: float = 120) -> None:
        """Wait until `condition()` holds; it is asked whenever anything changed."""
        assert callable(condition)
        async with asyncio.timeout(within_s):
            while not condition():
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await self._changed.wait()

    def heard(self, report: Report) -> None:
        """See `Exchange`."""
        talk, side = self.taps[report.tap]
        if report.what == "began":
            talk.began.setdefault(side, report.at)
        else:
            talk.ended.setdefault(side, report.at)
            talk.late = max(talk.late, report.late)
        self._changed.set()

    async def watch(self) -> None:
        """Read at each hint what a page would show; without `reading` only how an ended call's words are."""
        async for one in listen(self.db.dsn, ["words"]):
            if not one.id or (talk := self.talks.get(UUID(one.id))) is None:
                continue
            if not self.reading and not talk.hung_up:
                continue
            async with self.db.session() as session:
                words = await queries.words_of_call(session, talk.id)
            at = time.monotonic()
            for side in Side:
                talk.seen[side].append((at, "".join(line.text for line in words.lines if line.side is side)))
            talk.reason, talk.lag_s = words.reason or talk.reason, max(talk.lag_s, words.lag_s)
            talk.left = words.state is TranscriptState.PENDING and bool(talk.hung_up)
            if words.state is TranscriptState.FINAL and not talk.final:
                talk.final = at
            self._changed.set()


@contextlib.asynccontextmanager
async def database(home: Path) -> AsyncIterator[Database]:
    """A PostgreSQL of this measurement's own, with the product's durability."""
    personal.use_keys(KEYS)
    server = EmbeddedPostgres(home / "pg")
    await asyncio.to_thread(server.start)
    try:
        await asyncio.to_thread(migrate, server.owner_url, server.url)
        db = Database(server.url, pool_size=10)
        try:
            yield db
        finally:
            await db.close()
    finally:
        await asyncio.to_thread(server.stop)


@contextlib.asynccontextmanager
async def room(
    db: Database, *, engine: Engine, paced: bool = True, reading: bool = True, max_lag_s: float = 4.0
) -> AsyncIterator[Room]:
    """The speech role, started."""
    with tempfile.TemporaryDirectory(prefix="hl-bench-", dir="/tmp") as folder:
        made = Room(db, Path(folder), reading=reading)
        async with Exchange(made.heard) as exchange:
            switchboard = Switchboard(made, exchange, paced=paced)
            settings = SpeechSettings(port=0, threads=THREADS, max_lag_s=max_lag_s)
            made.speech = SpeechService(db, made.store, settings, switchboard, engine=engine)
            await made.speech.start()
            watching = asyncio.create_task(made.watch())
            try:
                yield made
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
                await made.speech.stop()
