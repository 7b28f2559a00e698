"""How many live transcriptions this machine carries with its model: measured by decoding synthetic speech."""

import tempfile
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from callflow.speak import RATE, speak
from recordings.speech.engine import Engine

SENTENCE = "你好，我要投诉小区门口占道经营，晚上噪音严重影响休息，请帮忙处理。"
CHUNK = RATE * 2 // 5
"""Bytes of 200 ms: what a live stream hands over at a time."""
MEASURE_S = 2.0
RESERVE = 0.5
"""Share of the machine that stays with the line, the desks and the database."""


@dataclass(frozen=True)
class Capacity:
    """`threads` decoded `rate` seconds of speech in a second; `streams` may be live at once (a call has two)."""

    threads: int
    rate: float

    @property
    def streams(self) -> int:
        return int(self.rate * (1 - RESERVE))


def measure(engine: Engine, threads: int) -> Capacity:
    """Decode on `threads` threads for two seconds. Raises Unavailable("no-espeak")."""
    with tempfile.TemporaryDirectory() as folder:
        with wave.open(str(speak(SENTENCE, Path(folder)))) as file:
            audio = file.readframes(file.getnframes())
    until = time.monotonic() + MEASURE_S

    def decode() -> float:
        seconds = 0.0
        while time.monotonic() < until:
            stream = engine.stream()
            for start in range(0, len(audio), CHUNK):
                stream.accept(audio[start : start + CHUNK])
            stream.finish()
            seconds += len(audio) / (RATE * 2)
        return seconds

    began = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        decoded = sum(job.result() for job in [pool.submit(decode) for _ in range(threads)])
    return Capacity(threads, decoded / (time.monotonic() - began))
