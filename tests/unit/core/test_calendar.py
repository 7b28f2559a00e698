"""Working days and due dates: 第十三条, readings D1–D4."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import chinese_calendar
import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import DayKind, Limit, LimitUnit, Reading, WorkCalendar, due, extended, official, retyped
from core.calendar.document import parse, read, write
from core.calendar.forecast import statutory
from core.calendar.seed import seed
from core.clock import SHANGHAI
from core.errors import Invalid

at = st.datetimes(datetime(2023, 1, 1), datetime(2028, 10, 1)).map(lambda naive: naive.replace(tzinfo=SHANGHAI))
counts = st.integers(1, 15)
limits = st.one_of(
    counts.map(Limit),
    st.integers(1, 90).map(lambda n: Limit(n, LimitUnit.DAY)),
    st.integers(1, 12).map(lambda n: Limit(n, LimitUnit.MONTH)),
)
readings = st.builds(Reading, st.booleans(), st.sampled_from([time(0), time(17, 30)]))


def days_of(*years: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=n) for year in years for n in range(365 + (year % 4 == 0))]


def resting(day: date) -> WorkCalendar:
    known = official()
    return replace(known, exceptions={**known.exceptions, day: DayKind(False, "停工")})


@pytest.mark.proves("D1")
def test_the_seed_is_what_two_libraries_know() -> None:
    known = holidays.country_holidays("CN", years=range(2023, 2027))
    for day in days_of(2023, 2024, 2025, 2026):
        works = official().kind(day).works
        assert works == chinese_calendar.is_workday(day) == known.is_working_day(day), day


@pytest.mark.proves("D4")
def test_the_forecast_is_the_statutory_days_and_those_in_lieu() -> None:
    for year in range(2027, 2040):
        known = holidays.country_holidays("CN", years=year)
        assert {day for day in known if day.year == year} == set(statutory(year)), year


@pytest.mark.proves("D4")
def test_a_due_beyond_the_published_years_is_provisional() -> None:
    assert due(datetime(2026, 12, 30, 9, tzinfo=SHANGHAI), 5, official()).provisional
    assert not due(datetime(2026, 12, 1, 9, tzinfo=SHANGHAI), 5, official()).provisional


@pytest.mark.proves("F13-1")
@given(at, counts, readings)
def test_every_day_is_accounted_for(dispatched: datetime, limit: int, reading: Reading) -> None:
    found = due(dispatched, limit, official(), reading)
    assert [day.number for day in found.days if day.number] == list(range(1, limit + 1))
    assert all(b.day - a.day == timedelta(days=1) for a, b in zip(found.days, found.days[1:], strict=False))
    assert found.days[0].day == dispatched.date()
    assert found.days[-1].day == found.last_day
    assert all(day.reason for day in found.days)


@pytest.mark.proves("A13-2")
@given(at, limits, readings)
def test_a_due_is_a_working_day_in_the_future(dispatched: datetime, limit: Limit, reading: Reading) -> None:
    found = due(dispatched, limit, official(), reading)
    assert official().kind(found.last_day).works
    assert found.at > dispatched


@pytest.mark.proves("A13-2")
@given(at, st.timedeltas(timedelta(0), timedelta(days=30)), limits, readings)
def test_later_dispatch_is_never_due_earlier(
    dispatched: datetime, wait: timedelta, limit: Limit, reading: Reading
) -> None:
    assert due(dispatched + wait, limit, official(), reading).at >= due(dispatched, limit, official(), reading).at


@pytest.mark.proves("A13-2")
@given(at, limits, readings, st.integers(0, 60))
def test_a_further_day_off_never_makes_a_due_earlier(
    dispatched: datetime, limit: Limit, reading: Reading, later: int
) -> None:
    more = resting(dispatched.date() + timedelta(days=later))
    assert due(dispatched, limit, more, reading).at >= due(dispatched, limit, official(), reading).at


@pytest.mark.proves("A13-2")
@given(at, counts, readings)
def test_one_day_more_is_due_later(dispatched: datetime, limit: int, reading: Reading) -> None:
    found, later = (due(dispatched, n, official(), reading) for n in (limit, limit + 1))
    assert later.at > found.at


@given(at, counts)
def test_the_strict_reading_is_never_later(dispatched: datetime, limit: int) -> None:
    strict = due(dispatched, limit, official(), Reading(count_start_day=True))
    assert strict.at <= due(dispatched, limit, official()).at


def test_office_close_ends_the_day_and_what_comes_after_it_is_not_counted() -> None:
    close = Reading(count_start_day=True, ends_at=time(17, 30))
    monday = datetime(2026, 3, 2, 17, 29, 59, tzinfo=SHANGHAI)
    assert due(monday, 1, official(), close).at == datetime(2026, 3, 2, 17, 30, tzinfo=SHANGHAI)
    assert due(monday + timedelta(seconds=1), 1, official(), close).last_day == date(2026, 3, 3)


@pytest.mark.proves("D15")
@pytest.mark.parametrize(
    ("dispatched", "limit", "last_day", "skipped"),
    [
        ("2026-03-02", Limit(30, LimitUnit.DAY), "2026-04-01", []),
        ("2026-09-02", Limit(30, LimitUnit.DAY), "2026-10-08", ["10-02", "10-03", "10-04", "10-05", "10-06", "10-07"]),
        ("2026-01-31", Limit(1, LimitUnit.MONTH), "2026-02-28", []),  # 没有对应日的，月末日；该日调休上班
        ("2025-12-31", Limit(2, LimitUnit.MONTH), "2026-02-28", []),
        ("2024-02-29", Limit(12, LimitUnit.MONTH), "2025-02-28", []),
        ("2025-12-15", Limit(2, LimitUnit.MONTH), "2026-02-24", [f"02-{n}" for n in range(15, 24)]),
    ],
)
def test_other_laws_count_days_and_months(dispatched: str, limit: Limit, last_day: str, skipped: list[str]) -> None:
    begins = datetime.fromisoformat(f"{dispatched}T09:00").replace(tzinfo=SHANGHAI)
    found = due(begins, limit, official(), Reading(count_start_day=True))
    assert found.last_day == date.fromisoformat(last_day)
    passed = [day for day in found.days[1:] if day.number is None]
    assert [day.day.isoformat()[5:] for day in passed if "第二百零三条" in day.reason] == skipped


@pytest.mark.proves("D13")
def test_retyping_counts_from_the_same_dispatch_but_leaves_a_working_day() -> None:
    dispatched = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
    second = datetime(2026, 3, 3, 9, tzinfo=SHANGHAI)
    ninth = datetime(2026, 3, 12, 16, tzinfo=SHANGHAI)
    assert retyped(dispatched, 10, second, official()) == due(dispatched, 10, official())
    late = retyped(dispatched, 2, ninth, official())
    assert late.last_day == date(2026, 3, 13)
    assert "改类" in late.days[0].reason
    assert retyped(dispatched, 2, datetime(2026, 3, 4, 9, tzinfo=SHANGHAI), official()).last_day == date(2026, 3, 5)


@pytest.mark.proves("D1")
def test_a_county_closure_is_a_day_off_with_its_document() -> None:
    closure = '[[closures]]\nday = 2026-03-03\nname = "暴雪停工"\ndocument = "弋府办字〔2026〕7号"\n\n'
    closed = parse(closure + seed())
    found = due(datetime(2026, 3, 2, 9, tzinfo=SHANGHAI), 2, closed)
    assert found.last_day == date(2026, 3, 5)
    assert found.days[1].reason == "暴雪停工（弋府办字〔2026〕7号）"
    assert closed.version != official().version


def test_a_calendar_survives_being_written() -> None:
    assert read(write(read(seed()))) == read(seed())


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        '[2027]\nnotice = "通知"\nwork = [{ day = 2027-01-04, name = "元旦" }]',  # a Monday
        '[2027]\nnotice = "通知"\nrest = [{ day = 2029-01-04, name = "元旦" }]',
        '[2027]\nnotice = "通知"\nrest = [{ day = 2027-01-01, name = "元旦" }, { day = 2027-01-01, name = "元旦" }]',
        '[3027]\nnotice = "通知"',
        '[2027]\nnotice = "通知"\nholiday = []',
        '[[closures]]\nday = 2027-03-01\nname = "停工"\n',
    ],
)
def test_a_senseless_calendar_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="bad-calendar"):
        parse(text)


@pytest.mark.parametrize("limit", [0, -1, 10**6])
def test_a_senseless_limit_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="working days"):
        due(datetime(2026, 1, 1, tzinfo=SHANGHAI), limit, official())
    with pytest.raises(ValueError, match="working days"):
        extended(date(2026, 1, 1), limit, official())
