"""The manager client against a peer that does everything wrong that a peer can do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from callflow.ami import AmiClient, Message, State
from callflow.ami.wire import MAX_LINE, MAX_LINES, Reader, encode
from core.errors import Invalid, Unavailable

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
GENEROUS_S = 10.0


class Peer:
    """A real TCP server that speaks, or misspeaks, as a manager. `told` keeps every action that reached it."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.sessions = 0
        self.password = "right"
        self.banner = BANNER
        self.mute = False
        self.after_login: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None
        self.answer: Callable[[Message], bytes | None] = lambda action: b"Response: Success\r\n"
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    async def send(self, data: bytes) -> None:
        self.writers[-1].write(data)
        await self.writers[-1].drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            writer.write(self.banner)
            while True:
                block = await reader.readuntil(b"\r\n\r\n")
                action = dict(line.split(": ", 1) for line in block.decode().strip().split("\r\n"))
                self.told.append(action)
                if self.mute:
                    continue
                identity = f"ActionID: {action['ActionID']}\r\n\r\n".encode()
                if action["Action"] == "Login":
                    good = action["Secret"] == self.password
                    writer.write((b"Response: Success\r\n" if good else b"Response: Error\r\n") + identity)
                    if not good:
                        writer.close()
                        return
                    if self.after_login:
                        await self.after_login(writer)
                elif (reply := self.answer(action)) is not None:
                    writer.write(reply + identity)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    made = Peer()
    await made.start()
    yield made
    await made.stop()


class Desk:
    """A running client and what it heard."""

    def __init__(self, peer: Peer, **options: object) -> None:
        self.heard: list[Message] = []
        self.opened = 0
        self.password = "right"
        self.client = AmiClient(
            "127.0.0.1", peer.port, "line", lambda: self.password, on_event=self.hear, on_login=self.open, **options
        )

    def hear(self, event: Message) -> None:
        self.heard.append(event)
        if event["Event"] == "Bomb":
            raise RuntimeError("a handler's own fault")

    async def open(self) -> None:
        self.opened += 1

    def names(self) -> list[str]:
        return [event["Event"] for event in self.heard]


@contextlib.asynccontextmanager
async def running(desk: Desk, *, up: bool = True) -> AsyncIterator[Desk]:
    task = asyncio.create_task(desk.client.run())
    try:
        if up:
            await until(lambda: desk.client.state is State.UP)
        yield desk
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(GENEROUS_S):
        while not condition():  # noqa: ASYNC110 - the condition is the other side of a socket
            await asyncio.sleep(0.01)


def event(name: str, **headers: str) -> bytes:
    lines = [f"Event: {name}", *(f"{key}: {value}" for key, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


HOSTILE: dict[str, bytes] = {
    "an empty message": b"\r\n\r\n\r\n",
    "a line without a colon": b"nonsense\r\n\r\n",
    "only a colon": b":\r\n\r\n",
    "bad UTF-8": b"Event: Odd\r\nName: \xff\xfe\xc3\x28\r\n\r\n",
    "NUL in a value": b"Event: Odd\r\nName: a\0b\r\n\r\n",
    "bare line feeds": b"Event: Odd\nName: x\n\n",
    "a repeated key": b"Event: Odd\r\nName: a\r\nName: b\r\n\r\n",
    "a line beyond measure": b"Event: Odd\r\nName: " + b"x" * (3 * MAX_LINE) + b"\r\n\r\n",
    "a megabyte without an end": b"y" * 1_000_000 + b"\r\n\r\n",
    "too many lines": b"Event: Odd\r\n" + b"k: v\r\n" * (MAX_LINES + 9) + b"\r\n",
    "an answer to nobody": b"Response: Success\r\nActionID: stranger\r\n\r\n",
    "an answer without an id": b"Response: Error\r\nMessage: x\r\n\r\n",
    "an event for a foreign action": b"Event: Odd\r\nActionID: stranger\r\nEventList: Complete\r\n\r\n",
    "an event whose handler fails": b"Event: Bomb\r\n\r\n",
    "an event without a name": b"Event: \r\n\r\n",
    "a second banner": BANNER + b"\r\n",
    "spaces around everything": b"  Event :  Odd  \r\n\r\n",
}


@pytest.mark.parametrize("bytes_", HOSTILE.values(), ids=HOSTILE)
async def test_what_no_message_should_be_costs_the_next_one_nothing(peer: Peer, bytes_: bytes) -> None:
    async with running(Desk(peer)) as desk:
        await peer.send(bytes_ + event("After", Name="张伟"))
        await until(lambda: "After" in desk.names())
        assert desk.heard[-1]["Name"] == "张伟"
        assert (await desk.client.action("Ping"))["Response"] == "Success"
        assert peer.sessions == 1
        assert not any("\0" in value for heard in desk.heard for value in heard.values())


async def test_a_character_split_over_two_reads_stays_whole(peer: Peer) -> None:
    async with running(Desk(peer)) as desk:
        data = event("Split", Name="张伟")
        middle = data.index("伟".encode()) + 1
        await peer.send(data[:middle])
        peer.writers[-1].get_extra_info("socket").setsockopt(6, 1, 1)  # TCP_NODELAY: two segments, two reads
        await peer.send(data[middle:])
        await until(lambda: desk.names() == ["Split"])
        assert desk.heard[0]["Name"] == "张伟"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_any_cutting_of_the_bytes_gives_the_same_messages(size: int) -> None:
    stream = BANNER + event("A", Name="张伟") + b"Response: Success\r\n\r\n" + event("B", Name="欧阳")
    reader = Reader()
    cut = [stream[n : n + size] for n in range(0, len(stream), size)]
    messages = [message for piece in cut for message in reader.feed(piece)]
    assert messages == [{"Event": "A", "Name": "张伟"}, {"Response": "Success"}, {"Event": "B", "Name": "欧阳"}]


@pytest.mark.parametrize("bad", ["x\r\nAction: Originate", "x\n", "x\r", "x\0y"])
async def test_a_value_never_injects_an_action(peer: Peer, bad: str) -> None:
    async with running(Desk(peer)) as desk:
        for headers in ({"Interface": bad}, {bad: "x"}):
            with pytest.raises(Invalid, match="bad-ami-value"):
                await desk.client.action("QueuePause", **headers)
        await desk.client.action("Ping")
        assert [action["Action"] for action in peer.told] == ["Login", "Ping"]


def test_a_synchronous_originate_is_refused() -> None:
    with pytest.raises(Invalid, match="originate-not-async"):
        encode("Originate", "1", {"Channel": "PJSIP/1001"})
    assert b"Async: true" in encode("Originate", "1", {"Channel": "PJSIP/1001", "Async": "true"})


async def test_an_action_is_never_sent_twice_across_a_reconnect(peer: Peer) -> None:
    peer.answer = lambda action: None if action["Action"] == "Originate" else b"Response: Success\r\n"
    async with running(Desk(peer)) as desk:
        asked = asyncio.create_task(desk.client.action("Originate", Channel="PJSIP/1@trunk", Async="true"))
        await until(lambda: any(a["Action"] == "Originate" for a in peer.told))
        peer.cut()
        with pytest.raises(Unavailable, match="ami-lost"):
            await asked
        await until(lambda: desk.opened == 2)
        await desk.client.action("Ping")
        assert [a["Action"] for a in peer.told] == ["Login", "Originate", "Login", "Ping"]


async def test_each_session_begins_with_closing_the_gap(peer: Peer) -> None:
    async with running(Desk(peer)) as desk:
        for times in (2, 3):
            peer.cut()
            await until(lambda times=times: desk.opened == times)


async def test_a_peer_that_falls_silent_is_left(peer: Peer) -> None:
    async with running(Desk(peer, idle_s=0.1)) as desk:
        await until(lambda: any(a["Action"] == "Ping" for a in peer.told))
        peer.mute = True
        await until(lambda: desk.client.state is State.DOWN)
        peer.mute = False
        await until(lambda: desk.opened == 2)


async def test_a_wrong_password_is_not_tried_for_ever(peer: Peer) -> None:
    desk = Desk(peer)
    desk.password = "wrong"
    async with running(desk, up=False):
        await until(lambda: desk.client.state is State.REFUSED)
        assert peer.sessions == 3
        desk.password = "right"
        desk.client.retry()
        await until(lambda: desk.client.state is State.UP)


async def test_a_stranger_on_the_port_is_left(peer: Peer) -> None:
    peer.banner = b"220 mail.example ESMTP\r\n"
    desk = Desk(peer)
    async with running(desk, up=False):
        await until(lambda: peer.sessions >= 2)
        assert desk.opened == 0
        with pytest.raises(Unavailable, match="ami-down"):
            await desk.client.action("Ping")


async def test_a_peer_that_closes_at_once_is_tried_again(peer: Peer) -> None:
    async def close(writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    peer.after_login = close
    desk = Desk(peer)
    async with running(desk, up=False):
        await until(lambda: peer.sessions >= 3)
        peer.after_login = None
        await until(lambda: desk.client.state is State.UP)


async def test_a_list_is_gathered_to_its_end(peer: Peer) -> None:
    async with running(Desk(peer)) as desk:
        peer.answer = lambda action: None
        asked = asyncio.create_task(desk.client.listing("QueueStatus"))
        await until(lambda: peer.told[-1]["Action"] == "QueueStatus")
        identity = peer.told[-1]["ActionID"]
        head = f"Response: Success\r\nActionID: {identity}\r\nEventList: start\r\n\r\n".encode()
        await peer.send(head + event("Other") + event("QueueMember", ActionID=identity, Queue="hotline"))
        await peer.send(event("QueueStatusComplete", ActionID=identity, EventList="Complete"))
        rows = await asked
        assert [row["Event"] for row in rows] == ["QueueMember", "QueueStatusComplete"]
        assert desk.names() == ["Other"]
