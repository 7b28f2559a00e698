"""The AudioSocket server against well-behaved and hostile peers, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest

from recordings.speech import audiosocket
from recordings.speech.audiosocket import AudioSocketServer


class Heard:
    """Collects what a tap brings."""

    def __init__(self) -> None:
        self.data = b""
        self.open = asyncio.Event()
        self.over = asyncio.Event()
        self.hang_up: Callable[[], None] = lambda: None

    def opened(self, hang_up: Callable[[], None]) -> None:
        self.hang_up = hang_up
        self.open.set()

    def audio(self, samples: bytes) -> None:
        self.data += samples

    def closed(self) -> None:
        self.over.set()


def frame(kind: int, payload: bytes) -> bytes:
    return bytes([kind]) + len(payload).to_bytes(2, "big") + payload


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AudioSocketServer]:
    monkeypatch.setattr(audiosocket, "INTRODUCTION_S", 0.3)
    made = AudioSocketServer("127.0.0.1", 0)
    await made.start()
    yield made
    await made.stop()


async def test_audio_arrives_whole_and_the_peer_is_kept_alive(server: AudioSocketServer) -> None:
    tap, heard = uuid4(), Heard()
    server.expect(tap, heard)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    stream = frame(1, tap.bytes) + b"".join(frame(0x10, bytes([n, 0]) * 160) for n in range(50))
    async with asyncio.timeout(5):
        for start in range(0, len(stream), 7):
            writer.write(stream[start : start + 7])
        kept = await reader.readexactly(323)
        writer.write(frame(0, b""))  # not before: who hangs up in the same breath needs no keeping alive
        await heard.over.wait()
    assert heard.data == b"".join(bytes([n, 0]) * 160 for n in range(50))
    assert kept == audiosocket.SILENCE
    writer.close()


HOSTILE = {
    "says nothing": b"",
    "half a header": b"\x01\x00",
    "unknown identity": frame(1, UUID(int=1).bytes),
    "short identity": frame(1, b"abc"),
    "audio first": frame(0x10, bytes(320)),
    "unknown kind": frame(0x77, b"x"),
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a megabyte": b"\xff" * 1_000_000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_peer_is_cut_off_and_costs_nobody_anything(server: AudioSocketServer, data: bytes) -> None:
    tap, heard = uuid4(), Heard()
    server.expect(tap, heard)
    _, good = await asyncio.open_connection("127.0.0.1", server.port)
    good.write(frame(1, tap.bytes) + frame(0x10, bytes(320)))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    async with asyncio.timeout(5):
        try:
            answer = await reader.read(1000)
        except ConnectionError:
            answer = audiosocket.BYE
        assert answer == audiosocket.BYE
        good.write(frame(0x10, bytes(320)) + frame(0, b""))
        await heard.over.wait()
    assert len(heard.data) == 640
    writer.close()
    good.close()


@pytest.mark.parametrize("bad", [frame(0x10, b"odd"), frame(0x10, bytes(8000)), frame(0x55, b"")])
async def test_bad_frames_end_that_tap_and_tell_its_listener(server: AudioSocketServer, bad: bytes) -> None:
    tap, heard = uuid4(), Heard()
    server.expect(tap, heard)
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(frame(1, tap.bytes) + frame(0x10, bytes(320)) + bad)
    async with asyncio.timeout(5):
        await heard.over.wait()
    assert heard.data == bytes(320)
    writer.close()


async def test_an_identity_serves_once(server: AudioSocketServer) -> None:
    tap, heard = uuid4(), Heard()
    server.expect(tap, heard)
    _, first = await asyncio.open_connection("127.0.0.1", server.port)
    first.write(frame(1, tap.bytes))
    async with asyncio.timeout(5):
        await heard.open.wait()
        reader, second = await asyncio.open_connection("127.0.0.1", server.port)
        second.write(frame(1, tap.bytes))
        assert await reader.read(10) == audiosocket.BYE
    first.close()
    second.close()


async def test_connect_and_close_a_thousand_times(server: AudioSocketServer) -> None:
    for _ in range(1000):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.close()
    async with asyncio.timeout(10):
        while server.connections:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
    await test_an_identity_serves_once(server)
