"""Flows as conversations: what the caller does, what is heard, what is set."""

from datetime import date

import pytest

from callflow.facts import Fact
from callflow.limits import CallerLimits, Limits
from callflow.snapshot import NumberEntry, Snapshot
from callflow.variables import Variable
from core.errors import Unavailable
from ivr.agi.scripted import GONE, SILENCE, ScriptedSession
from ivr.agi.wire import BadValue, HungUp
from ivr.flows.inbound import inbound
from ivr.flows.status import status
from ivr.flows.world import SpokenState, World

ORDER, CODE = [*"2026112300001"], [*"123456"]
LINE = Snapshot(
    numbers={
        "12345": NumberEntry("12345", "12345热线", None, "hotline"),
        "12315": NumberEntry("12315", "市场监管投诉举报热线", "市场监管投诉举报热线", "market"),
    },
    limits=Limits(calls=2, window_min=10, concurrent=5),
)


class Notebook:
    """A sink that keeps facts in a list."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    async def put(self, *facts: Fact) -> None:
        self.facts += facts


async def state_of(number: str, code: str) -> SpokenState | None:
    return SpokenState("dispatched", date(2026, 11, 23)) if (number, code) == ("".join(ORDER), "".join(CODE)) else None


@pytest.fixture
def notes() -> Notebook:
    return Notebook()


@pytest.fixture
def world(notes: Notebook) -> World:
    return World("node1", lambda: LINE, CallerLimits(), notes, state_of)


@pytest.mark.parametrize(
    ("dialled", "queue", "original"),
    [
        ("12345", "hotline", "12345热线"),
        ("12315", "market", "市场监管投诉举报热线"),
        ("99999", "hotline", "12345热线"),
        ("", "hotline", "12345热线"),
    ],
)
async def test_the_number_dialled_decides(
    world: World, notes: Notebook, dialled: str, queue: str, original: str
) -> None:
    call = ScriptedSession(variables={Variable.DIALLED: dialled})
    await inbound(call, world)
    assert call.variables[Variable.QUEUE] == queue
    assert call.variables[Variable.ROUTE] == "first"
    assert notes.facts[0].data["original_hotline"] == original


async def test_who_calls_too_often_is_asked_to_call_later(world: World, notes: Notebook) -> None:
    for turn in range(3):
        call = ScriptedSession(values={"uniqueid": f"node1-1.{turn}"})
        await inbound(call, world)
    assert call.variables[Variable.ROUTE] == "refuse"
    assert notes.facts[-1].data == {"reason": "calls"}


@pytest.mark.parametrize("caller", ["anonymous", "", "unknown", "0" * 500, "张伟", "1\u20282"])
async def test_a_caller_without_a_number_is_served(world: World, caller: str) -> None:
    for turn in range(4):
        call = ScriptedSession(values={"callerid": caller, "uniqueid": f"node1-2.{turn}"})
        await inbound(call, world)
        assert call.variables[Variable.ROUTE] == "first"


async def test_without_any_data_the_call_still_has_a_queue(notes: Notebook) -> None:
    call = ScriptedSession()
    await inbound(call, World("node1", Snapshot, CallerLimits(), notes, state_of))
    assert call.variables[Variable.QUEUE] == "hotline"


async def test_the_state_of_an_order_is_said(world: World, notes: Notebook) -> None:
    call = ScriptedSession("status", keys=[*ORDER, *CODE])
    await status(call, world)
    assert "hotline/state-dispatched" in call.heard
    assert call.heard[-3:] == ["hotline/month-11", "hotline/day-23", "hotline/status-end"]
    assert notes.facts[0].data == {"what": "status"}


async def test_a_wrong_code_three_times_ends_it(world: World) -> None:
    call = ScriptedSession("status", keys=[*ORDER, *"000000"] * 3 + [*ORDER, *CODE])
    await status(call, world)
    assert call.heard.count("hotline/status-code") == 3
    assert call.heard[-1] == "hotline/status-failed"
    assert not any(prompt.startswith("hotline/state-") for prompt in call.heard)


async def test_silence_is_answered_patiently_and_not_for_ever(world: World) -> None:
    call = ScriptedSession("status", keys=[SILENCE] * 50)
    await status(call, world)
    assert call.heard.count("hotline/status-nothing-typed") == 3
    assert call.heard[-1] == "hotline/status-failed"


async def test_a_slip_at_first_is_forgiven(world: World) -> None:
    call = ScriptedSession("status", keys=["*", "#", *"123456", *ORDER, *CODE])
    await status(call, world)
    assert "hotline/state-dispatched" in call.heard


async def test_the_caller_may_hang_up_anywhere(world: World) -> None:
    script = [*ORDER, *CODE]
    for length in range(len(script)):
        with pytest.raises(HungUp):
            await status(ScriptedSession("status", keys=[*script[:length], GONE]), world)


async def test_without_the_database_the_caller_is_told(notes: Notebook) -> None:
    async def down(number: str, code: str) -> SpokenState | None:
        raise Unavailable("no-database", "数据库暂时不可用。")

    call = ScriptedSession("status", keys=[*ORDER, *CODE])
    await status(call, World("node1", lambda: LINE, CallerLimits(), notes, down))
    assert call.heard[-1] == "hotline/status-unavailable"


async def test_the_double_refuses_what_a_telephone_could_not_carry() -> None:
    with pytest.raises(BadValue):
        await ScriptedSession().set(Variable.QUEUE, "general\nHANGUP")
