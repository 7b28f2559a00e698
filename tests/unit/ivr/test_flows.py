"""Flows as conversations: what the caller does, what is heard, what is set."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from callflow.limits import CallerLimits, Limits
from callflow.menu import Does, Menu, MenuKey
from callflow.snapshot import NumberEntry, Snapshot
from callflow.variables import Variable
from core import clock
from core.errors import Unavailable
from ivr.agi.scripted import GONE, SILENCE, ScriptedSession
from ivr.agi.wire import BadValue, HungUp
from ivr.flows.inbound import inbound
from ivr.flows.keep import keep
from ivr.flows.status import status
from ivr.flows.world import QueryRules, SpokenState, World

QUERY = QueryRules(number_digits=13, code_digits=6, failures=3)
ORDER, CODE = [*"2026112300001"], [*"123456"]
LINE = Snapshot(
    numbers={
        "12345": NumberEntry("12345", "12345热线", None, "hotline"),
        "12315": NumberEntry("12315", "市场监管投诉举报热线", "市场监管投诉举报热线", "market"),
    },
    limits=Limits(calls=2, window_min=10, concurrent=5),
    menu=Menu(keys=(MenuKey(key="8", does=Does.REPEAT), MenuKey(key="0", does=Does.AGENT)), repeats=2),
)


async def state_of(number: str, code: str, caller: str) -> SpokenState | None:
    return SpokenState("dispatched", date(2026, 11, 23)) if (number, code) == ("".join(ORDER), "".join(CODE)) else None


@pytest.fixture
def world() -> World:
    return World(lambda: LINE, CallerLimits(), state_of, lambda: QUERY)


async def decision(world: World, **values: str) -> Mapping[str, str]:
    """The variables that the dialplan finds when the flow has ended; `values` came with the request."""
    call = ScriptedSession(values=values)
    await call.finish(await inbound(call, world))
    return call.variables


@pytest.mark.proves("F16-1", "A06-2")
@pytest.mark.parametrize(
    ("dialled", "queue", "original"),
    [
        ("12345", "hotline", "12345热线"),
        ("12315", "market", "市场监管投诉举报热线"),
        ("99999", "hotline", "12345热线"),
        ("", "hotline", "12345热线"),
    ],
)
async def test_the_number_dialled_decides(world: World, dialled: str, queue: str, original: str) -> None:
    decided = await decision(world, arg_1=dialled)
    assert decided[Variable.QUEUE] == queue
    assert decided[Variable.ROUTE] == "first"
    assert decided[Variable.DONE] == "inbound"
    learned = parse_qsl(decided[Variable.LEARNED])
    assert ("kind", "routed") in learned
    assert ("original_hotline", original) in learned


async def test_who_calls_too_often_is_asked_to_call_later(world: World) -> None:
    for turn in range(3):
        decided = await decision(world, uniqueid=f"node1-1.{turn}")
    assert (decided[Variable.ROUTE], decided[Variable.REASON]) == ("refuse", "calls")
    assert decided[Variable.LEARNED] == "kind=refused&reason=calls"


@pytest.mark.parametrize("caller", ["anonymous", "", "unknown", "0" * 500, "张伟", "1\u20282"])
async def test_a_caller_without_a_number_is_served(world: World, caller: str) -> None:
    for turn in range(4):
        decided = await decision(world, callerid=caller, uniqueid=f"node1-2.{turn}")
        assert decided[Variable.ROUTE] == "first"


async def test_without_any_data_the_call_still_has_a_queue() -> None:
    decided = await decision(World(Snapshot, CallerLimits(), state_of, lambda: QUERY))
    assert decided[Variable.QUEUE] == "hotline"


async def test_who_calls_twice_at_once_is_told_so() -> None:
    line = replace(LINE, limits=Limits(calls=9, window_min=10, concurrent=1))
    world = World(lambda: line, CallerLimits(), state_of, lambda: QUERY)
    for turn in range(2):
        decided = await decision(world, uniqueid=f"node1-3.{turn}")
    assert decided[Variable.REASON] == "concurrent"
    assert decided[Variable.LEARNED] == "kind=refused&reason=concurrent"


async def test_the_state_of_an_order_is_said(world: World) -> None:
    call = ScriptedSession("status", keys=[*ORDER, *CODE])
    with clock.frozen(datetime(2026, 11, 1, tzinfo=clock.SHANGHAI)):
        await status(call, world)
    assert "hotline/state-dispatched" in call.heard
    assert call.heard[-3:] == ["hotline/month-11", "hotline/day-23", "hotline/status-end"]
    assert call.facts[0][1] == {"what": "status"}


async def test_a_wrong_code_three_times_ends_it(world: World) -> None:
    call = ScriptedSession("status", keys=[*ORDER, *"000000"] * 3 + [*ORDER, *CODE])
    await status(call, world)
    assert call.heard.count("hotline/status-code") == 3
    assert call.heard[-1] == "hotline/status-failed"
    assert not any(prompt.startswith("hotline/state-") for prompt in call.heard)


async def test_a_call_has_its_failures_however_often_the_key_is_pressed(world: World) -> None:
    call = ScriptedSession("status", keys=[*ORDER, *"000000"] * 2 + [GONE])
    with pytest.raises(HungUp):
        await status(call, world)
    again = ScriptedSession("status", keys=[*ORDER, *"000000", *ORDER, *CODE], variables=call.variables)
    await status(again, world)
    assert again.heard.count("hotline/status-code") == 1
    third = ScriptedSession("status", keys=[*ORDER, *CODE], variables=again.variables)
    await status(third, world)
    assert third.heard == ["hotline/status-failed"]


async def test_numbers_ended_by_the_hash_key_as_the_prompt_says(world: World) -> None:
    call = ScriptedSession("status", keys=[*ORDER, "#", *CODE, "#"])
    await status(call, world)
    assert "hotline/state-dispatched" in call.heard


async def test_the_star_key_begins_a_number_anew(world: World) -> None:
    call = ScriptedSession("status", keys=[*"2025", "*", *ORDER, *"99", "*", *CODE])
    await status(call, world)
    assert "hotline/state-dispatched" in call.heard


async def test_the_state_is_said_again_on_request_and_not_for_ever(world: World) -> None:
    call = ScriptedSession("status", keys=[*ORDER, *CODE, *"8888"])
    await status(call, world)
    assert call.heard.count("hotline/state-dispatched") == 3
    once = ScriptedSession("status", keys=[*ORDER, *CODE, *"808"])
    await status(once, world)
    assert once.heard.count("hotline/state-dispatched") == 2, "0: to an agent"


async def test_who_hangs_up_while_hearing_the_state_was_served(world: World) -> None:
    with pytest.raises(HungUp):
        await status(call := ScriptedSession("status", keys=[*ORDER, *CODE, GONE]), world)
    assert call.facts[0][1] == {"what": "status"}


async def test_silence_is_answered_patiently_and_not_for_ever(world: World) -> None:
    call = ScriptedSession("status", keys=[SILENCE] * 50)
    await status(call, world)
    assert call.heard.count("hotline/status-nothing-typed") == 2
    assert call.heard[-1] == "hotline/status-failed"


async def test_a_slip_at_first_is_forgiven(world: World) -> None:
    call = ScriptedSession("status", keys=[*"20261", "#", *"123456", *ORDER, *CODE])
    await status(call, world)
    assert "hotline/state-dispatched" in call.heard


async def test_the_caller_may_hang_up_anywhere(world: World) -> None:
    script = [*ORDER, *CODE]
    for length in range(len(script)):
        with pytest.raises(HungUp):
            await status(ScriptedSession("status", keys=[*script[:length], GONE]), world)


async def test_without_the_database_the_caller_is_told() -> None:
    async def down(number: str, code: str, caller: str) -> SpokenState | None:
        raise Unavailable("no-database", "数据库暂时不可用。")

    call = ScriptedSession("status", keys=[*ORDER, *CODE])
    await status(call, World(lambda: LINE, CallerLimits(), down, lambda: QUERY))
    assert call.heard[-1] == "hotline/status-unavailable"


async def test_the_double_refuses_what_a_telephone_could_not_carry() -> None:
    with pytest.raises(BadValue):
        await ScriptedSession().set(Variable.QUEUE, "general\nHANGUP")
    with pytest.raises(BadValue):
        await ScriptedSession().finish({Variable.QUEUE: "general,HOTLINE_ROUTE=refuse"})


SINCE = 1795427034


@pytest.mark.parametrize(
    ("waited", "caller", "heard"),
    [
        (60, "13800000001", []),
        (59, "13800000001", ["hotline/keep-early"]),
        (600, "anonymous", ["hotline/keep-no-number"]),
        (600, "13800000009", ["hotline/keep-unavailable"]),
    ],
)
async def test_who_has_waited_long_enough_keeps_the_place(waited: int, caller: str, heard: list[str]) -> None:
    kept: list[tuple[str, str, str, datetime, int]] = []

    async def keep_place(linkedid: str, phone: str, queue: str, since: datetime, position: int) -> None:
        if phone.endswith("9"):
            raise Unavailable("place-not-kept", "暂时不能保留排队。")
        kept.append((linkedid, phone, queue, since, position))

    world = World(lambda: replace(LINE, keep_after_s=60), CallerLimits(), state_of, lambda: QUERY, keep_place)
    told = {Variable.QUEUE: "hotline", Variable.SINCE: str(SINCE), Variable.PLACE: "3"}
    call = ScriptedSession("keep", values={"callerid": caller, "uniqueid": "node1-1.7"}, variables=told)
    since = datetime.fromtimestamp(SINCE, clock.SHANGHAI)
    with clock.frozen(since + timedelta(seconds=waited)):
        await call.finish(await keep(call, world) or {})
    assert call.heard == heard
    assert (call.variables.get(Variable.PLACED), call.variables[Variable.DONE]) == (None if heard else "yes", "keep")
    assert kept == ([] if heard else [("node1-1.7", "+8613800000001", "hotline", since, 3)])
