"""Working days and due dates: 第十三条, readings D1–D4."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import due, official
from core.clock import SHANGHAI

at = st.datetimes(datetime(2023, 1, 1), datetime(2026, 10, 1)).map(lambda naive: naive.replace(tzinfo=SHANGHAI))


@pytest.mark.parametrize(
    ("dispatched", "limit", "last_day"),
    [
        ("2026-02-18T10:00", 5, "2026-02-28"),  # 春节假期派发，末日为调休的星期六
        ("2026-02-13T10:00", 1, "2026-02-14"),  # 星期六调休上班
        ("2026-09-30T23:59", 2, "2026-10-09"),
        ("2026-11-23T09:25", 10, "2026-12-07"),
        ("2025-12-31T08:00", 2, "2026-01-05"),  # 2026-01-04 星期日上班
    ],
)
def test_due_by_the_state_councils_notice(dispatched: str, limit: int, last_day: str) -> None:
    found = due(datetime.fromisoformat(dispatched).replace(tzinfo=SHANGHAI), limit, official())
    assert found.last_day == date.fromisoformat(last_day)
    assert found.at == datetime.combine(found.last_day + timedelta(days=1), datetime.min.time(), SHANGHAI)
    assert not found.provisional


def test_weekend_days_worked_in_2026() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    worked = [day.isoformat()[5:] for day in days if day.weekday() >= 5 and official().kind(day).works]
    assert worked == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]


def test_a_due_beyond_the_published_years_is_provisional() -> None:
    assert due(datetime(2026, 12, 30, 9, tzinfo=SHANGHAI), 5, official()).provisional


@given(at, st.integers(1, 15))
def test_every_day_is_accounted_for(dispatched: datetime, limit: int) -> None:
    found = due(dispatched, limit, official())
    assert [day.number for day in found.days if day.number] == list(range(1, limit + 1))
    assert all(b.day - a.day == timedelta(days=1) for a, b in zip(found.days, found.days[1:], strict=False))
    assert official().kind(found.last_day).works
    assert found.at < due(dispatched, limit + 1, official()).at


@given(at, st.timedeltas(timedelta(0), timedelta(days=30)), st.integers(1, 15))
def test_later_dispatch_is_never_due_earlier(dispatched: datetime, wait: timedelta, limit: int) -> None:
    assert due(dispatched + wait, limit, official()).at >= due(dispatched, limit, official()).at


@pytest.mark.parametrize("limit", [0, -1, 10**6])
def test_a_senseless_limit_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="working days"):
        due(datetime(2026, 1, 1, tzinfo=SHANGHAI), limit, official())
