"""An engine slowed to a real-time factor of 0.5 under 20 connected calls: what it harms, and who mends it."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import func, select

from core.db import Database
from recordings.archive.ingest import Ingest
from recordings.models import Side, Source, SpeechStatus, TranscriptSegment
from recordings.settings import TINY_MODEL
from recordings.speech.engine import BYTES_PER_SECOND, Engine, Heard, Stream
from recordings.speech.vosk_engine import VoskEngine
from tests.bench.speech_room import THREADS, room
from tests.bench.speech_sounds import Voices, p, row

CALLS, TALK_S, SLOW, SLOW_AFTER_S = 20, 20, 0.5, 3.0


class SlowEngine:
    """Vosk, and beside it as much work as makes a second of speech cost `factor` seconds of a thread."""

    kind, name, digest = "vosk", "slow", "0" * 64

    def __init__(self, engine: Engine, factor: float) -> None:
        self.engine, self.factor = engine, factor

    def stream(self) -> "SlowStream":
        return SlowStream(self, self.engine.stream())


class SlowStream:
    """Burns without the interpreter's lock, as a larger model would."""

    BLOCK = bytes(1 << 18)

    def __init__(self, owner: SlowEngine, stream: Stream) -> None:
        self._owner, self._stream = owner, stream

    def accept(self, audio: bytes, *, partial: bool = True) -> Heard:
        until = time.perf_counter() + self._owner.factor * len(audio) / BYTES_PER_SECOND
        heard = self._stream.accept(audio, partial=partial)
        while time.perf_counter() < until:
            hashlib.sha256(self.BLOCK)
        return heard

    def finish(self) -> Heard:
        return self._stream.finish()


class Probe:
    """How late a timer of this event loop fires, and how long the database takes for a page's question."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.loop_s: list[float] = []
        self.query_s: list[float] = []
        self.lag_s: list[float] = []
        self.streams: list[int] = []
        self.factors: list[float] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Probe"]:
        tasks = [asyncio.create_task(self._timer()), asyncio.create_task(self._question())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _timer(self) -> None:
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            self.loop_s.append(time.monotonic() - due)

    async def _question(self) -> None:
        while True:
            began = time.monotonic()
            async with self._db.session() as session:
                said = await session.scalar(select(SpeechStatus).order_by(SpeechStatus.at.desc()).limit(1))
            self.query_s.append(time.monotonic() - began)
            if said:
                self.lag_s.append(said.lag_s)
                self.streams.append(said.streams)
                self.factors.append(said.realtime_factor)
            await asyncio.sleep(0.1)


async def slowed(db: Database, voices: Voices, *, from_the_start: bool) -> None:
    """20 connected calls on an engine that costs half a thread a voice; afterwards it recovers, and batch mends."""
    engine = SlowEngine(VoskEngine(TINY_MODEL), SLOW if from_the_start else 0.0)
    sounds = [voices.long(number, TALK_S) for number in range(CALLS * 2)]
    idle, busy = Probe(db), Probe(db)
    async with room(db, engine=engine) as one:
        assert one.speech.live
        spool = one.home / "spool"
        spool.mkdir()
        async with idle.running():
            await asyncio.sleep(3)
        async with busy.running():
            talks = [await one.begin(first, second) for first, second in zip(sounds[::2], sounds[1::2], strict=True)]
            began = time.monotonic()
            await asyncio.sleep(SLOW_AFTER_S)
            engine.factor = SLOW
            await asyncio.sleep(max(0.0, began + TALK_S - time.monotonic()))
            for talk in talks:
                await one.hang_up(talk)
        engine.factor = 0.0
        for talk in talks:
            for side, name in ((Side.CITIZEN, "in"), (Side.OTHER, "out")):
                (spool / f"{talk.linkedid}_talk1_{name}.sln").write_bytes(talk.sounds[side].read_bytes())
        await Ingest(
            db,
            one.store,
            spool,
            work=spool.with_name("work"),
            node="node1",
            quiet_after_s=30,
            protected_years=lambda: 3,
        ).scan()
        await one.until(lambda: all(talk.final for talk in talks))
        async with db.session() as session:
            counted = await session.execute(
                select(TranscriptSegment.source, func.count())
                .where(TranscriptSegment.call_id.in_([talk.id for talk in talks]))
                .group_by(TranscriptSegment.source)
            )
            segments = {Source(source): count for source, count in counted}
    when = "一开始就慢" if from_the_start else f"第 {SLOW_AFTER_S:.0f} 秒起变慢"
    print(f"\n慢引擎（实时率 {SLOW}，{when}）：{CALLS} 次通话 {CALLS * 2} 路，{THREADS} 线程")
    row("实时转写路数：最多；挂机前", f"{max(busy.streams)}；{busy.streams[-1]}")
    row("报告的实时率：开始；最大", f"{busy.factors[0]:.2f}；{max(busy.factors):.2f}")
    row("报告的最大滞后", f"{max(busy.lag_s):.1f} s")
    row(
        "转写进程事件循环延迟 p99（空闲 → 满载）", f"{p(idle.loop_s, 99) * 1e3:.1f} → {p(busy.loop_s, 99) * 1e3:.1f} ms"
    )
    row("事件循环延迟 最大", f"{max(busy.loop_s) * 1e3:.1f} ms")
    row("页面查询 p99（空闲 → 满载）", f"{p(idle.query_s, 99) * 1e3:.1f} → {p(busy.query_s, 99) * 1e3:.1f} ms")
    row("送出一帧语音的最大延迟（普通优先级进程）", f"{max(talk.late for talk in talks) * 1e3:.0f} ms")
    row("词段：实时；录音补转", f"{segments.get(Source.LIVE, 0)}；{segments.get(Source.BATCH, 0)}")
    row("最终定稿的通话", f"{sum(bool(talk.final) for talk in talks)} / {CALLS}")
