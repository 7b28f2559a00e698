"""Decoding threads: low priority, shared by all voices, each voice in order; measures speed and lag."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from recordings.speech.engine import BYTES_PER_SECOND, Engine, Heard

PIECE = BYTES_PER_SECOND // 10
"""Bytes that are worth a decoding step: 100 ms."""
LARGEST_PIECE = BYTES_PER_SECOND
"""Bytes of one step at most, so that a voice that is behind does not hold a thread for long."""
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

    async def run(self, step: Callable[[], Heard], seconds: float) -> Heard:
        """One decoding step over `seconds` of audio, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._timed, step, seconds)

    async def measure(self, audio: bytes) -> float:
        """Decode a sample to learn the speed -> the real-time factor."""
        stream = self.engine.stream()
        for start in range(0, len(audio), LARGEST_PIECE):
            piece = audio[start : start + LARGEST_PIECE]
            await self.run(partial(stream.accept, piece), len(piece) / BYTES_PER_SECOND)
        return self.realtime_factor

    def close(self) -> None:
        """End the threads after their present steps."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _timed(self, step: Callable[[], Heard], seconds: float) -> Heard:
        began = time.perf_counter()
        heard = step()
        if seconds > 0:
            factor, share = (time.perf_counter() - began) / seconds, min(1.0, seconds / SMOOTHING_S)
            with self._lock:
                known = self.realtime_factor
                self.realtime_factor = known + share * (factor - known) if known else factor
        return heard


class VoiceDecoder:
    """One voice: buffers what arrives, decodes it in order, says what was heard."""

    def __init__(self, decoder: Decoder, heard: Callable[[Heard], None]) -> None:
        self._decoder = decoder
        self._stream = decoder.engine.stream()
        self._heard = heard
        self._buffer = bytearray()
        self._more = asyncio.Event()
        self._closed = False
        self._discard = False
        self.seconds = 0.0
        """How much audio was decoded."""

    @property
    def lag_s(self) -> float:
        """How much audio waits to be decoded."""
        return len(self._buffer) / BYTES_PER_SECOND

    def feed(self, audio: bytes) -> None:
        """More samples; never waits."""
        if not self._closed:
            self._buffer += audio
            if len(self._buffer) >= PIECE:
                self._more.set()

    def close(self, *, discard: bool = False) -> None:
        """No more samples; with `discard` what waits is not decoded."""
        self._closed, self._discard = True, self._discard or discard
        self._more.set()

    async def run(self) -> None:
        """Decode until closed; the last words come before it returns."""
        while not self._discard:
            await self._more.wait()
            if self._discard or (self._closed and not self._buffer):
                break
            piece = bytes(self._buffer[:LARGEST_PIECE])
            heard = await self._decoder.run(partial(self._stream.accept, piece), len(piece) / BYTES_PER_SECOND)
            del self._buffer[: len(piece)]
            self.seconds += len(piece) / BYTES_PER_SECOND
            self._heard(heard)
            if len(self._buffer) < PIECE and not self._closed:
                self._more.clear()
        if not self._discard:
            self._heard(await self._decoder.run(self._stream.finish, 0.0))


def step_back() -> None:
    """On Linux a thread has a priority of its own: the line, the database and the desk come first."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
