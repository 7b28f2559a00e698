"""Deadlines worked out by hand and by others: ordinary reading and strict reading (requirement A13-1)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.calendar import Due, Reading, due, extended, official
from core.clock import SHANGHAI

STRICT = Reading(count_start_day=True)
# id: limit, day of dispatch (of signing in V13), last day, last day in the strict reading, provisional
VECTORS = {
    "V01": (2, "2026-03-02", "2026-03-04", "2026-03-03", False),
    "V02": (2, "2026-03-06", "2026-03-10", "2026-03-09", False),
    "V03": (10, "2026-03-07", "2026-03-20", "2026-03-20", False),
    "V04": (10, "2026-02-13", "2026-03-05", "2026-03-04", False),
    "V05": (5, "2026-02-18", "2026-02-28", "2026-02-28", False),
    "V06": (5, "2026-09-30", "2026-10-13", "2026-10-12", False),
    "V07": (2, "2026-09-24", "2026-09-29", "2026-09-28", False),
    "V08": (5, "2026-04-30", "2026-05-11", "2026-05-09", False),
    "V09": (5, "2026-05-09", "2026-05-15", "2026-05-14", False),
    "V10": (10, "2025-09-28", "2025-10-17", "2025-10-16", False),
    "V11": (15, "2026-09-21", "2026-10-19", "2026-10-16", False),
    "V12": (1, "2026-02-14", "2026-02-24", "2026-02-14", False),
    "V13": (1, "2026-09-19", "2026-09-20", "2026-09-20", False),
    "V14": (1, "2026-12-31", "2027-01-04", "2026-12-31", True),
    "V15": (10, "2026-12-24", "2027-01-08", "2027-01-07", True),
    "V16": (15, "2027-01-25", "2027-02-19", "2027-02-18", True),
    "V17": (2, "2026-01-02", "2026-01-05", "2026-01-05", False),
    "V18": (2, "2026-01-04", "2026-01-06", "2026-01-05", False),
}
EXTENSIONS = {
    "V19": (10, "2026-03-09", "2026-03-23", "2026-04-07"),
    "V20": (5, "2026-03-24", "2026-03-31", "2026-04-08"),
    "V21": (10, "2026-09-14", "2026-09-28", "2026-10-16"),
}


def begin(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=SHANGHAI)


def found(limit: int, day: str, reading: Reading) -> Due:
    return due(begin(day), limit, official(), reading)


@pytest.mark.proves("A13-1", "D2", "D6", "D12", "V01", "V02", "V03", "V04", "V05", "V06", "V07", "V08", "V09", "V10")
@pytest.mark.proves("V11", "V12", "V13", "V14", "V15", "V16", "V17", "V18")
@pytest.mark.parametrize(("limit", "day", "last", "strict", "provisional"), VECTORS.values(), ids=VECTORS)
def test_A13_1_due(limit: int, day: str, last: str, strict: str, provisional: bool) -> None:
    ordinary = found(limit, day, Reading())
    assert ordinary.last_day == date.fromisoformat(last)
    assert ordinary.provisional is provisional
    assert ordinary.at == begin(last, 0) + timedelta(days=1)
    assert found(limit, day, STRICT).last_day == date.fromisoformat(strict)


@pytest.mark.proves("V19", "V20", "V21", "D16", "A15-1")
@pytest.mark.parametrize(("limit", "day", "first", "last"), EXTENSIONS.values(), ids=EXTENSIONS)
def test_A15_1_extension_counts_from_the_original_due_date(limit: int, day: str, first: str, last: str) -> None:
    ends = found(limit, day, Reading())
    assert ends.last_day == date.fromisoformat(first)
    longer = extended(ends.last_day, limit, official())
    assert longer.last_day == date.fromisoformat(last)
    assert longer.days[0].reason == "原到期日"


@pytest.mark.proves("V22", "V23", "D3")
def test_V22_V23_the_last_instant_in_time_and_the_first_overdue() -> None:
    ends = found(2, "2026-03-02", Reading()).at
    assert datetime(2026, 3, 4, 23, 59, 59, 999999, SHANGHAI) < ends
    assert datetime(2026, 3, 4, 16, 0, tzinfo=UTC) == ends  # 2026-03-05 00:00 in Shanghai is too late


@pytest.mark.proves("D2", "D5")
def test_the_day_of_dispatch_is_that_of_shanghai() -> None:
    evening = datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC)
    assert due(evening, 2, official()).last_day == date(2026, 3, 4)
    assert due(evening + timedelta(seconds=1), 2, official()).last_day == date(2026, 3, 5)


@pytest.mark.proves("V25", "D14")
def test_V25_an_upgrade_on_day_nine_counts_from_the_original_dispatch() -> None:
    assert found(10, "2026-09-21", Reading()).last_day == date(2026, 10, 12)
    assert found(15, "2026-09-21", Reading()).last_day == date(2026, 10, 19)
