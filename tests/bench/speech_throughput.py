"""What the pipeline costs beside Vosk alone: the same sounds, as many threads, in turns.

Three arms. *Vosk, one by one*: each thread decodes one sound after the other. *Vosk, all at once*: all voices talk
at the same time, as in live service, and each thread gives every one of its voices 200 ms in turn. *Ours*: the voices
come over AudioSocket connections from another process, the words go to PostgreSQL and a hint to the pages.
"""

import asyncio
import re
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import vosk
from sqlalchemy import func, select

from core.db import Database
from recordings.models import TranscriptSegment
from recordings.speech.decoder import step_back
from recordings.speech.engine import PIECE, RATE
from recordings.speech.vosk_engine import VoskEngine
from tests.bench.speech_latency import to_the_end
from tests.bench.speech_room import THREADS, Talk, room
from tests.bench.speech_sounds import Voices, row

AIM_RATIO = 0.9
WIDE = {"beam": "24.0", "max-active": "7000"}
"""A search as wide as costs what a real model does: about 0.05 of a core for a second of speech."""


@dataclass(frozen=True)
class Load:
    """`seats` calls at a time, `calls` one after the other on each, two voices of `seconds` each; `repeats` turns."""

    seats: int
    calls: int
    repeats: int
    seconds: int = 25

    @property
    def spoken(self) -> int:
        """Seconds of speech in a turn."""
        return self.seats * 2 * self.calls * self.seconds


@dataclass
class Arm:
    """Seconds of a turn, on the clock and of this process's CPU."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the CPU of what runs inside."""
        began = time.process_time()
        yield
        self.cpu.append(time.process_time() - began)


def wide(model: Path, into: Path) -> Path:
    """The same model with a wide search."""
    made = Path(shutil.copytree(model, into))
    (made / "SHA256SUMS").unlink()
    conf = made / "conf" / "model.conf"
    text = conf.read_text(encoding="utf-8")
    for name, value in WIDE.items():
        text = re.sub(rf"--{name}=\S+", f"--{name}={value}", text)
    conf.write_text(text, encoding="utf-8")
    return made


async def throughput(db: Database, voices: Voices, folder: Path, title: str, load: Load) -> None:
    """All arms with one model."""
    sounds = [voices.long(number, load.seconds) for number in range(load.seats * 2)]
    model = vosk.Model(str(folder))
    apart, together, ours = Arm(), Arm(), Arm()
    words = left = 0
    await _ours(db, folder, sounds[:2], Load(1, 1, 1))  # what a process does once in its life is done now
    for _ in range(load.repeats):
        for arm, decode in ((apart, _one_by_one), (together, _all_at_once)):
            with arm.counted():
                arm.wall.append(await asyncio.to_thread(decode, model, sounds, load.calls))
        with ours.counted():
            elapsed, words, left = await _ours(db, folder, sounds, load)
        ours.wall.append(elapsed)
    print(f"\n吞吐（{title}）：{load.spoken} 秒语音，同时 {load.seats * 2} 路，{THREADS} 线程，轮流 {load.repeats} 次")
    for name, arm in (
        ("Vosk 单独，逐段", apart),
        ("Vosk 单独，各路同时", together),
        ("全流程（收、转、存、告知）", ours),
    ):
        speed, cpu = load.spoken / statistics.median(arm.wall), statistics.median(arm.cpu) / load.spoken * 1e3
        row(f"{name}：每秒转写的语音；每秒语音的 CPU", f"{speed:.0f} s；{cpu:.1f} ms")
    row("全流程 ÷ Vosk 各路同时", _ratio(together, ours), f"目标 ≥ {AIM_RATIO}；各次 {_each(together, ours)}")
    row("全流程 ÷ Vosk 逐段", _ratio(apart, ours), f"各次 {_each(apart, ours)}")
    row("每次入库的词段；未实时转写完的通话", f"{words}；{left}")


def _ratio(raw: Arm, ours: Arm) -> str:
    return f"{statistics.median(one / other for one, other in zip(raw.wall, ours.wall, strict=True)):.2f}"


def _each(raw: Arm, ours: Arm) -> str:
    return " ".join(f"{one / other:.2f}" for one, other in zip(raw.wall, ours.wall, strict=True))


def _one_by_one(model: vosk.Model, sounds: Sequence[Path], calls: int) -> float:
    with ThreadPoolExecutor(THREADS, initializer=step_back) as pool:
        began = time.monotonic()
        list(pool.map(lambda sound: _in_turn(model, [sound]), list(sounds) * calls))
        return time.monotonic() - began


def _all_at_once(model: vosk.Model, sounds: Sequence[Path], calls: int) -> float:
    shares = [sounds[thread::THREADS] for thread in range(THREADS)]
    with ThreadPoolExecutor(THREADS, initializer=step_back) as pool:
        began = time.monotonic()
        list(pool.map(lambda share: [_in_turn(model, share) for _ in range(calls)], shares))
        return time.monotonic() - began


def _in_turn(model: vosk.Model, sounds: Sequence[Path]) -> None:
    """All words of all sounds, a piece of each in turn; no partial words."""
    voices = [(vosk.KaldiRecognizer(model, RATE), sound.read_bytes()) for sound in sounds]
    for recogniser, _ in voices:
        recogniser.SetWords(True)
    for at in range(0, max(len(audio) for _, audio in voices), PIECE):
        for recogniser, audio in voices:
            if recogniser.AcceptWaveform(audio[at : at + PIECE]):
                recogniser.Result()
    for recogniser, _ in voices:
        recogniser.FinalResult()


async def _ours(db: Database, folder: Path, sounds: Sequence[Path], load: Load) -> tuple[float, int, int]:
    engine = VoskEngine(folder)
    async with room(db, engine=engine, paced=False, reading=False, max_lag_s=load.seconds * 2) as one:
        talks: list[Talk] = []

        async def seat(citizen: Path, other: Path) -> None:
            for _ in range(load.calls):
                talk = await one.begin(citizen, other)
                talks.append(talk)
                await to_the_end(one, talk)

        await asyncio.gather(*map(seat, sounds[::2], sounds[1::2]))
        began = min(min(talk.began.values()) for talk in talks)
        async with db.session() as session:
            words = await session.scalar(
                select(func.count()).where(TranscriptSegment.call_id.in_([talk.id for talk in talks]))
            )
        elapsed = max(talk.final for talk in talks) - began
        return elapsed, words or 0, sum(not talk.final for talk in talks)
