"""INVITEs that nobody well-meaning writes, to the real Asterisk: each gets its clear outcome, and costs no other call
anything. What is served is on record as a readable row; what looks like a number and is none is nobody's."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from ringing import AGENTS, MENU, NUMBERS, Line, energy, rings, until
from sip_peer import SDP, Answer, Invite, call
from sqlalchemy import select

from callflow import current
from callflow.agents import service as agents
from callflow.feed import LineFeed
from callflow.intake import Intake
from callflow.limits import CallerLimits
from callflow.models import Call
from callflow.numbers import service as numbers
from callflow.policy import LinePolicy
from callflow.snapshot import NumberEntry, Snapshot
from core.actor import SYSTEM, Actor
from core.db import Database
from core.identity.models import User
from core.permissions import Role
from core.secrets import Secrets
from crm import installed
from hotline.softphone import On
from ivr.flows.world import QueryRules, SpokenState, World
from ivr.service import server

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("asterisk")]
COUNTY = Path(__file__).parents[2] / "counties" / "yiyang"
MARK = Path("/tmp/hotline-was-here")
E164 = re.compile(r"\+[1-9]\d{6,14}")
SERVED, UNKNOWN, UNAUTHORISED, BAD, SILENT = 200, 404, 401, 400, 0
"""How it ends; SILENT: what cannot be parsed is not answered (RFC 3261, 18.3 leaves it to the server)."""


@dataclass(frozen=True)
class Case:
    """An INVITE, how it ends, and whose call it is on record: what E.164 says, None for nobody's."""

    name: str
    invite: Invite
    ends: int = SERVED
    caller: str | None = None


def executed() -> bool:
    """Whether anything that was sent has been run."""
    return MARK.exists()


def sender(name: str, value: bytes, ends: int = SERVED, caller: str | None = None) -> Case:
    return Case(name, Invite(sender=value), ends, caller)


def uri(name: str, value: bytes, ends: int = UNKNOWN, caller: str | None = None) -> Case:
    return Case(name, Invite(uri=value), ends, caller)


def header(name: str, value: bytes, caller: str | None) -> Case:
    return Case(name, Invite(headers=(value,), sender=b"<sip:13800006001@h>"), SERVED, caller)


def mobile(number: int) -> str:
    return f"+86138{number:08d}"


SHELL = b"${SHELL(touch " + bytes(MARK) + b")}"
SHELL_ESCAPED = b"%24%7BSHELL(touch%20" + bytes(MARK) + b")%7D"
FROM_HEADER = mobile(6001)
CASES = (
    # who calls
    sender("anonymous", b'"Anonymous" <sip:anonymous@anonymous.invalid>'),
    sender("no user part", b"<sip:10.0.0.1>"),
    sender("a tel URI", b"<tel:+8613800006002>", caller=mobile(6002)),
    sender("a URI without brackets", b"sip:13800006003@h", caller=mobile(6003)),
    sender("a function call as a name", b'"' + SHELL + b'" <sip:13800006004@h>', caller=mobile(6004)),
    sender("a function call as a number", b"<sip:" + SHELL_ESCAPED + b"@h>"),
    sender("a function call as a number, unescaped", b"<sip:" + SHELL + b"@h>", SILENT),
    sender("a line end and an event in the number", b"<sip:138%0d%0aEvent:%20Shutdown@h>"),
    sender("a blank line and an action in the number", b"<sip:138%0d%0a%0d%0aAction:%20Logoff@h>"),
    sender("an escaped line end in the name", b'"a%0d%0aLinkedID: b" <sip:13800006005@h>', caller=mobile(6005)),
    sender("a line end in the name", b'"a\r\nX-Evil: b" <sip:13800006006@h>', SILENT),
    sender("a zero byte in the number", b"<sip:138%00123@h>"),
    sender("a zero byte", b"<sip:138\x00123@h>", SILENT),
    sender("a name in broken UTF-8", b'"\xff\xfe\xd5\xc5" <sip:13800006007@h>', caller=mobile(6007)),
    sender("a number in broken UTF-8", b"<sip:%ff%fe%d5@h>"),
    sender("a Chinese name", '"张伟" <sip:13800006008@h>'.encode(), caller=mobile(6008)),
    sender("a name of quotes and backslashes", b'"a\\"b\\\\,;<x>" <sip:13800006009@h>'),
    sender("a quote without its end", b'"abc <sip:13800006010@h>', SILENT),
    sender("a number of 3000 digits", b"<sip:" + b"1" * 3000 + b"@h>"),
    sender("a name of 3000 letters", b'"' + b"x" * 3000 + b'" <sip:13800006011@h>', caller=mobile(6011)),
    sender("SQL", b"<sip:1'%20OR%20'1'='1';DROP%20TABLE%20calls;--@h>"),
    sender("JSON", b'"{\\"a\\": [1]}" <sip:%7B%22a%22:1%7D@h>'),
    sender("a comma and a priority", b"<sip:12345,1,Hangup()@h>"),
    sender("an expression", b"<sip:%22%20=%20%22@h>"),
    sender("an agent's extension without its password", b"<sip:1001@h>", UNAUTHORISED),
    sender("the trunk's own name", b"<sip:trunk@h>"),
    sender("nothing at all", b"", SILENT),
    # who is called
    uri("a word", b"sip:admin@h"),
    uri("the hang-up extension", b"sip:h@h"),
    uri("a rung of the ladder", b"sip:refuse@h"),
    uri("no user part", b"sip:127.0.0.1"),
    uri("a function call", b"sip:12301" + SHELL_ESCAPED + b"@h"),
    uri("a line end and a header", b"sip:12301%0d%0aEvent:%20Shutdown@h"),
    uri("a priority and an application", b"sip:12301,1,System(touch%20" + bytes(MARK) + b")@h"),
    uri("a quote", b"sip:12301%22,%22x@h"),
    uri("2000 digits", b"sip:" + b"1" * 2000 + b"@h"),
    uri("user parameters", b"sip:12301;isub=1;npdi@h", SERVED, mobile(1)),
    uri("a tel URI", b"tel:12301", SERVED, mobile(1)),
    uri("bytes", b"\xff\xfe", SILENT),
    uri("a blank", b"sip:12 301@h", SILENT),
    # what else is said
    header("an asserted function call and line end", b'P-Asserted-Identity: "' + SHELL + b'" <sip:%0d%0a@h>', None),
    header("three asserted identities", b"P-Asserted-Identity: <sip:1@h>, <sip:2@h>, <tel:x>", None),
    header("an asserted identity in bytes", b"P-Asserted-Identity: \xff\xfe<<<>>>", FROM_HEADER),
    header("an asserted number", b"P-Asserted-Identity: <sip:+8613800006012@h>", mobile(6012)),
    header("a hostile diversion", b'Diversion: <sip:%0d%0a%0d%0aHANGUP@h>;reason="' + SHELL + b'"', FROM_HEADER),
    header("a senseless privacy", b"Privacy: id;header;%%%", FROM_HEADER),
    Case("four hundred headers", Invite(headers=tuple(b"X-%d: y" % i for i in range(400))), SERVED, mobile(1)),
    Case("no tag", Invite(tag=b""), SERVED, mobile(1)),
    Case("no contact", Invite(contact=b""), BAD),
    Case("any contact", Invite(contact=b"*"), BAD),
    Case("a negative length", Invite(length=b"-1"), SILENT),
    Case("a length that is no number", Invite(length=b"x"), SILENT),
    Case("a length far beyond the datagram", Invite(length=b"99999999"), SERVED, mobile(1)),
    Case("no session description", Invite(body=b""), SERVED, mobile(1)),
    Case("a session description in bytes", Invite(body=b"v=0\r\n\xff\xfe\r\nm=\r\n"), BAD),
    Case("a port that is none", Invite(body=SDP.replace(b"40000", b"99999999")), BAD),
    Case("30,000 bytes of description", Invite(body=SDP + b"a=" + b"x" * 30_000 + b"\r\n"), SERVED, mobile(1)),
)


@dataclass
class Room:
    """The shared Asterisk with its flows and its reader; what it writes down."""

    line: Line
    db: Database
    intake: Intake

    async def calls(self) -> list[Call]:
        async with self.db.session() as session:
            return list(await session.scalars(select(Call).order_by(Call.arrived_at)))


@pytest.fixture
async def room(line: Line, db: Database, home: Path) -> AsyncIterator[Room]:
    async def state_of(number: str, code: str, caller: str) -> SpokenState | None:
        return None

    current.use(installed.read(COUNTY).policy[LinePolicy])
    async with db.session() as session:  # the reader drives the queue to whom the data say is there
        user = User(login="agent1", name="李雯", roles=["agent"], password_hash="-")
        session.add(user)
        await session.flush()
        agent = Actor(user.id, "李雯", frozenset({Role.AGENT}))
        await numbers.set_queue(session, SYSTEM, "status", "综合坐席")
        await agents.enrol(session, SYSTEM, user.id, "1003", "李雯", {"status": 0})
        await agents.log_in(session, agent, user.id)
    node, settings, limits = line.node, line.settings, CallerLimits()
    intake = Intake(db, home / "aside.txt")
    secrets = Secrets(node.folders.home / "secrets")
    feed = LineFeed(db, intake, settings, lambda: secrets.get("ami-line"), node.folders.log, limits)
    snapshot = Snapshot(numbers={n: NumberEntry(n, n, None, queue) for n, queue in NUMBERS.items()}, menu=MENU)
    world = World(lambda: snapshot, limits, state_of, lambda: QueryRules(13, 6, 3))
    async with AsyncExitStack() as stack:
        for service in (feed, server(settings, world)):
            await service.start()
            stack.push_async_callback(service.stop)
        yield Room(line, db, intake)
        await line.stack.aclose()


async def test_each_gets_its_outcome_and_no_other_call_notices(room: Room) -> None:
    line = room.line
    agent = await line.agent("1003", "status")
    good = await rings(line, "12305")
    await agent.wait_for(On.ESTABLISHED)
    before = {one.id for one in await room.calls()}
    turn = asyncio.Semaphore(6)

    async def send(case: Case) -> Answer:
        async with turn:
            return await call(line.settings.bind, line.settings.sip_port, case.invite, hold_s=0.3)

    answers = await asyncio.gather(*(send(case) for case in CASES))
    assert {c.name: a.final for c, a in zip(CASES, answers, strict=True)} == {c.name: c.ends for c in CASES}

    served = [case for case in CASES if case.ends == SERVED]

    async def all_on_record() -> list[Call]:
        found = [one for one in await room.calls() if one.dialled == "12301" and one.id not in before]
        return found if len(found) == len(served) and all(one.outcome for one in found) else []

    rows = await until(all_on_record, f"{len(served)} calls on record, all ended")
    assert isinstance(rows, list)
    assert sorted(str(one.caller) for one in rows) == sorted(str(case.caller) for case in served)
    assert all(one.caller is None or E164.fullmatch(one.caller) for one in rows)
    for one in rows:
        texts = (one.dialled, one.original_hotline, one.queue, one.citizen_channel, one.ended_by)
        assert all(text is None or text.isprintable() for text in texts)
    assert (await room.intake.health()).ok, "every line that Asterisk wrote is a line"
    assert not executed()

    await good.say(line.clip("我要投诉小区门口占道经营"))
    await agent.say(line.clip("您好，这里是弋阳热线"))
    for side in ("talk1_in", "talk1_out"):
        await until(lambda s=side: energy(line.spooled(good.user, s)) > 300, f"the good call goes on: {side}")
    await good.command("transfer", f"sip:12302@{line.settings.bind}:{line.settings.sip_port}")
    await good.wait_for("TRANSFER_FAILED", 60)
    assert line.moment(good.user, "BLINDTRANSFER") is None, "a citizen moves no call"
    await good.hang_up()
    assert len(AGENTS) == (await line.node.cli("pjsip show endpoints")).count("Endpoint:  100"), "all telephones known"
    later = await rings(line, "12305")
    await line.happened(later.user, "APP_START", "Queue")
    await later.hang_up()
