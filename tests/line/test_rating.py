"""After the call: who stays rates the agent's service, on a line without Python, and the call's record has it."""

import asyncio

import pytest
from ringing import Line, ended, rings, until

from callflow.facts import Fact
from callflow.fold import fold_all
from callflow.rules import Outcome, View, view
from callflow.sources import cel
from hotline.softphone import On, Softphone

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("asterisk")]
RATE, AGAIN, RATED, UNRATED = "hotline/rate", "hotline/rate-again", "hotline/rated", "hotline/unrated"


async def left_alone(line: Line) -> tuple[Softphone, Softphone]:
    """A citizen whose agent has just hung up, and that agent."""
    agent = await line.agent("1005", "words")
    citizen = await rings(line, "12306")
    await agent.wait_for(On.ESTABLISHED)
    await line.happened(citizen.user, "BRIDGE_ENTER")
    await agent.hang_up()
    return citizen, agent


async def hears(line: Line, citizen: Softphone, prompt: str, count: int = 1) -> None:
    """Wait until the citizen has heard it so often in this call."""
    await until(lambda: line.times(citizen.heard()[-1], prompt) == count, f"{prompt} heard {count} times")


def record(line: Line, citizen: Softphone) -> View:
    """The call's record, from what Asterisk wrote down."""
    rows = [cel.parse(",".join(f'"{value}"' for value in row)) for row in line.events(citizen.user)]
    facts: list[Fact] = [fact for row in rows for fact in cel.facts(row, line.settings.node)]
    return view(fold_all(facts))


async def test_a_key_after_the_call_is_on_record_once_and_the_call_ended_with_the_talk(line: Line) -> None:
    await line.rostered(rates=True)
    citizen, agent = await left_alone(line)
    await hears(line, citizen, RATE)
    await agent.wait_for(On.CLOSED)
    await citizen.send_digits("4")
    heard = await ended(citizen)
    assert line.times(heard, RATED) == 1
    assert line.times(heard, AGAIN) == 0
    await line.happened(citizen.user, "LINKEDID_END")
    asked, rated = (line.moment(citizen.user, name) for name in ("HotlineRating", "HotlineRated"))
    assert asked and rated and asked < rated
    row = record(line, citizen)
    assert (row.rating, row.outcome, row.ended_by, row.agent) == (4, Outcome.ANSWERED, "agent", "1005")
    assert row.ended_at and row.ended_at.timestamp() == pytest.approx(asked, abs=0.01)


async def test_wrong_keys_and_silence_are_met_with_patience(line: Line) -> None:
    await line.rostered(rates=True, waits={"rating": 3})
    citizen, _ = await left_alone(line)
    await hears(line, citizen, RATE)
    await citizen.send_digits("8")
    await hears(line, citizen, AGAIN)
    await citizen.send_digits("0")
    await hears(line, citizen, AGAIN, 2)
    await citizen.send_digits("5")
    heard = await ended(citizen)
    assert line.times(heard, RATED) == 1
    assert record(line, citizen).rating == 5


async def test_who_is_silent_is_asked_twice_and_who_hangs_up_at_once_not_at_all(line: Line) -> None:
    await line.rostered(rates=True, waits={"rating": 2})
    silent, agent = await left_alone(line)
    async with asyncio.timeout(40):
        heard = await ended(silent)
    assert [line.times(heard, prompt) for prompt in (RATE, AGAIN, UNRATED)] == [1, 1, 1]
    hasty = await rings(line, "12306")
    await agent.wait_for(On.ESTABLISHED)
    await line.happened(hasty.user, "BRIDGE_ENTER")
    await agent.hang_up()
    await line.happened(hasty.user, "HotlineRating")
    await hasty.hang_up()
    await line.happened(hasty.user, "LINKEDID_END")
    for one in (silent, hasty):
        row = record(line, one)
        assert (row.rating, row.outcome, row.ended_by) == (None, Outcome.ANSWERED, "agent")


async def test_where_the_bureau_does_not_ask_the_call_ends_with_the_agent(line: Line) -> None:
    citizen, _ = await left_alone(line)
    assert line.times(await ended(citizen), RATE) == 0
    await line.happened(citizen.user, "LINKEDID_END")
    assert line.moment(citizen.user, "HotlineRating") is None
    assert record(line, citizen).ended_by == "agent"
