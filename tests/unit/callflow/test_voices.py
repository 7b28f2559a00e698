"""Whose words stand on the two sides of a call, whoever was brought into it."""

from datetime import UTC, datetime, timedelta

import pytest

from callflow.models import Call
from callflow.phones.models import CallLeg
from callflow.phones.rules import Became, Way
from callflow.phones.voices import voices

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
OUTSIDE = "138****6102"


def at(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute)


def call(direction: str = "inbound", agent: str | None = "1001", name: str | None = "李雯") -> Call:
    return Call(direction=direction, agent_extension=agent, agent_name=name)


def leg(
    kind: Way, result: Became | None = None, *, how: str = "outside", joined: int | None = None, done: int = 0
) -> CallLeg:
    shown = {"outside": OUTSIDE, "seat": "王丽（1002）", "queue": "方言"}[how]
    return CallLeg(
        kind=kind, how=how, shown=shown, asked_at=at(1), result=result,
        joined_at=at(joined) if joined else None, done_at=at(done) if done else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("of", "first", "second"),
    [
        (call(), "市民", "话务员"),
        (call("outbound"), "对方", "话务员"),
        (call("internal"), "对方", "话务员"),
        (call(agent=None, name="值班手机1"), "市民", "值班手机1"),
        (call(agent=None, name=None), "市民", "话务员"),
    ],
)
def test_the_two_of_an_ordinary_call(of: Call, first: str, second: str) -> None:
    found = voices(of, [], None)
    assert (found.first, found.second) == (first, second)
    assert found.second_at(at(1), None) == second
    assert found.beneath(1) == f"{second}及其他"


@pytest.mark.parametrize(
    ("passed", "minute", "live", "recorded"),
    [
        # transferred to a number outside, from then on; until nobody took it
        (leg(Way.TRANSFER), 0, "话务员", "话务员"),
        (leg(Way.TRANSFER), 2, OUTSIDE, OUTSIDE),
        (leg(Way.TRANSFER, Became.BACK, done=3), 2, OUTSIDE, OUTSIDE),
        (leg(Way.TRANSFER, Became.BACK, done=3), 4, "话务员", "话务员"),
        (leg(Way.TRANSFER, how="seat"), 2, "话务员", "话务员"),
        (leg(Way.TRANSFER, how="queue"), 2, "话务员", "话务员"),
        (leg(Way.TAKE_OVER, how="seat"), 2, "话务员", "话务员"),
        # asked and dropped: the citizen heard music
        (leg(Way.CONSULT, Became.DROPPED, done=3), 2, "话务员", "话务员"),
        # handed over after a consultation
        (leg(Way.CONSULT, Became.HANDED_OVER, done=3), 2, "话务员", "话务员"),
        (leg(Way.CONSULT, Became.HANDED_OVER, done=3), 4, OUTSIDE, OUTSIDE),
        # all three together: live words are the agent's own, the recording has both
        (leg(Way.CONSULT, Became.JOINED, joined=2, done=2), 1, "话务员", "话务员"),
        (leg(Way.CONSULT, Became.JOINED, joined=2, done=2), 4, "话务员", f"话务员和{OUTSIDE}"),
        (leg(Way.CONSULT, Became.DROPPED, joined=2, done=3), 2, "话务员", f"话务员和{OUTSIDE}"),
        (leg(Way.CONSULT, Became.DROPPED, joined=2, done=3), 4, "话务员", "话务员"),
    ],
)  # fmt: skip
def test_who_was_brought_in_has_a_name(passed: CallLeg, minute: int, live: str, recorded: str) -> None:
    found = voices(call(), [passed], None)
    assert found.first == "市民"
    assert found.second_at(at(minute), None) == live
    assert found.second_at(at(minute), 1) == recorded


def test_who_came_last_speaks() -> None:
    there = leg(Way.TRANSFER)
    back = leg(Way.TRANSFER, how="queue")
    back.asked_at = at(5)
    found = voices(call(), [there, back], None)
    assert [found.second_at(at(minute), None) for minute in (0, 2, 6)] == ["话务员", OUTSIDE, "话务员"]


def test_who_is_asked_is_no_citizen_and_of_three_the_citizen_is_heard_beside_the_agent() -> None:
    found = voices(call("outbound"), [], leg(Way.CONSULT))
    assert (found.first, found.second) == (OUTSIDE, "话务员")
    assert [found.beneath(part) for part in (1, 2)] == ["话务员", "市民和话务员"]
    assert [found.second_at(at(2), part) for part in (None, 1, 2)] == ["话务员", "话务员", "市民和话务员"]
