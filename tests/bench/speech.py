"""`make bench-speech`: how late words are, what the pipeline costs beside raw Vosk, and what a slow engine harms.

Everything runs on this machine in one run: the speech role with the tiny model, PostgreSQL with full durability,
voices over real AudioSocket connections from a process of their own. Figures hold for this machine and model.
"""

import asyncio
import hashlib
import random
import statistics
import tempfile
import time
import wave
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import vosk
from sqlalchemy import func, select

from callflow.speak import speak
from core import log
from core.db import Database
from recordings.archive.ingest import Ingest
from recordings.models import Side, Source, SpeechStatus, TranscriptSegment
from recordings.settings import TINY_MODEL
from recordings.speech.decoder import step_back
from recordings.speech.engine import BYTES_PER_SECOND, RATE, Engine, Heard, Stream, Word
from recordings.speech.vosk_engine import VoskEngine
from tests.bench.speech_room import THREADS, Room, Talk, database, room

SENTENCES = (
    "我要投诉小区门口占道经营",
    "您好，我要投诉物业收费太高",
    "晚上工地施工噪音严重影响休息",
    "小区电梯坏了三天没有维修",
    "我想咨询一下医保怎么办理",
    "老板拖欠农民工工资，请帮忙解决",
)
ROUNDS, AT_ONCE = 5, 4
LONG_S, SEATS, CALLS_A_SEAT, REPEATS = 25, 8, 4, 3
CALLS, TALK_S, SLOW, SLOW_AFTER_S = 20, 20, 0.5, 3.0
AIM_S, AIM_RATIO = 1.0, 0.9


def p(values: Sequence[float], percent: int) -> float:
    """A percentile; nan without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else float("nan")


def row(what: str, value: str, aim: str = "") -> None:
    print(f"  {what:<58} {value:>16}  {aim}", flush=True)


class Voices:
    """Sentences as raw samples, rendered once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def short(self, number: int, speed: int = 150) -> Path:
        """One sentence, and what a person leaves before and after it."""
        return self._file(f"short{number}-{speed}", self._samples(number, speed), 0.6, 0.4)

    def long(self, number: int, seconds: float) -> Path:
        """Sentences with pauses, `seconds` long."""
        chance, sound = random.Random(number), bytearray()
        while len(sound) < seconds * BYTES_PER_SECOND:
            sound += bytes(int(chance.uniform(0.4, 1.2) * RATE) * 2)
            sound += self._samples(chance.randrange(len(SENTENCES)), chance.randrange(130, 190, 20))
        return self._file(f"long{number}-{seconds}", bytes(sound[: int(seconds * RATE) * 2]), 0, 0)

    def _samples(self, number: int, speed: int) -> bytes:
        with wave.open(str(speak(SENTENCES[number % len(SENTENCES)], self._folder, speed=speed))) as file:
            samples: bytes = file.readframes(file.getnframes())
            return samples

    def _file(self, name: str, samples: bytes, before_s: float, after_s: float) -> Path:
        path = self._folder / f"{name}.sln"
        path.write_bytes(bytes(int(before_s * RATE) * 2) + samples + bytes(int(after_s * RATE) * 2))
        return path


def words_in(engine: Engine, sound: Path) -> list[Word]:
    """What the engine by itself makes of a sound, in live pieces: when each word's sound ended."""
    audio, stream, found = sound.read_bytes(), engine.stream(), list[Word]()
    for start in range(0, len(audio), 1600):
        heard = stream.accept(audio[start : start + 1600])
        found += heard.utterance.words if heard.utterance else ()
    heard = stream.finish()
    return found + list(heard.utterance.words if heard.utterance else ())


# ---------------------------------------------------------------------------------------- how late words are


async def latency(db: Database, engine: Engine, voices: Voices) -> None:
    """Word spoken until a page that follows the hint has read it; hang-up until the words are final."""
    delays: list[float] = []
    finals: list[float] = []
    missed = 0
    async with room(db, engine=engine) as one:
        for number in range(ROUNDS):
            talks = []
            for seat in range(AT_ONCE):
                talks.append(await one.begin(voices.short(number + seat), voices.short(number + seat + 3, 170)))
                await asyncio.sleep(0.13)
            await asyncio.gather(*(_to_the_end(one, talk) for talk in talks))
            finals += [talk.final - talk.hung_up for talk in talks if talk.final]
            for talk in talks:
                for side in Side:
                    found = _delays(talk, side, words_in(engine, talk.sounds[side]))
                    delays += [delay for delay in found if delay is not None]
                    missed += sum(delay is None for delay in found)
    print(f"\n延迟：{ROUNDS * AT_ONCE} 次通话，同时 {AT_ONCE} 次（{AT_ONCE * 2} 路）")
    row("说出一个词 → 入库并可见，p50", f"{p(delays, 50):.2f} s")
    row("说出一个词 → 入库并可见，p95", f"{p(delays, 95):.2f} s", f"目标 ≤ {AIM_S} s")
    row("说出一个词 → 入库并可见，最大", f"{max(delays):.2f} s")
    row("词数；未以原样出现的词", f"{len(delays)}；{missed}")
    row("监听开通过晚、留待录音补全的通话", str(ROUNDS * AT_ONCE - len(finals)))
    row("挂机 → 文字定稿，p50", f"{p(finals, 50):.2f} s")
    row("挂机 → 文字定稿，p95", f"{p(finals, 95):.2f} s", f"目标 ≤ {AIM_S} s")


async def _to_the_end(one: Room, talk: Talk) -> None:
    await one.until(lambda: len(talk.ended) == 2)
    await one.hang_up(talk)
    await one.until(lambda: talk.final or talk.left)


def _delays(talk: Talk, side: Side, words: Sequence[Word]) -> list[float | None]:
    """Per word: when all words up to it could first be read, after its sound had been sent."""
    found: list[float | None] = []
    for count, word in enumerate(words, 1):
        so_far = "".join(one.w for one in words[:count])
        at = next((at for at, text in talk.seen[side] if so_far in text), None)
        found.append(None if at is None else at - talk.began[side] - word.end)
    return found


# ---------------------------------------------------------------------------------------- what the pipeline costs


async def throughput(db: Database, voices: Voices) -> None:
    """The same sounds on as many threads: Vosk alone, and from the socket to the stored words; alternating."""
    sounds = [voices.long(number, LONG_S) for number in range(SEATS * 2)]
    model = vosk.Model(str(TINY_MODEL))
    raw_s, ours_s, words, left = [], [], 0, 0
    for _ in range(REPEATS):
        raw_s.append(await asyncio.to_thread(_raw, model, sounds * CALLS_A_SEAT))
        elapsed, words, left = await _ours(db, sounds)
        ours_s.append(elapsed)
    spoken = SEATS * 2 * CALLS_A_SEAT * LONG_S
    print(f"\n吞吐：{spoken} 秒语音，同时 {SEATS * 2} 路，{THREADS} 线程，交替 {REPEATS} 轮")
    row("Vosk 单独：每秒转写的语音", f"{spoken / statistics.median(raw_s):.0f} s")
    row("全流程（接收、转写、入库、通知）", f"{spoken / statistics.median(ours_s):.0f} s")
    ratio = statistics.median(raw / ours for raw, ours in zip(raw_s, ours_s, strict=True))
    row("全流程 ÷ Vosk", f"{ratio:.2f}", f"目标 ≥ {AIM_RATIO}；各轮 " + _rounds(raw_s, ours_s))
    row("每轮入库的词段；未实时转写完的通话", f"{words}；{left}")


def _rounds(raw_s: list[float], ours_s: list[float]) -> str:
    return " ".join(f"{raw / ours:.2f}" for raw, ours in zip(raw_s, ours_s, strict=True))


def _raw(model: vosk.Model, sounds: Sequence[Path]) -> float:
    """Seconds for all sounds: a recogniser each, a second of sound at a time, no partial words."""

    def decode(sound: Path) -> None:
        recogniser, audio = vosk.KaldiRecognizer(model, RATE), sound.read_bytes()
        recogniser.SetWords(True)
        for start in range(0, len(audio), BYTES_PER_SECOND):
            if recogniser.AcceptWaveform(audio[start : start + BYTES_PER_SECOND]):
                recogniser.Result()
        recogniser.FinalResult()

    with ThreadPoolExecutor(THREADS, initializer=step_back) as pool:
        began = time.monotonic()
        list(pool.map(decode, sounds))
        return time.monotonic() - began


async def _ours(db: Database, sounds: Sequence[Path]) -> tuple[float, int, int]:
    async with room(db, engine=VoskEngine(TINY_MODEL), paced=False, max_lag_s=LONG_S * 2) as one:
        talks: list[Talk] = []

        async def seat(citizen: Path, other: Path) -> None:
            for _ in range(CALLS_A_SEAT):
                talks.append(await one.begin(citizen, other))
                await _to_the_end(one, talks[-1])

        await asyncio.gather(*map(seat, sounds[::2], sounds[1::2]))
        began = min(min(talk.began.values()) for talk in talks)
        async with db.session() as session:
            words = await session.scalar(
                select(func.count()).where(TranscriptSegment.call_id.in_([talk.id for talk in talks]))
            )
        return max(talk.final for talk in talks) - began, words or 0, sum(not talk.final for talk in talks)


# ---------------------------------------------------------------------------------------- a slow engine


class SlowEngine:
    """Vosk, and beside it as much work as makes a second of speech cost `factor` seconds of a thread."""

    name = "slow"

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
        await Ingest(db, one.store, spool, node="node1", quiet_after_s=30, protected_years=3).scan()
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


async def main() -> None:
    """All measurements, one after the other."""
    log.setup("ERROR", json=False, role="bench")
    engine = VoskEngine(TINY_MODEL)
    with tempfile.TemporaryDirectory(prefix="hl-bench-", dir="/tmp") as folder:
        voices = Voices(Path(folder) / "voices")
        async with database(Path(folder)) as db:
            await latency(db, engine, voices)
            await throughput(db, voices)
            await slowed(db, voices, from_the_start=False)
            await slowed(db, voices, from_the_start=True)


if __name__ == "__main__":
    asyncio.run(main())
