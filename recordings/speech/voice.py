"""One voice: buffers what arrives, decodes it in order, tells the event loop what is new."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial

from recordings.speech.decoder import Decoder
from recordings.speech.engine import BYTES_PER_SECOND, PIECE, Heard, pieces

News = Callable[[Heard, float], None]
"""What was heard, and how many seconds of the voice are decoded by now."""


class VoiceDecoder:
    """Fed from the event loop, decoded by the decoder's threads, one step at a time.

    A thread goes on by itself while there is enough to decode and comes back to the event loop only with news:
    changed words or the end of an utterance.
    """

    def __init__(self, decoder: Decoder, news: News) -> None:
        self._loop = asyncio.get_running_loop()
        self._decoder = decoder
        self._stream = decoder.engine.stream()
        self._news = news
        self._lock = threading.Lock()
        self._buffer = bytearray()
        self._working = self._closed = self._discard = self._ended = False
        self._decoded = 0
        self._partial = ""
        self._over: asyncio.Future[None] = self._loop.create_future()

    @property
    def lag_s(self) -> float:
        """How much audio waits to be decoded."""
        return len(self._buffer) / BYTES_PER_SECOND

    def feed(self, audio: bytes) -> None:
        """More samples; never waits."""
        with self._lock:
            if self._closed:
                return
            self._buffer += audio
            begins = len(self._buffer) >= PIECE and self._begin()
        if begins:
            self._decoder.submit(self._work)

    def close(self, *, discard: bool = False) -> None:
        """No more samples; with `discard` what waits is not decoded."""
        with self._lock:
            self._closed, self._discard = True, self._discard or discard
            begins = not self._ended and self._begin()
        if begins:
            self._decoder.submit(self._work)

    async def wait(self) -> None:
        """Until it is closed and its last words were told. Raises what the engine raised."""
        await asyncio.shield(self._over)

    def _begin(self) -> bool:
        begins, self._working = not self._working, True
        return begins

    def _work(self) -> None:
        """In a thread: one step, then back into the queue behind the other voices."""
        try:
            again = self._step()
        except Exception as error:  # noqa: BLE001 - told to who waits
            self._end()
            self._tell(self._failed, error)
            return
        if again:
            self._decoder.submit(self._work)

    def _step(self) -> bool:
        """-> whether there is more to do now."""
        with self._lock:
            audio = b"" if self._discard else bytes(self._buffer[: self._decoder.largest])
            last = self._discard or (self._closed and not audio)
        if last:
            if not self._discard:
                self._heard(self._stream.finish())
            self._end()
            self._tell(self._finished)
            return False
        self._decoder.timed(partial(self._decode, audio), len(audio) / BYTES_PER_SECOND)
        with self._lock:
            del self._buffer[: len(audio)]
            self._working = again = self._closed or len(self._buffer) >= PIECE
        return again

    def _end(self) -> None:
        """Nothing is decoded any more: what waits is let go, and what still comes is not kept."""
        with self._lock:
            self._closed = self._ended = True
            self._working = False
            self._buffer.clear()

    def _decode(self, audio: bytes) -> None:
        end = self._decoded + len(audio)
        for piece in pieces(audio):
            self._decoded += len(piece)
            latest = self._decoded == end
            heard = self._stream.accept(piece, partial=latest)
            if latest or heard.ended:
                self._heard(heard)

    def _heard(self, heard: Heard) -> None:
        if heard.ended or heard.partial != self._partial:
            self._partial = "" if heard.ended else heard.partial
            self._tell(self._news, heard, self._decoded / BYTES_PER_SECOND)

    def _tell(self, what: Callable[..., None], *args: object) -> None:
        self._loop.call_soon_threadsafe(what, *args)

    def _finished(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    def _failed(self, error: Exception) -> None:
        if not self._over.done():
            self._over.set_exception(error)
