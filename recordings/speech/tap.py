"""One live tap: a voice's audio comes in by AudioSocket, its words go out to the writer."""

import asyncio
from collections.abc import Callable

from core import clock
from core.db import new_id
from recordings.speech.decoder import Decoder
from recordings.speech.engine import BYTES_PER_SECOND, Heard
from recordings.speech.rules import Voice
from recordings.speech.voice import VoiceDecoder
from recordings.speech.words import Said, WordWriter

MAX_BUFFER_S = 30.0


class Tap:
    """The listener of one AudioSocket connection. `done` is set when its last words are with the writer."""

    def __init__(self, voice: Voice, decoder: Decoder, writer: WordWriter, *, over: Callable[[], None]) -> None:
        self.voice = voice
        self.id = new_id()
        self.asked_at = asyncio.get_running_loop().time()
        self.connected = False
        self.late = False
        self._writer = writer
        self._decoder = VoiceDecoder(decoder, self._heard)
        self._coverage_id = new_id()
        self._start_s = 0.0
        self._hang_up: Callable[[], None] = lambda: None
        self._first = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="tap")
        self._task.add_done_callback(lambda task: over())

    @property
    def lag_s(self) -> float:
        """How far behind its words are."""
        return self._decoder.lag_s

    @property
    def done(self) -> bool:
        """Whether its last words are with the writer."""
        return self._task.done()

    def opened(self, hang_up: Callable[[], None]) -> None:
        """See `Listener.opened`."""
        self.connected, self._hang_up = True, hang_up

    def audio(self, samples: bytes) -> None:
        """See `Listener.audio`. The first sample sets the place on the call's timeline."""
        if not self._first.is_set():
            gone = (clock.now() - self.voice.connected_at).total_seconds() - len(samples) / BYTES_PER_SECOND
            self._start_s = max(0.0, gone)
            self._first.set()
        if self.lag_s < MAX_BUFFER_S:
            self._decoder.feed(samples)
        elif not self.late:
            self.give_up()

    def closed(self) -> None:
        """See `Listener.closed`."""
        self._decoder.close()
        self._first.set()

    def give_up(self) -> None:
        """Leave the rest to the recording: end the tap, drop what waits."""
        self.late = True
        self._decoder.close(discard=True)
        self._first.set()
        self._hang_up()

    async def wait(self) -> None:
        """Until its last words are with the writer."""
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        await self._first.wait()
        if not self.connected:
            return
        await self._decoder.wait()
        self._writer.partial(self.voice.call_id, self.voice.side, "")

    def _heard(self, heard: Heard, seconds: float) -> None:
        call_id, side = self.voice.call_id, self.voice.side
        if heard.ended:
            self._writer.said(
                Said(call_id, side, self._coverage_id, self._start_s, self._start_s + seconds, heard.utterance)
            )
        else:
            self._writer.partial(call_id, side, heard.partial)
