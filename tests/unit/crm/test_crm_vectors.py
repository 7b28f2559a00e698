"""The worked deadlines V01–V26 as one table, in the ordinary and in the strict reading (A13-1).

Each line names its vector; the columns are its limit, the day of dispatch (of signing in V13), its last day, the last
day where the day of dispatch counts, and whether the calendar only guesses. Boundaries, refusals and retention follow.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from crm_cases import UNITS, case

from core.actor import Actor
from core.calendar import Due, Reading, due, extended, official
from core.clock import SHANGHAI
from core.db import new_id
from core.permissions import Role
from crm.tickets.acts import extending
from crm.tickets.acts.extending import Extend
from crm.tickets.case import Case
from crm.tickets.rules import Objection
from crm.tickets.states import By, State
from recordings.archive.rules import last_protected_day

STRICT = Reading(count_start_day=True)
mark = pytest.mark


def begin(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=SHANGHAI)


def found(limit: int, day: str, reading: Reading = Reading()) -> Due:
    return due(begin(day), limit, official(), reading)


@mark.proves("A13-1")
@mark.parametrize(
    ("limit", "day", "last", "strict", "provisional"),
    [
        pytest.param(2, "2026-03-02", "2026-03-04", "2026-03-03", False, id="V01", marks=mark.proves("V01")),
        pytest.param(2, "2026-03-06", "2026-03-10", "2026-03-09", False, id="V02", marks=mark.proves("V02")),
        pytest.param(10, "2026-03-07", "2026-03-20", "2026-03-20", False, id="V03", marks=mark.proves("V03")),
        pytest.param(10, "2026-02-13", "2026-03-05", "2026-03-04", False, id="V04", marks=mark.proves("V04")),
        pytest.param(5, "2026-02-18", "2026-02-28", "2026-02-28", False, id="V05", marks=mark.proves("V05")),
        pytest.param(5, "2026-09-30", "2026-10-13", "2026-10-12", False, id="V06", marks=mark.proves("V06")),
        pytest.param(2, "2026-09-24", "2026-09-29", "2026-09-28", False, id="V07", marks=mark.proves("V07")),
        pytest.param(5, "2026-04-30", "2026-05-11", "2026-05-09", False, id="V08", marks=mark.proves("V08")),
        pytest.param(5, "2026-05-09", "2026-05-15", "2026-05-14", False, id="V09", marks=mark.proves("V09")),
        pytest.param(10, "2025-09-28", "2025-10-17", "2025-10-16", False, id="V10", marks=mark.proves("V10")),
        pytest.param(15, "2026-09-21", "2026-10-19", "2026-10-16", False, id="V11", marks=mark.proves("V11")),
        pytest.param(1, "2026-02-14", "2026-02-24", "2026-02-14", False, id="V12", marks=mark.proves("V12")),
        pytest.param(1, "2026-09-19", "2026-09-20", "2026-09-20", False, id="V13", marks=mark.proves("V13")),
        pytest.param(1, "2026-12-31", "2027-01-04", "2026-12-31", True, id="V14", marks=mark.proves("V14")),
        pytest.param(10, "2026-12-24", "2027-01-08", "2027-01-07", True, id="V15", marks=mark.proves("V15")),
        pytest.param(15, "2027-01-25", "2027-02-19", "2027-02-18", True, id="V16", marks=mark.proves("V16")),
        pytest.param(2, "2026-01-02", "2026-01-05", "2026-01-05", False, id="V17", marks=mark.proves("V17")),
        pytest.param(2, "2026-01-04", "2026-01-06", "2026-01-05", False, id="V18", marks=mark.proves("V18")),
        pytest.param(15, "2026-09-21", "2026-10-19", "2026-10-16", False, id="V25", marks=mark.proves("V25", "D14")),
    ],
)
@mark.proves("D2", "D6")
def test_A13_1_due(limit: int, day: str, last: str, strict: str, provisional: bool) -> None:
    ordinary = found(limit, day)
    assert ordinary.last_day == date.fromisoformat(last)
    assert ordinary.provisional is provisional
    assert ordinary.at == begin(last, 0) + timedelta(days=1)
    assert found(limit, day, STRICT).last_day == date.fromisoformat(strict)


@mark.proves("A13-1", "A15-1", "D16")
@mark.parametrize(
    ("limit", "day", "first", "last"),
    [
        pytest.param(10, "2026-03-09", "2026-03-23", "2026-04-07", id="V19", marks=mark.proves("V19")),
        pytest.param(5, "2026-03-24", "2026-03-31", "2026-04-08", id="V20", marks=mark.proves("V20")),
        pytest.param(10, "2026-09-14", "2026-09-28", "2026-10-16", id="V21", marks=mark.proves("V21")),
    ],
)
def test_A13_1_an_extension_counts_from_the_original_due_date(limit: int, day: str, first: str, last: str) -> None:
    ends = found(limit, day)
    assert ends.last_day == date.fromisoformat(first)
    longer = extended(ends.last_day, limit, official())
    assert longer.last_day == date.fromisoformat(last)
    assert longer.days[0].reason == "原到期日"
    assert extended(ends.last_day, limit, official(), STRICT).last_day == longer.last_day, "no day of dispatch to count"


@mark.proves("A13-1", "D3")
@mark.parametrize(
    ("submitted", "in_time"),
    [
        pytest.param(datetime(2026, 3, 4, 23, 59, 59, 999999, SHANGHAI), True, id="V22", marks=mark.proves("V22")),
        pytest.param(datetime(2026, 3, 5, 0, 0, tzinfo=SHANGHAI), False, id="V23", marks=mark.proves("V23")),
        pytest.param(datetime(2026, 3, 4, 15, 59, 59, 999999, UTC), True, id="V22-UTC", marks=mark.proves("V22")),
        pytest.param(datetime(2026, 3, 4, 16, 0, tzinfo=UTC), False, id="V23-UTC", marks=mark.proves("V23")),
    ],
)
def test_A13_1_the_last_instant_in_time_and_the_first_overdue(submitted: datetime, in_time: bool) -> None:
    assert (submitted < found(2, "2026-03-02").at) is in_time


def ten_days() -> Case:
    """A complaint that its lead handles, due 2026-12-07 24:00."""
    lead = Actor(new_id(), "经办人", frozenset({Role.UNIT_CLERK}), UNITS[By.LEAD])
    return case(State.HANDLING, lead)


def eleven_more() -> Objection | None:
    asked = Extend(ground=extending.Ground.COMPLEX, explanation="涉及多个路段", days=11)
    return extending.not_longer_than_the_limit(ten_days(), asked)


def a_second_time() -> Objection | None:
    one = ten_days()
    one.ticket.extensions = 1
    return extending.once(one)


def at_the_due_instant() -> Objection | None:
    one = ten_days()
    assert one.due_at is not None
    one.at = one.due_at - timedelta(microseconds=1)
    assert extending.before_due(one) is None
    one.at = one.due_at
    return extending.before_due(one)


@mark.proves("A13-1", "V24", "D16", "T10")
@mark.parametrize(
    ("asks", "sentence"),
    [
        pytest.param(eleven_more, "最多可延期10个工作日", id="V24-eleven-days"),
        pytest.param(a_second_time, "原则上只能延期1次", id="V24-a-second-time"),
        pytest.param(at_the_due_instant, "延期申请须在工单到期前", id="V24-at-the-due-instant"),
    ],
)
def test_A13_1_what_an_extension_is_refused_for(asks: Callable[[], Any], sentence: str) -> None:
    refused = asks()
    assert refused is not None and sentence in refused.sentence
    assert refused.rule == "第十五条"


@mark.proves("A13-1", "V26")
@mark.parametrize(("day", "last"), [("2026-11-23", "2029-11-23"), ("2028-02-29", "2031-02-28")])
def test_A13_1_a_recording_is_protected_to_its_day_three_years_on(day: str, last: str) -> None:
    assert last_protected_day(begin(day), 3) == date.fromisoformat(last)


@mark.proves("D2", "D5")
def test_the_day_of_dispatch_is_that_of_shanghai() -> None:
    evening = datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC)
    assert due(evening, 2, official()).last_day == date(2026, 3, 4)
    assert due(evening + timedelta(seconds=1), 2, official()).last_day == date(2026, 3, 5)


@mark.proves("V25", "D14")
def test_an_upgrade_on_day_nine_moves_the_due_of_ten_days() -> None:
    assert found(10, "2026-09-21").last_day == date(2026, 10, 12)
