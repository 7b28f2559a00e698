"""Decoding threads: low priority, shared by all voices, each voice in order; measures speed and lag."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from recordings.speech.engine import BYTES_PER_SECOND, PIECE, Engine, pieces

T = TypeVar("T")
STEP_S = 0.25
"""A step holds a thread for about this long at most, so that a voice that is behind does not keep others waiting."""
LARGEST_S = 5.0
"""Seconds of speech of one step at most. Large steps cost less: the voice's search stays in the processor's cache."""
SMOOTHING_S = 30.0
"""Seconds of speech over which the measured speed is averaged."""
NICE = 10


class Decoder:
    """A pool of `threads` threads; `realtime_factor` is how many seconds of one thread a second of speech costs."""

    def __init__(self, engine: Engine, threads: int) -> None:
        self.engine = engine
        self.threads = threads
        self.realtime_factor = 0.0
        self._pool = ThreadPoolExecutor(threads, "decode", initializer=step_back)
        self._lock = threading.Lock()

    @property
    def largest(self) -> int:
        """Bytes of one step at most, at the measured speed."""
        seconds = min(LARGEST_S, STEP_S / self.realtime_factor) if self.realtime_factor else 1.0
        return max(1, int(seconds * BYTES_PER_SECOND) // PIECE) * PIECE

    def submit(self, work: Callable[[], None]) -> None:
        """Run `work`, which raises nothing, in a thread."""
        self._pool.submit(work)

    async def run(self, step: Callable[[], T], seconds: float) -> T:
        """One decoding step over `seconds` of audio, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.timed, step, seconds)

    async def measure(self, audio: bytes) -> float:
        """Decode a sample to learn the speed -> the real-time factor."""
        stream = self.engine.stream()
        for piece in pieces(audio):
            await self.run(partial(stream.accept, piece), len(piece) / BYTES_PER_SECOND)
        return self.realtime_factor

    def close(self) -> None:
        """End the threads after their present steps."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def timed(self, step: Callable[[], T], seconds: float) -> T:
        """Take a step, learn the speed from it."""
        began = time.perf_counter()
        result = step()
        if seconds > 0:
            factor, share = (time.perf_counter() - began) / seconds, min(1.0, seconds / SMOOTHING_S)
            with self._lock:
                known = self.realtime_factor
                self.realtime_factor = known + share * (factor - known) if known else factor
        return result


def step_back() -> None:
    """On Linux a thread has a priority of its own: the line, the database and the desk come first."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
