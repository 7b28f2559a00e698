"""When a citizen who was not reached is called again."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from callflow.callbacks.rules import next_try
from callflow.policy import LinePolicy
from core.clock import SHANGHAI

BANDS = ("09:00-12:00", "15:00-18:00", "19:00-21:00")


def decided(*bands: str) -> LinePolicy:
    """A policy of which only this matters."""
    return LinePolicy.model_construct(callback_bands=bands)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-12-{text}").replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("tried", "again"),
    [
        ("01 09:00", "01 15:00"),
        ("01 11:59", "01 15:00"),
        ("01 13:00", "01 15:00"),
        ("01 17:59", "01 19:00"),
        ("01 20:30", "02 09:00"),
        ("01 23:59", "02 09:00"),
        ("02 03:00", "02 09:00"),
        ("31 19:00", "32 09:00"),
    ],
)
def test_the_next_try_is_in_another_time_of_the_day(tried: str, again: str) -> None:
    wanted = at("31 09:00") + timedelta(days=1) if again.startswith("32") else at(again)
    assert next_try(at(tried).astimezone(UTC), decided(*BANDS)) == wanted


def test_with_one_time_of_the_day_it_is_the_next_days() -> None:
    assert next_try(at("01 10:00"), decided("09:00-12:00")) == at("02 09:00")


@pytest.mark.parametrize(
    "bands",
    [[], ["12:00-09:00"], ["09:00-12:00", "11:00-13:00"], ["15:00-18:00", "09:00-12:00"], ["9:00-12:00"], ["09:00"]],
)
def test_times_are_written_in_order_and_apart(bands: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        LinePolicy.model_validate({"callback_bands": bands, "basis": {}})
    assert any(one["loc"][0] == "callback_bands" for one in refused.value.errors())
