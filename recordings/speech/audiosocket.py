"""The AudioSocket server: Asterisk sends one side of a call per connection, twenty milliseconds at a time.

Frame: kind (1 byte), length (2 bytes, big endian), payload; res_audiosocket of Asterisk 22. Fifty frames a second
and voice: a protocol class takes them as they arrive, without waking a task for each.
"""

import asyncio
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Protocol, cast
from uuid import UUID

from core.log import get

log = get(__name__)
INTRODUCTION_S = 2.0
"""A peer has this long to say which tap it is."""
SILENCE_S = 10.0
"""Asterisk sends audio all the time; a peer that sends nothing for this long is gone."""
KEEP_ALIVE_S = 1.0
"""Asterisk gives up after two seconds without a frame from us."""
MAX_CONNECTIONS = 512
MAX_AUDIO = 6400
"""Bytes of one audio frame: 400 ms; Asterisk sends 20 ms."""


class Kind(IntEnum):
    """Frame kinds."""

    HANGUP = 0x00
    IDENTITY = 0x01
    DTMF = 0x03
    AUDIO = 0x10
    ERROR = 0xFF


HEAD = 3
_LONGEST = {Kind.HANGUP: 16, Kind.IDENTITY: 16, Kind.DTMF: 1, Kind.AUDIO: MAX_AUDIO, Kind.ERROR: 16}
_KINDS = {int(kind): kind for kind in Kind}
SILENCE = bytes([Kind.AUDIO, 1, 0x40]) + bytes(320)
BYE = bytes([Kind.HANGUP, 0, 0])


class BadFrame(ValueError):
    """The peer does not speak AudioSocket."""


class Listener(Protocol):
    """Who gets the audio of one tap."""

    def opened(self, hang_up: Callable[[], None]) -> None:
        """The tap is there; `hang_up` ends it."""

    def audio(self, samples: bytes) -> None:
        """More samples."""

    def closed(self) -> None:
        """No more will come."""


def take_frames(arrived: bytearray) -> Iterator[tuple[Kind, bytes]]:
    """The whole frames at the front of `arrived`, which keeps the rest. Raises `BadFrame`."""
    start, size = 0, len(arrived)
    try:
        while size - start >= HEAD:
            kind, end = _announced(arrived, start)
            if size < end:
                return
            yield kind, bytes(arrived[start + HEAD : end])
            start = end
    finally:
        del arrived[:start]


def _announced(arrived: bytearray, start: int) -> tuple[Kind, int]:
    """Kind and end of the frame that begins at `start`."""
    kind, length = _KINDS.get(arrived[start]), arrived[start + 1] << 8 | arrived[start + 2]
    if kind is None:
        raise BadFrame(f"frame kind {arrived[start]:#x}")
    if length > _LONGEST[kind] or (kind is Kind.IDENTITY and length != 16) or (kind is Kind.AUDIO and length % 2):
        raise BadFrame(f"{kind.name} frame of {length} bytes")
    return kind, start + HEAD + length


class AudioSocketServer:
    """Accepts the taps that were announced with `expect`, and nobody else."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._expected: dict[UUID, Listener] = {}
        self._peers: set[Peer] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that it listens on (0 in the settings chooses one)."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else self._port

    @property
    def connections(self) -> int:
        """Peers that are connected now."""
        return len(self._peers)

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Peer(self._peers, self._claim), self._host, self._port)

    async def stop(self) -> None:
        """Hang up all taps."""
        if self._server:
            self._server.close()
        for peer in list(self._peers):
            peer.end()
        self._server = None

    def expect(self, tap: UUID, listener: Listener) -> None:
        """The next connection that says it is `tap` belongs to `listener`."""
        self._expected[tap] = listener

    def forget(self, tap: UUID) -> None:
        """Nobody waits for `tap` any more."""
        self._expected.pop(tap, None)

    def _claim(self, identity: bytes) -> Listener:
        listener = self._expected.pop(UUID(bytes=identity), None)
        if listener is None:
            raise BadFrame("nobody waits for this identity")
        return listener


class Peer(asyncio.Protocol):
    """One connection: first its identity, then audio until one side ends it."""

    _transport: asyncio.Transport

    def __init__(self, peers: set["Peer"], claim: Callable[[bytes], Listener]) -> None:
        self._loop = asyncio.get_running_loop()
        self._peers = peers
        self._claim = claim
        self._listener: Listener | None = None
        self._arrived = bytearray()
        self._ended = False
        self._heard_at = self._alive_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)
        self._watch = self._loop.call_later(INTRODUCTION_S, self._introduction_over)
        self._peers.add(self)
        if len(self._peers) > MAX_CONNECTIONS:
            self._refuse("too many connections")

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._ended:
            return
        self._heard_at = self._loop.time()
        self._arrived += data
        audio: list[bytes] = []
        try:
            for kind, payload in take_frames(self._arrived):
                if kind is Kind.AUDIO and self._listener:
                    audio.append(payload)
                elif self._listener is None:
                    self._introduce(kind, payload)
                elif kind in {Kind.HANGUP, Kind.ERROR}:
                    self._deliver(audio)
                    self.end()
                    return
        except BadFrame as error:
            self._deliver(audio)
            self._refuse(str(error))
            return
        self._deliver(audio)
        if self._listener and self._heard_at - self._alive_at >= KEEP_ALIVE_S:
            self._transport.write(SILENCE)
            self._alive_at = self._heard_at

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.end()

    def end(self) -> None:
        """No more from this peer; its listener learns of it once."""
        if self._ended:
            return
        self._ended = True
        self._watch.cancel()
        self._peers.discard(self)
        if not self._transport.is_closing():
            self._transport.write(BYE)
            self._transport.close()
        if self._listener:
            self._listener.closed()

    def _introduce(self, kind: Kind, payload: bytes) -> None:
        if kind is not Kind.IDENTITY:
            raise BadFrame("no identity first")
        self._listener = self._claim(payload)
        self._listener.opened(self.end)

    def _deliver(self, audio: list[bytes]) -> None:
        if audio and self._listener:
            self._listener.audio(b"".join(audio))

    def _introduction_over(self) -> None:
        if self._listener is None:
            self._refuse("silent")
        else:
            self._watch = self._loop.call_later(SILENCE_S, self._listen_on)

    def _listen_on(self) -> None:
        rest = self._heard_at + SILENCE_S - self._loop.time()
        if rest <= 0:
            self._refuse("silent")
        else:
            self._watch = self._loop.call_later(rest, self._listen_on)

    def _refuse(self, reason: str) -> None:
        log.warning("audiosocket.refused", reason=reason)
        self.end()
