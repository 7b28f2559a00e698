"""An agent's day is one line of states: no gap, no overlap, and its sum is the time logged in."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callflow.agents.timeline import (
    OFFLINE,
    OUT,
    QUIET,
    READY,
    RINGING,
    TALKING,
    Point,
    Side,
    shown,
    timeline,
    totals,
)

FIRST = datetime(2026, 12, 1, tzinfo=UTC)
LAST = FIRST + timedelta(hours=8)
INTENTS = (OUT, READY, "break", "wrap-up", "no-answer")
DEVICES = (QUIET, RINGING, TALKING, OFFLINE)


def point(side: Side, state: str, second: int) -> Point:
    return Point(side, state, FIRST + timedelta(seconds=second))


points = st.lists(
    st.one_of(
        st.tuples(st.just(Side.INTENT), st.sampled_from(INTENTS), st.integers(-90, 300).map(lambda n: n * 100)),
        st.tuples(st.just(Side.DEVICE), st.sampled_from(DEVICES), st.integers(-90, 300).map(lambda n: n * 100)),
    ),
    max_size=30,
).map(lambda made: sorted((point(*one) for one in made), key=lambda one: one.at))


@given(points)
def test_the_line_has_neither_gap_nor_overlap_and_tells_each_second_rightly(told: list[Point]) -> None:
    spans = timeline(told, FIRST, LAST)
    assert all(FIRST <= one.start < one.end <= LAST for one in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert all(one.state != other.state for one, other in pairwise(spans) if one.end == other.start)
    for second in range(0, 8 * 3600, 613):
        at = FIRST + timedelta(seconds=second)
        sides = {Side.INTENT: OUT, Side.DEVICE: QUIET} | {one.side: one.state for one in told if one.at <= at}
        state = shown(sides[Side.INTENT], sides[Side.DEVICE])
        assert [one.state for one in spans if one.start <= at < one.end] == ([] if state == OUT else [state])
    assert sum(totals(spans).values(), timedelta(0)) == sum((one.end - one.start for one in spans), timedelta(0))


def test_a_call_as_the_day_tells_it() -> None:
    told = [
        point(Side.INTENT, READY, 0),
        point(Side.DEVICE, RINGING, 60),
        point(Side.DEVICE, TALKING, 66),
        point(Side.DEVICE, QUIET, 186),
        point(Side.INTENT, "wrap-up", 186),
        point(Side.INTENT, READY, 206),
        point(Side.INTENT, OUT, 300),
    ]
    spans = timeline(told, FIRST, LAST)
    assert [(one.state, one.seconds) for one in spans] == [
        (READY, 60),
        (RINGING, 6),
        (TALKING, 120),
        ("wrap-up", 20),
        (READY, 94),
    ]
    assert [one.label for one in spans] == ["示闲", "振铃", "通话", "话后整理", "示闲"]


@pytest.mark.parametrize(
    ("intent", "device", "state"),
    [
        (OUT, TALKING, OUT),
        ("meal", TALKING, TALKING),
        (READY, OFFLINE, OFFLINE),
        ("meal", OFFLINE, "meal"),
        (READY, QUIET, READY),
    ],
)
def test_what_is_shown_of_intent_and_fact(intent: str, device: str, state: str) -> None:
    assert shown(intent, device) == state


def test_what_began_yesterday_goes_on() -> None:
    [one] = timeline([point(Side.INTENT, READY, -3600)], FIRST, LAST)
    assert (one.start, one.end) == (FIRST, LAST)
