"""A rate is rounded as a person would, and never to what was missed."""

import pytest

from core.rates import per_cent


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 0, "—"),
        (0, 3, "0.0%"),
        (1, 3, "33.3%"),
        (2, 3, "66.7%"),
        (1, 16, "6.3%"),
        (1, 800, "0.1%"),
        (1, 1, "100.0%"),
        (3, 2, "150.0%"),
        (2999, 3000, "99.9%"),
        (10**9 - 1, 10**9, "99.9%"),
    ],
)
def test_one_decimal_rounded_half_up_and_all_is_all(part: int, whole: int, shown: str) -> None:
    assert per_cent(part, whole) == shown


@pytest.mark.parametrize(("part", "shown"), [(9_494, "94.9%"), (9_499, "94.9%"), (9_500, "95.0%"), (9_999, "99.9%")])
def test_a_mark_that_was_missed_is_not_shown(part: int, shown: str) -> None:
    assert per_cent(part, 10_000, 95) == shown
