"""Calls while Python is away, mute or broken: a citizen always reaches somebody, or the message box."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import date

import pytest
from prometheus_client import REGISTRY
from ringing import MENU, NUMBERS, Line, ended, energy, rings, until

from callflow.limits import CallerLimits, Limits
from callflow.snapshot import NumberEntry, Snapshot
from hotline.softphone import On, Softphone
from ivr.agi.server import AgiServer
from ivr.agi.session import Session
from ivr.flows.world import QueryRules, SpokenState, World
from ivr.service import server

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("asterisk")]
AUDIBLE = 300
QUERY = QueryRules(number_digits=13, code_digits=6, failures=3)
ORDER, CODE = "2026112300001", "123456"


async def test_asterisk_knows_every_application_and_function_that_the_dialplan_uses(line: Line) -> None:
    dialplan = (line.node.folders.etc / "extensions.conf").read_text()
    applications = set(re.findall(r"^(?:exten => [^,]+,1| same => n(?:\(\w+\))?),(\w+)\(", dialplan, re.MULTILINE))
    functions = set(re.findall(r"[{(]([A-Z]+)\(", dialplan))
    assert len(applications) > 10
    assert len(functions) > 2
    known = await line.node.cli("core show applications") + await line.node.cli("core show functions")
    assert {
        name for name in applications | functions if not re.search(rf"^\s*{name}[:( ]", known, re.M | re.I)
    } == set()


async def test_without_python_the_call_reaches_an_agent_and_both_sides_are_recorded(line: Line) -> None:
    agent = await line.agent("1001", "first", greeting="您好，请讲，这里是政务服务热线，请问有什么可以帮您")
    citizen = await rings(line, "12301")
    await agent.wait_for(On.ESTABLISHED)
    await citizen.say(line.clip("我要投诉小区门口占道经营，每天晚上都很吵"))
    for side in ("talk1_in", "talk1_out"):
        await until(lambda s=side: energy(line.spooled(citizen.user, s)) > AUDIBLE, side)
    await citizen.hang_up()
    assert energy(await ended(citizen)) > AUDIBLE
    await line.happened(citizen.user, "LINKEDID_END")
    sizes = {line.spooled(citizen.user, side).stat().st_size for side in ("talk1_in", "talk1_out")}
    assert max(sizes) - min(sizes) <= 1600, "both directions are in step"


async def test_a_mute_server_holds_nobody_longer_than_its_time(line: Line) -> None:
    held: list[asyncio.StreamWriter] = []

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    listener = await asyncio.start_server(mute, line.settings.private, line.settings.agi_port)
    line.stack.callback(listener.close)
    agent = await line.agent("1002", "mute")
    citizen = await rings(line, "12304")
    await agent.wait_for(On.ESTABLISHED)
    asked = await line.happened(citizen.user, "ANSWER")
    queued = await line.happened(citizen.user, "HotlineRung", "first/mute")
    await citizen.hang_up()
    assert held, "the server was asked"
    prompts = 2.8 + 0.6
    assert queued - asked < prompts + line.settings.waits.answering + 0.8
    for writer in held:
        writer.close()


async def test_with_nobody_at_all_the_citizen_leaves_a_message(line: Line) -> None:
    citizen = await rings(line, "12302")
    await line.happened(citizen.user, "APP_START", "Record")
    await citizen.say(line.clip("我要反映路灯坏了，请派人来修"))
    await until(lambda: energy(line.spooled(citizen.user, "message")) > AUDIBLE, "the citizen's words in the message")
    assert line.times(await ended(citizen), "hotline/message") == 1, "the request to speak was heard"
    assert line.moment(citizen.user, "HotlineMessage")


@pytest.fixture
async def mobile(line: Line) -> Softphone:
    """A duty mobile behind the trunk, on the roster of this test only."""
    phone = await line.phone("13900000001", auto_answer=True)
    await line.rostered(phone, duty=("13900000001",))
    return phone


async def test_a_duty_mobile_that_presses_1_is_connected_and_recorded(line: Line, mobile: Softphone) -> None:
    citizen = await rings(line, "12302")
    await mobile.wait_for(On.ESTABLISHED)
    assert line.moment(citizen.user, "BRIDGE_ENTER") is None, "not before the key"
    await mobile.send_digits("1")
    await line.happened(citizen.user, "HotlineAccepted")
    await citizen.say(line.clip("自来水停了三天，请帮忙"))
    await mobile.say(line.clip("好的，我们马上联系自来水公司"))
    for side in ("talk1_in", "talk1_out"):
        await until(lambda s=side: energy(line.spooled(citizen.user, s)) > AUDIBLE, side)
    await citizen.hang_up()
    assert energy(await ended(mobile)) > AUDIBLE


async def test_a_voicemail_never_accepts(line: Line, mobile: Softphone) -> None:
    citizen = await rings(line, "12302")
    await mobile.wait_for(On.ESTABLISHED)
    await mobile.say(line.clip("您好，我现在不方便接听，请留言"))
    await line.happened(citizen.user, "APP_START", "Record")
    assert line.moment(citizen.user, "HotlineAccepted") is None
    await citizen.hang_up()


@pytest.fixture
async def python(line: Line) -> AsyncIterator[None]:
    """The FastAGI server with its flows, knowing one order."""

    async def state_of(number: str, code: str, caller: str) -> SpokenState | None:
        return SpokenState("dispatched", date(2026, 11, 23)) if (number, code) == (ORDER, CODE) else None

    snapshot = Snapshot(numbers={n: NumberEntry(n, n, None, queue) for n, queue in NUMBERS.items()}, menu=MENU)
    agi: AgiServer = server(line.settings, World(lambda: snapshot, CallerLimits(), state_of, lambda: QUERY))
    await agi.start()
    yield
    await agi.stop()


async def test_key_2_says_the_state_of_an_order_and_then_an_agent_answers(line: Line, python: None) -> None:
    agent = await line.agent("1003", "status")
    citizen = await rings(line, "12305")
    await citizen.send_digits("2")
    await until(lambda: REGISTRY.get_sample_value("hotline_agi_connections"), "the flow has begun")
    for digit in ORDER + CODE:
        await citizen.send_digits(digit)
        await asyncio.sleep(0.15)  # as fast as fingers type, not a wait for anything
    await line.happened(citizen.user, "HotlineLearned", "what=status")
    await agent.wait_for(On.ESTABLISHED)
    await citizen.hang_up()
    assert energy(await ended(citizen)) > AUDIBLE


async def test_a_flow_that_raises_leaves_the_call_in_the_queue(line: Line) -> None:
    async def broken(session: Session) -> None:
        await session.get("GREETING")
        raise RuntimeError("a defect in a flow")

    agi = AgiServer(line.settings.private, line.settings.agi_port, {"inbound": broken, "status": broken})
    await agi.start()
    line.stack.push_async_callback(agi.stop)
    agent = await line.agent("1003", "status")
    citizen = await rings(line, "12305")
    await citizen.send_digits("2")
    await agent.wait_for(On.ESTABLISHED)
    await citizen.hang_up()
    assert line.times(await ended(citizen), "hotline/status-unavailable") == 1


@pytest.fixture
async def strict(line: Line) -> AsyncIterator[CallerLimits]:
    """The flows of a bureau that takes two calls of a number in ten minutes, and never two at once."""

    async def state_of(number: str, code: str, caller: str) -> SpokenState | None:
        return None

    limits = CallerLimits()
    entries = {n: NumberEntry(n, n, None, queue) for n, queue in NUMBERS.items()}
    snapshot = Snapshot(numbers=entries, limits=Limits(calls=2, window_min=10, concurrent=1), menu=MENU)
    agi = server(line.settings, World(lambda: snapshot, limits, state_of, lambda: QUERY))
    await agi.start()
    yield limits
    await agi.stop()


async def test_who_calls_twice_at_once_or_too_often_hears_which_it_is(line: Line, strict: CallerLimits) -> None:
    agent = await line.agent("1003", "status")
    phone = await line.phone()
    for turn in (1, 2):
        await phone.dial("12305")
        await agent.wait_for(On.ESTABLISHED)
        if turn == 1:
            other = await rings(line, "12305", user=phone.user)
            assert line.times(await ended(other), "hotline/refuse-concurrent") == 1
            assert line.moment(phone.user, "HotlineRefused", "concurrent")
        await phone.hang_up()
        await phone.wait_for(On.CLOSED)
        await agent.wait_for(On.CLOSED)
        for row in line.events(phone.user):
            strict.ended(row[2])
    await phone.dial("12305")
    assert line.times(await ended(phone), "hotline/refuse-calls") == 1
    assert line.moment(phone.user, "HotlineRefused", "calls")


async def test_who_asks_something_while_waiting_comes_back_to_the_same_place(line: Line, python: None) -> None:
    agent = await line.agent("1004", "place")
    await line.node.cli("queue pause member PJSIP/1004 queue place")
    first = await rings(line, "12303")
    await line.happened(first.user, "APP_START", "Queue")
    second = await rings(line, "12303")
    await line.happened(second.user, "APP_START", "Queue")
    await first.send_digits("9")
    await until(
        lambda: len([e for e in line.events(first.user) if e[0] == "APP_START" and e[8] == "Queue"]) == 2, "back"
    )
    await line.node.cli("queue unpause member PJSIP/1004 queue place")
    await agent.wait_for(On.ESTABLISHED)
    await line.happened(first.user, "BRIDGE_ENTER")
    assert line.moment(second.user, "BRIDGE_ENTER") is None
    await first.hang_up()
    await second.hang_up()
