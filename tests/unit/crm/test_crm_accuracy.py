"""准确率: the draw by plan and seed, the rate, and which finding stands (F18-4)."""

import random
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.accuracy.rules import Tally, Verdict, count, draw, final
from crm.accuracy_policy import AccuracyPolicy
from crm.sampling import Period, last_complete, newest, period_of

VALUES: dict[str, Any] = {"period": "month", "share": 10, "least": 2, "answers": 3, "seed": "system"}


def plan(**changed: Any) -> AccuracyPolicy:
    values = VALUES | changed
    return AccuracyPolicy.model_validate(values | {"basis": dict.fromkeys(values, "本局决定")})


@pytest.mark.parametrize(
    ("there", "share", "least", "checked"),
    [(0, 10, 2, 0), (1, 10, 2, 1), (5, 10, 2, 2), (20, 10, 2, 2), (21, 10, 2, 3), (11, 100, 1, 11), (1000, 1, 1, 10)],
)
def test_a_units_share_is_rounded_up_and_no_less_than_the_least(
    there: int, share: int, least: int, checked: int
) -> None:
    assert count(there, plan(share=share, least=least)) == checked


@pytest.mark.proves("F18-4")
@given(
    seed=st.integers(0, 2**63 - 1),
    sizes=st.dictionaries(st.sampled_from("甲乙丙丁"), st.integers(1, 60)),
    answers=st.integers(0, 30),
    shuffled=st.randoms(use_true_random=False),
)
def test_the_same_seed_draws_the_same_sample_whatever_the_order(
    seed: int, sizes: dict[str, int], answers: int, shuffled: random.Random
) -> None:
    items = {unit: [f"{unit}{n}" for n in range(size)] for unit, size in sizes.items()}
    given_ = [f"答{n}" for n in range(answers)]
    drawn = draw(seed, items, given_, plan())
    for unit, size in sizes.items():
        of_unit = [one for one in drawn.items if one[0] == unit]
        assert len(of_unit) == len(set(of_unit)) == count(size, plan()) and set(of_unit) <= set(items[unit])
    assert len(drawn.answers) == len(set(drawn.answers)) == min(3, answers)
    mixed = {unit: shuffled.sample(of, len(of)) for unit, of in reversed(items.items())}
    assert draw(seed, mixed, shuffled.sample(given_, len(given_)), plan()) == drawn
    kept = {unit: [one for one in of if one in drawn.items] for unit, of in items.items()}
    assert draw(seed, kept, drawn.answers, plan(share=100)) == drawn, "what was not drawn changes nothing"


def test_every_item_is_as_likely_as_any_other() -> None:
    items, hits = {"甲": [f"项{n}" for n in range(20)]}, dict.fromkeys([f"项{n}" for n in range(20)], 0)
    for seed in range(2000):
        for one in draw(seed, items, [], plan()).items:
            hits[one] += 1
    assert all(140 < hit < 260 for hit in hits.values()), "2 of 20, 2000 times: 200 each"


@pytest.mark.proves("F18-4")
@given(st.integers(0, 3000), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_the_rate_is_of_what_was_checked_and_whole_only_where_all_is_accurate(
    accurate: int, wrong: int, outdated: int, doubtful: int, waiting: int
) -> None:
    checked = accurate + wrong + outdated + doubtful
    of = Tally(checked + waiting, accurate, wrong, outdated, doubtful)
    assert of.checked == checked
    if not checked:
        assert of.rate == "—"
        return
    assert (of.rate == "100.0%") == (accurate == checked)
    assert abs(float(of.rate[:-1]) - 100 * accurate / checked) <= 0.1
    assert of + Tally() == of and (of + of).rate == of.rate


def test_units_add_up() -> None:
    assert Tally(9, 4, 1, 1, 1) + Tally(1, 1) == Tally(10, 5, 1, 1, 1)
    assert Tally(3000, 2999, 1).rate == "99.9%" and Tally(3, 2, 1).rate == "66.7%"


@pytest.mark.parametrize(
    ("verdict", "answered", "stands"),
    [
        ("", None, False),
        (Verdict.ACCURATE, None, False),
        (Verdict.DOUBTFUL, None, False),
        (Verdict.WRONG, None, False),
        (Verdict.WRONG, "", True),
        (Verdict.OUTDATED, "", True),
        (Verdict.WRONG, "right", True),
        (Verdict.OUTDATED, "wrong", False),
    ],
)
def test_a_finding_may_be_changed_unless_the_unit_answers_it_or_found_it_right(
    verdict: str, answered: str | None, stands: bool
) -> None:
    assert bool(final(verdict, answered)) == stands


@pytest.mark.parametrize(
    ("day", "first", "last", "label"),
    [
        (date(2026, 11, 30), date(2026, 10, 1), date(2026, 12, 31), "2026年第4季度"),
        (date(2026, 1, 1), date(2026, 1, 1), date(2026, 3, 31), "2026年第1季度"),
        (date(2028, 6, 30), date(2028, 4, 1), date(2028, 6, 30), "2028年第2季度"),
    ],
)
def test_a_period_may_be_a_quarter(day: date, first: date, last: date, label: str) -> None:
    found = period_of(day, "quarter")
    assert (found, found.label) == (Period(first, last), label)
    assert last_complete(day, "quarter").last < found.first


def test_the_periods_that_are_over_begin_with_the_newest() -> None:
    found = newest(date(2026, 1, 15), "month", 3)
    assert [one.label for one in found] == ["2025年12月", "2025年11月", "2025年10月"]
