"""How long recordings are protected is the bureau's decision, never less than the regulation's three years."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from crm import installed
from recordings.archive.rules import last_protected_day
from recordings.policy import RecordingPolicy

COUNTY = Path(__file__).parents[3] / "counties" / "yiyang"


def test_the_county_protects_recordings_for_three_years_by_article_twelve() -> None:
    decided = installed.read(COUNTY).policy[RecordingPolicy]
    assert "第十二条（九）" in decided.basis["protected_years"]
    day = last_protected_day(datetime(2026, 11, 23, 4, tzinfo=UTC), decided.protected_years)
    assert day.isoformat() == "2029-11-23"


@pytest.mark.parametrize("years", [0, 2, 101])
def test_less_than_the_regulation_asks_for_is_refused(years: int) -> None:
    with pytest.raises(ValidationError, match="protected_years"):
        basis = dict.fromkeys(("protected_years", "check_days"), "本局决定")
        RecordingPolicy.model_validate({"protected_years": years, "check_days": 1, "basis": basis})
