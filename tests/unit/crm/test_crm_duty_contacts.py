"""Who is on duty when: against the minutes themselves; and how an alarm goes on."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import official
from core.clock import SHANGHAI
from crm.alarms.rules import Contact, calls_again, next_contact
from crm.contacts.rules import Days, Gap, Watch, gaps

CALENDAR = official()
WHOLE = Watch(Days.ALL, time(), time())
WORK = Watch(Days.WORKING, time(8, 30), time(17, 30))
NIGHT = Watch(Days.ALL, time(18), time(8))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("watch", "when", "covered"),
    [
        (WHOLE, "2026-10-01 03:00", True),
        (WORK, "2026-03-02 08:30", True),
        (WORK, "2026-03-02 17:30", False),
        (WORK, "2026-03-07 10:00", False),  # Saturday
        (WORK, "2026-02-14 10:00", True),  # Saturday that is worked 调休
        (Watch(Days.REST, time(8, 30), time(17, 30)), "2026-02-14 10:00", False),
        (Watch(Days.REST, time(8, 30), time(17, 30)), "2026-10-01 10:00", True),
        (NIGHT, "2026-03-02 18:00", True),
        (NIGHT, "2026-03-03 07:59", True),
        (NIGHT, "2026-03-03 08:00", False),
        (Watch(Days.ALL, time(18), time(8), date(2026, 3, 2), date(2026, 3, 2)), "2026-03-03 07:00", True),
        (Watch(Days.ALL, time(18), time(8), date(2026, 3, 2), date(2026, 3, 2)), "2026-03-02 07:00", False),
    ],
)
def test_somebody_is_on_duty_to_the_minute(watch: Watch, when: str, covered: bool) -> None:
    assert watch.covers(at(when), CALENDAR) is covered


def test_a_weekend_without_anybody_is_one_gap() -> None:
    first = at("2026-03-06 09:00")
    assert gaps([WORK], first, first + timedelta(days=4), CALENDAR) == [
        Gap(at("2026-03-06 17:30"), at("2026-03-09 08:30")),
        Gap(at("2026-03-09 17:30"), at("2026-03-10 08:30")),
    ]
    assert gaps([WHOLE], first, first + timedelta(days=14), CALENDAR) == []
    day = Gap(first, first + timedelta(days=1))
    assert gaps([WHOLE], first, day.until, CALENDAR, needed=2) == gaps([], first, day.until, CALENDAR) == [day]


CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from((0, 30)))
DATES = st.none() | st.dates(date(2026, 2, 10), date(2026, 2, 25))
WATCHES = st.builds(Watch, st.sampled_from(Days), CLOCKS, CLOCKS, DATES, DATES)


@given(st.lists(WATCHES, max_size=4), st.integers(0, 95), st.integers(1, 2))
def test_a_gap_is_when_too_few_are_on_duty_and_nothing_else(watches: list[Watch], offset: int, needed: int) -> None:
    first = at("2026-02-12 00:00") + timedelta(minutes=30 * offset)
    last = first + timedelta(days=6)
    found = gaps(watches, first, last, CALENDAR, needed)
    assert all(a.until < b.since for a, b in pairwise(found)), "neighbours are one"
    moment = first
    while moment < last:
        here = sum(watch.covers(moment, CALENDAR) for watch in watches)
        assert any(gap.since <= moment < gap.until for gap in found) is (here < needed)
        moment += timedelta(minutes=30)


def test_each_number_is_called_once_on_the_way_up() -> None:
    first, same, last = Contact(None, "甲", "+861"), Contact(None, "乙", "+861"), Contact(None, "值班电话", "+862")
    assert next_contact([first, same, last], set()) is first
    assert next_contact([first, same, last], {"+861"}) is last
    assert next_contact([first, same, last], {"+861", "+862"}) is None


def test_the_same_contact_is_called_again_while_there_is_time() -> None:
    ended, every = at("2026-10-01 03:00"), timedelta(minutes=3)
    assert calls_again(ended, every, ended + timedelta(minutes=4)) == ended + every
    assert calls_again(ended, every, ended + every) is None
