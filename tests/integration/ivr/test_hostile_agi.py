"""Peers of the FastAGI server that misbehave: each gets its clear outcome, and no other call notices."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from prometheus_client import REGISTRY

from callflow.variables import Variable
from ivr.agi import server as agi_server
from ivr.agi import session as agi_session
from ivr.agi.server import AgiServer
from ivr.agi.session import Decision, Session

HEADER = b"agi_network: yes\nagi_request: agi://127.0.0.1:4573/talk\nagi_uniqueid: node1-1.1\n\n"
OK = b"200 result=1\n"
WAIT_S = 10.0


async def talk(session: Session) -> None:
    """Asks one thing and sets another."""
    value = await session.get("GREETING")
    await session.set(Variable.QUEUE, value or "hotline")


async def crash(session: Session) -> None:
    raise RuntimeError("a defect in a flow")


async def inject(session: Session) -> None:
    await session.set(Variable.QUEUE, "general\nSET VARIABLE X 1")


async def decide(session: Session) -> Decision:
    """Decides what the peer says."""
    return {Variable.QUEUE: await session.get("GREETING")}


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AgiServer]:
    """A server that loses patience quickly."""
    monkeypatch.setattr(agi_server, "HEADER_S", 1.0)
    monkeypatch.setattr(agi_session, "QUICK_S", 1.5)
    one = AgiServer("127.0.0.1", 0, {"talk": talk, "crash": crash, "inject": inject, "decide": decide}, connections=200)
    await one.start()
    yield one
    await one.stop()


@dataclass(frozen=True)
class Case:
    """What the peer sends at once, what it answers to each command (None: nothing), and how the flow ends."""

    name: str
    header: bytes
    answers: tuple[bytes | None, ...] = ()
    outcome: str | None = None
    """Label of the flow's counter; None: no flow began."""
    closes: bool = False
    """The peer closes after the last thing it says."""


def header(*lines: bytes) -> bytes:
    return b"".join(line + b"\n" for line in lines) + b"\n"


def asks(path: bytes) -> bytes:
    return header(b"agi_request: agi://h/" + path)


CASES = [
    # the header
    Case("says nothing", b""),
    Case("closes at once", b"", closes=True),
    Case("half a header", b"agi_network: yes\nagi_requ"),
    Case("half a header, then closes", b"agi_network: yes\nagi_requ", closes=True),
    Case("a header without its blank line", b"agi_request: agi://h/talk\n"),
    Case("only a blank line", b"\n"),
    Case("an HTTP request", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
    Case("a TLS hello", bytes.fromhex("16030100c8010000c40303") + b"\n\n"),
    Case("a megabyte without a line's end", b"a" * 1_000_000),
    Case("a megabyte in one header value", b"agi_x: " + b"a" * 1_000_000 + b"\n\n"),
    Case("a thousand header lines", b"agi_x: 1\n" * 1000 + b"\n"),
    Case("many long header lines", (b"agi_x: " + b"a" * 4000 + b"\n") * 20 + b"\n"),
    Case("nothing but zeros", b"\0" * 5000 + b"\n\n"),
    Case("bad UTF-8 instead of a header", b"\xff\xfe\xfd\n\n"),
    Case("no request", header(b"agi_network: yes")),
    Case("an empty request", header(b"agi_request:")),
    Case("a request with another scheme", header(b"agi_request: http://h/talk")),
    Case("a request that is a bare word", header(b"agi_request: talk.py")),
    Case("an unknown flow", asks(b"nobody")),
    Case("no flow", asks(b"")),
    Case("a path that climbs", asks(b"../../etc/passwd")),
    Case("a flow with a capital", asks(b"Talk")),
    Case("a flow of a thousand letters", asks(b"t" * 1000)),
    Case("a line without a colon", header(b"agi_request: agi://h/talk", b"hello")),
    Case("a line that is not AGI's", header(b"agi_request: agi://h/talk", b"x: y")),
    # headers that are odd and fine
    Case("CRLF", HEADER.replace(b"\n", b"\r\n"), (OK, OK, OK), "done"),
    Case("bad UTF-8 in the caller's name", b"agi_calleridname: \xd5\xc5\xff\n" + HEADER, (OK, OK, OK), "done"),
    Case("a query", asks(b"talk?x=1&y=%0aHANGUP"), (OK, OK, OK), "done"),
    Case("the request twice: the first counts", b"agi_request: agi://h/crash\n" + HEADER, (), "failed"),
    # replies
    Case("mute after the header", HEADER, (None,), "failed"),
    Case("closes after the header", HEADER, (), "hung-up", closes=True),
    Case("closes in mid-command", HEADER, (b"",), "hung-up", closes=True),
    Case("closes after half a reply", HEADER, (b"200 resu",), "hung-up", closes=True),
    Case("half a reply, then silence", HEADER, (b"200 resu",), "failed"),
    Case("HANGUP instead of a reply, then silence", HEADER, (b"HANGUP\n",), "failed"),
    Case("HANGUP, then the reply", HEADER, (b"HANGUP\n200 result=1 (x)\n",), "hung-up"),
    Case("the reply, then HANGUP", HEADER, (b"200 result=1 (x)\nHANGUP\n",), "hung-up"),
    Case("a dead channel", HEADER, (b"511 Command Not Permitted on a dead channel\n",), "hung-up"),
    Case("an unknown command", HEADER, (b"510 Invalid or unknown command\n",), "failed"),
    Case("usage of many lines", HEADER, (b"520-Invalid command syntax.\nUsage: X\n520 End\n",), "failed"),
    Case("usage without end", HEADER, (b"520-Invalid command syntax.\nUsage: X\n",), "failed"),
    Case("usage of a megabyte", HEADER, (b"520-Usage\n" + b"a" * 1_000_000,), "failed"),
    Case("a reply of a megabyte", HEADER, (b"200 result=1 (" + b"a" * 1_000_000 + b")\n",), "failed"),
    Case("a reply without end", HEADER, (b"2" * 1_000_000,), "failed"),
    Case("not a reply", HEADER, (b"hello\n",), "failed"),
    Case("an empty line", HEADER, (b"\n",), "failed"),
    Case("bytes", HEADER, (b"\x00\xff\xfe\n",), "failed"),
    Case("a value over two lines", HEADER, (b"200 result=1 (a\nb)\n",), "failed"),
    Case("two replies to one command", HEADER, (OK + OK,), "failed"),
    Case("a reply before any command", HEADER + OK, (OK,), "failed"),
    Case("a value that is hangup", HEADER, (b"200 result=1 (hangup)\n", OK, OK), "done"),
    Case("a value that is HANGUP", HEADER, (b"200 result=1 (HANGUP)\n", OK, OK), "done"),
    Case("a value with quotes and backslashes", HEADER, (b'200 result=1 (a"\\"b)\n', OK, OK), "done"),
    Case("a value in bad UTF-8", HEADER, (b"200 result=1 (\xd5\xc5)\n", OK, OK), "done"),
    Case("a value with a control character", HEADER, (b"200 result=1 (a\x00b)\n",), "failed"),
    Case("a value too long to send on", HEADER, (b"200 result=1 (" + b"a" * 5000 + b")\n",), "failed"),
    Case("100 Trying first", HEADER, (b"100 Trying...\n200 result=1 (x)\n", OK, OK), "done"),
    Case("a reply byte by byte", HEADER, (b"200 result=1 (x)\r\n", OK, OK), "done"),
    # flows
    Case("a flow that raises", asks(b"crash"), (), "failed"),
    Case("a flow that would inject a command", asks(b"inject"), (), "failed"),
    Case("a decision", asks(b"decide"), (b"200 result=1 (a-b)\n", OK), "done"),
    Case("no decision", asks(b"decide"), (b"200 result=0\n", OK), "done"),
    Case("a decision with a comma", asks(b"decide"), (b"200 result=1 (a,HOTLINE_DONE=x)\n",), "failed"),
    Case("a decision with a quote", asks(b"decide"), (b'200 result=1 (a")\n',), "failed"),
    Case("a decision with a bracket", asks(b"decide"), (b"200 result=1 (a(b)\n",), "failed"),
    Case("a decision with a backslash", asks(b"decide"), (b"200 result=1 (a\\)\n",), "failed"),
    Case("a decision that is dialplan", asks(b"decide"), (b"200 result=1 (${SHELL}id)\n",), "failed"),
    Case("a decision in bad UTF-8", asks(b"decide"), (b"200 result=1 (\xd5\xc5)\n",), "failed"),
    Case("a decision too long to send on", asks(b"decide"), (b"200 result=1 (" + b"a" * 5000 + b")\n",), "failed"),
    Case("mute after a decision", asks(b"decide"), (b"200 result=1 (a)\n", None), "failed"),
]


def ended(outcome: str) -> float:
    flows = ("talk", "crash", "inject", "decide")
    return sum(
        REGISTRY.get_sample_value("hotline_agi_flows_total", {"flow": flow, "outcome": outcome}) or 0 for flow in flows
    )


async def misbehave(port: int, case: Case) -> bytes:
    """Play the case until the server closes; everything that the server sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = b""
    with contextlib.suppress(ConnectionError):  # the server had enough of this peer
        writer.write(case.header)
        await writer.drain()
        for answer in case.answers:
            said += await reader.readline()
            for piece in [answer[i : i + 1] for i in range(len(answer))] if answer and len(answer) < 100 else [answer]:
                if piece:
                    writer.write(piece)
            await writer.drain()
        if case.closes:
            writer.close()
        said += await reader.read()
    writer.close()
    return said


async def good_call(port: int) -> bytes:
    """A whole, well-behaved conversation."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEADER)
    said = b""
    for reply in (b"200 result=1 (market)\n", OK, OK):
        async with asyncio.timeout(WAIT_S):
            said += await reader.readline()
        writer.write(reply)
    async with asyncio.timeout(WAIT_S):
        assert await reader.read() == b""
    writer.close()
    return said


GOOD = b'GET VARIABLE GREETING\nSET VARIABLE HOTLINE_QUEUE market\nEXEC MSet "HOTLINE_DONE=talk"\n'


def test_there_are_at_least_forty() -> None:
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_each_gets_its_outcome_and_no_other_call_notices(server: AgiServer, case: Case) -> None:
    before = {outcome: ended(outcome) for outcome in ("done", "failed", "hung-up")}
    peer = asyncio.create_task(misbehave(server.port, case))
    assert await good_call(server.port) == GOOD
    async with asyncio.timeout(WAIT_S):
        said = await peer
    await settled(server)
    assert await good_call(server.port) == GOOD

    expected = {"done": 2} | ({} if case.outcome is None else {case.outcome: 1 + 2 * (case.outcome == "done")})
    assert {o: ended(o) - before[o] for o in before if ended(o) != before[o]} == expected
    assert b"HANGUP" not in [line for line in said.splitlines() if not line.startswith(b"SET")]
    sentinels = case.outcome == "done" or case.name == "mute after a decision"
    assert said.count(b"HOTLINE_DONE") == sentinels
    if case.outcome is None:
        assert said == b""


async def settled(server: AgiServer) -> None:
    """Until nothing of a past peer is left."""
    async with asyncio.timeout(WAIT_S):
        while server._open or server._tasks:  # noqa: ASYNC110  two sets of the server's own
            await asyncio.sleep(0.005)


async def test_a_thousand_peers_connect_and_close_during_calls(server: AgiServer) -> None:
    async def knock() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.close()
        await writer.wait_closed()

    async def knocks() -> None:
        for _ in range(20):
            await asyncio.gather(*(knock() for _ in range(50)), return_exceptions=True)

    knocking = asyncio.create_task(knocks())
    calls = 0
    while not knocking.done():
        assert await good_call(server.port) == GOOD
        calls += 1
    await knocking
    await settled(server)
    assert calls > 0
    assert await good_call(server.port) == GOOD


async def test_more_connections_than_allowed_are_closed_and_their_places_come_back(
    server: AgiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agi_server, "HEADER_S", WAIT_S)
    crowd = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(server._most)]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(HEADER)
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(WAIT_S):
            answer = await reader.read()
    assert answer == b""
    for _, one in [*crowd, (reader, writer)]:
        one.close()
    await settled(server)
    assert await good_call(server.port) == GOOD


async def test_stopping_lets_a_flow_finish(server: AgiServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(HEADER)
    await reader.readline()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    writer.write(b"200 result=1 (x)\n")
    await reader.readline()
    writer.write(OK)
    async with asyncio.timeout(WAIT_S):
        assert b"HOTLINE_DONE=talk" in await reader.readline()
    writer.write(OK)
    async with asyncio.timeout(WAIT_S):
        await stopping
    with pytest.raises(OSError, match=r".*"):
        await asyncio.open_connection("127.0.0.1", server.port)
