"""The rules of an order: those in force at its dispatch, read by its later acts, counted by the newest calendar."""

from collections.abc import Iterator
from datetime import date, datetime

import pytest
from invented_county import COUNTIES

from core.calendar import official
from core.calendar.document import parse as parse_calendar
from core.calendar.seed import seed
from core.clock import SHANGHAI, midnight
from core.policy import parse
from crm import installed
from crm.clocks import rules_at, rules_of
from crm.installed import Installation
from crm.policy import LimitsPolicy
from crm.queries.clocks import clock

TEXT = (COUNTIES / "yiyang" / "policy.toml").read_text(encoding="utf-8")
NEW_YEAR = datetime(2027, 1, 1, tzinfo=SHANGHAI)
MONDAY = datetime(2026, 3, 2, 10, tzinfo=SHANGHAI)


@pytest.fixture
def book(yiyang: Installation) -> Iterator[Installation]:
    stricter = parse(TEXT.replace("consultation = 2", "consultation = 1", 1))
    made = Installation(yiyang.county, yiyang.rules.with_policy(NEW_YEAR, stricter))
    installed.use(made)
    yield made
    installed.use(yiyang)


@pytest.mark.proves("D35")
def test_a_version_is_in_force_from_its_instant(book: Installation) -> None:
    limits = [rules.policy[LimitsPolicy].consultation for at in (MONDAY, NEW_YEAR) if (rules := rules_at(at))]
    assert limits == [2, 1]
    before = rules_at(NEW_YEAR.replace(year=2026, month=12, day=31, hour=23, minute=59, second=59))
    assert before is not None
    assert before.policy[LimitsPolicy].consultation == 2


@pytest.mark.proves("A06-1", "D35")
def test_later_acts_read_the_version_of_the_dispatch(book: Installation) -> None:
    kept = rules_of(book.rules.policies[0].policy.version)
    assert kept.policy[LimitsPolicy].consultation == 2
    with pytest.raises(LookupError):
        rules_of("0" * 16)


@pytest.mark.proves("A32-1", "D35")
def test_before_the_regulation_nothing_is_computed(book: Installation) -> None:
    first = midnight(date(2023, 6, 5))
    assert rules_at(first) is not None
    assert rules_at(first.replace(day=4, hour=23, minute=59, second=59)) is None


@pytest.mark.proves("D4")
def test_days_are_counted_by_the_newest_calendar(yiyang: Installation) -> None:
    closure = '[[closures]]\nday = 2026-03-03\nname = "暴雪停工"\ndocument = "弋府办字〔2026〕7号"\n\n'
    newer = Installation(yiyang.county, yiyang.rules.with_calendar(parse_calendar(closure + seed())))
    installed.use(newer)
    try:
        version = yiyang.rules.policies[0].policy.version
        assert rules_of(version).due(MONDAY, 2).last_day == date(2026, 3, 5)
    finally:
        installed.use(yiyang)


@pytest.mark.proves("D2", "D3")
def test_the_readings_are_values_of_the_policy(yiyang: Installation) -> None:
    strict = TEXT.replace("count_start_day = false", "count_start_day = true").replace('"24:00"', '"17:30"')
    made = Installation(yiyang.county, yiyang.rules.with_policy(NEW_YEAR.replace(year=2025), parse(strict)))
    installed.use(made)
    try:
        rules = rules_at(MONDAY)
        assert rules is not None
        ends = rules.due(MONDAY, 2)
        assert ends.at == datetime(2026, 3, 3, 17, 30, tzinfo=SHANGHAI)
        assert clock(ends.at, MONDAY, official()).text == "剩 1 个工作日 · 3月3日(周二)17:30 到期"
    finally:
        installed.use(yiyang)
