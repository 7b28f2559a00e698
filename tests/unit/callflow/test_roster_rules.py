"""Gaps of a roster to the minute, whichever way its shifts lie; night shifts; hours of a day."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callflow.numbers.models import DutyMobile
from callflow.roster import rules
from callflow.roster.rules import Span
from core import clock

FIRST = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)  # midnight in Shanghai, 1 December
LAST = FIRST + rules.AHEAD


def span(start_min: int, minutes: int) -> Span:
    start = FIRST + timedelta(minutes=start_min)
    return Span(start, start + timedelta(minutes=minutes))


@given(st.lists(st.tuples(st.integers(-300, 1700), st.integers(1, 900)), max_size=12))
def test_every_minute_is_either_covered_or_in_a_gap(shifts: list[tuple[int, int]]) -> None:
    spans = [span(*one) for one in shifts]
    last = FIRST + timedelta(minutes=1440)
    found = rules.gaps(spans, FIRST, last)
    assert all(one.start < one.end for one in found)
    assert all(one.end < other.start for one, other in pairwise(found)), "in order, never touching"
    for minute in range(1440):
        at = FIRST + timedelta(minutes=minute)
        sits = any(one.start <= at < one.end for one in spans)
        assert sits != any(one.start <= at < one.end for one in found)


@pytest.mark.proves("A02-1")
def test_one_minute_between_two_shifts_is_a_gap() -> None:
    whole = int((LAST - FIRST).total_seconds() // 60)
    assert rules.gaps([span(0, 481), span(481, whole)], FIRST, LAST) == []
    assert rules.gaps([span(0, 480), span(481, whole)], FIRST, LAST) == [span(480, 1)]
    assert rules.gaps([], FIRST, LAST) == [Span(FIRST, LAST)]


def test_covered_until_is_the_first_minute_without_anybody() -> None:
    assert rules.covered_until([span(-60, 120), span(50, 100)], FIRST) == FIRST + timedelta(minutes=150)
    assert rules.covered_until([span(10, 100)], FIRST) == FIRST


def test_gaps_are_told_as_people_write_them() -> None:
    assert rules.told_span(span(0, 480)) == "12月1日 00:00 至 08:00"
    assert rules.told_span(span(960, 480)) == "12月1日 16:00 至 24:00"
    assert rules.told_span(span(960, 960)) == "12月1日 16:00 至 12月2日 08:00"
    assert rules.told([span(n * 10, 5) for n in range(14)]).endswith("；另有 2 段")


def test_a_duty_mobile_past_midnight_covers_both_days() -> None:
    mobile = DutyMobile(
        name="夜班",
        phone="+8613800000000",
        position=1,
        from_time=time(18),
        to_time=time(8, 30),
        weekdays=[1],
        active=True,
    )
    found = rules.duty_spans([mobile], FIRST, LAST)  # 30 November is a Monday: its duty goes on to 08:30
    assert found == [span(0, 510), span(6 * 1440 + 18 * 60, 870), span(13 * 1440 + 18 * 60, 360)]
    mobile.active = False
    assert rules.duty_spans([mobile], FIRST, LAST) == []


def test_an_hour_counts_its_emptiest_minute() -> None:
    fewest = rules.fewest([span(0, 480), span(470, 500), span(475, 20)], date(2026, 12, 1))
    assert (fewest[7], fewest[8], fewest[9], fewest[16], fewest[23]) == (1, 1, 1, 0, 0)


def test_equal_plans_have_equal_fingerprints() -> None:
    one, other = ("a", FIRST, LAST), ("b", FIRST, LAST)
    assert rules.fingerprint([one, other]) == rules.fingerprint([other, one]) != rules.fingerprint([one])


@pytest.mark.parametrize(
    ("start", "end", "night"),
    [("08:00", "16:00", False), ("16:00", "22:00", False), ("16:00", "22:30", True), ("05:30", "13:00", True)],
)
def test_a_shift_that_touches_the_night_is_a_night_shift(start: str, end: str, night: bool) -> None:
    begins, ends = (datetime.fromisoformat(f"2026-12-01T{at}").replace(tzinfo=clock.SHANGHAI) for at in (start, end))
    assert rules.is_night(begins, ends) is night
