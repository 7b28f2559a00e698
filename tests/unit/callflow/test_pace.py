"""Little is served at once, much many at a time, and what was much is little after a while."""

import pytest

from callflow import pace
from callflow.pace import Pace


class Clock:
    """A clock that goes when it is told to."""

    at = 100.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(pace, "time", made)
    return made


def each(clock: Clock, made: Pace, *, a_second: int, seconds: int) -> list[float]:
    """Rests after each of so many events, evenly spread."""
    rests = []
    for _ in range(a_second * seconds):
        clock.at += 1 / a_second
        made.came()
        rests.append(made.rest(0.01, 0.4))
    return rests


def test_a_countys_calls_are_served_one_by_one(clock: Clock) -> None:
    assert set(each(clock, Pace(50), a_second=20, seconds=60)) == {0.01}


def test_many_calls_are_served_together_until_they_cease(clock: Clock) -> None:
    made = Pace(50)
    rests = each(clock, made, a_second=200, seconds=5)
    assert set(rests[:50]) == {0.01}
    assert set(rests[100:]) == {0.4}
    clock.at += 3
    assert made.rest(0.01, 0.4) == 0.01


def test_it_is_still_only_some_time_after_the_last_event(clock: Clock) -> None:
    made = Pace(50)
    assert made.still
    made.came()
    clock.at += 5
    assert not made.still
    clock.at += 6
    assert made.still
