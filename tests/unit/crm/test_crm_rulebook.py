"""What a change would do: the samples are the worked deadlines, and a changed reading moves those that it must."""

from datetime import date

import pytest
from conftest_county import COUNTIES

from core.calendar import official
from core.calendar.document import parse as parse_calendar
from core.calendar.seed import seed
from core.policy import parse
from crm.installed import Installation
from crm.rulebook.preview import of_calendar, of_policy, sample_due
from crm.rulebook.samples import SAMPLES

TEXT = (COUNTIES / "yiyang" / "policy.toml").read_text(encoding="utf-8")
DUE = [
    "2026-03-04",
    "2026-03-10",
    "2026-03-20",
    "2026-03-05",
    "2026-02-28",
    "2026-10-13",
    "2026-09-29",
    "2026-05-11",
    "2026-05-15",
    "2025-10-17",
    "2026-10-19",
    "2026-02-24",
    "2026-09-20",
    "2027-01-04",
    "2027-01-08",
    "2027-02-19",
    "2026-01-05",
    "2026-01-06",
]


@pytest.mark.proves("A13-1", "A31-1")
def test_the_samples_are_the_worked_deadlines(yiyang: Installation) -> None:
    found = [sample_due(sample, yiyang.rules.policies[0].policy, official()).last_day for sample in SAMPLES]
    assert [day.isoformat() for day in found] == DUE
    assert [sample.id for sample in SAMPLES] == [f"V{n:02}" for n in range(1, 19)]


@pytest.mark.proves("A31-1")
def test_a_stricter_reading_shows_which_samples_move(yiyang: Installation) -> None:
    before = yiyang.rules.policies[0].policy
    after = parse(TEXT.replace("count_start_day = false", "count_start_day = true"))
    preview = of_policy(before, after, official())
    assert [one.after.label for one in preview.changes] == ["派发当日计入时限"]
    stay = {"V03", "V05", "V13", "V17"}
    assert {one.sample.id for one in preview.moved} == {sample.id for sample in SAMPLES} - stay
    assert next(one for one in preview.moved if one.sample.id == "V12").after.last_day == date(2026, 2, 14)


@pytest.mark.proves("A31-1")
def test_a_changed_limit_moves_only_its_category(yiyang: Installation) -> None:
    after = parse(TEXT.replace("consultation = 2", "consultation = 3"))
    moved = of_policy(yiyang.rules.policies[0].policy, after, official()).moved
    assert {one.sample.limit for one in moved} == {"consultation"}
    assert of_policy(after, after, official()).moved == ()


@pytest.mark.proves("A31-1", "D4")
def test_a_changed_calendar_shows_what_moves(yiyang: Installation) -> None:
    closure = '[[closures]]\nday = 2026-03-03\nname = "暴雪停工"\ndocument = "弋府办字〔2026〕7号"\n\n'
    preview = of_calendar(yiyang.rules.policies[0].policy, official(), parse_calendar(closure + seed()))
    assert [one.sample.id for one in preview.moved] == ["V01", "V04"]


def test_a_county_with_other_limits_has_other_samples(invented: Installation) -> None:
    found = sample_due(SAMPLES[2], invented.rules.policies[0].policy, official())
    assert found.last_day == date(2026, 3, 17)
