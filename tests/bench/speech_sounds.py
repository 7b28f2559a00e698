"""What is said in the speech measurements, and how their figures are printed."""

import random
import wave
from collections.abc import Sequence
from pathlib import Path

from callflow.speak import speak
from recordings.speech.engine import BYTES_PER_SECOND, RATE

SENTENCES = (
    "我要投诉小区门口占道经营",
    "您好，我要投诉物业收费太高",
    "晚上工地施工噪音严重影响休息",
    "小区电梯坏了三天没有维修",
    "我想咨询一下医保怎么办理",
    "老板拖欠农民工工资，请帮忙解决",
)


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
