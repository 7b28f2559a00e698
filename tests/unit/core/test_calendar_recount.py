"""D4: a calendar that becomes better known moves a due date later or not at all, and says which days count."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import DayKind, Reading, WorkCalendar, due, extended, official, recounted
from core.clock import SHANGHAI

NEXT = 2027
at = st.datetimes(datetime(2026, 10, 1), datetime(2027, 10, 1)).map(lambda naive: naive.replace(tzinfo=SHANGHAI))
day_numbers = st.sets(st.integers(0, 364), max_size=40)


def published(rest: list[date], work: list[date]) -> WorkCalendar:
    """2027 as a notice may set it."""
    kinds = {day: DayKind(False, "放假") for day in rest} | {day: DayKind(True, "调休") for day in work}
    return WorkCalendar(official().years | {NEXT}, {**official().exceptions, **kinds}, "next")


JANUARY = published([date(2027, 1, 1), date(2027, 1, 4)], [date(2027, 1, 9)])


@pytest.mark.proves("D4")
def test_a_further_day_off_moves_the_due_later() -> None:
    begins = datetime(2026, 12, 31, 10, tzinfo=SHANGHAI)
    old = due(begins, 1, official())
    assert (old.last_day, old.provisional) == (date(2027, 1, 4), True)
    new = recounted(begins, old.at, official(), JANUARY)
    assert (new.last_day, new.provisional) == (date(2027, 1, 5), False)


@pytest.mark.proves("D4")
def test_a_worked_weekend_does_not_move_it_earlier() -> None:
    begins = datetime(2027, 1, 5, 10, tzinfo=SHANGHAI)
    old = due(begins, 5, official())
    assert old.last_day == date(2027, 1, 12)
    new = recounted(begins, old.at, official(), JANUARY)
    assert (new.at, new.last_day, new.provisional) == (old.at, old.last_day, False)
    assert "不提前" in new.days[-1].reason


@pytest.mark.proves("D4", "D16")
def test_an_extension_keeps_its_days() -> None:
    begins = datetime(2026, 12, 24, 10, tzinfo=SHANGHAI)
    longer = extended(due(begins, 10, official()).last_day, 10, official())
    new = recounted(begins, longer.at, official(), JANUARY)
    assert new.last_day == longer.last_day
    quiet = published([date(2027, 1, 1), date(2027, 1, 4)], [])
    assert recounted(begins, longer.at, official(), quiet).last_day == longer.last_day + timedelta(days=3)


@given(at, st.integers(1, 15), day_numbers, st.booleans())
def test_whatever_the_notice_says_nothing_becomes_earlier(
    begins: datetime, limit: int, changed: set[int], strict: bool
) -> None:
    days = [date(NEXT, 1, 1) + timedelta(days=n) for n in changed]
    calendar = published([d for d in days if d.weekday() < 5], [d for d in days if d.weekday() >= 5])
    reading = Reading(count_start_day=strict)
    old = due(begins, limit, official(), reading)
    new = recounted(begins, old.at, official(), calendar, reading)
    fresh = due(begins, limit, calendar, reading)
    assert new.at == max(old.at, fresh.at)
    assert recounted(begins, old.at, official(), official(), reading) == old
    assert recounted(begins, new.at, calendar, calendar, reading).at == new.at
