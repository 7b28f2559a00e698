"""How long recordings are protected is the bureau's decision, never less than the regulation's three years."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from crm import installed
from recordings.archive.rules import last_protected_day
from recordings.policy import ONLY_NEW, RecordingPolicy
from web.rule_form import fields

COUNTY = Path(__file__).parents[3] / "counties" / "yiyang"


def test_the_county_protects_recordings_for_three_years_by_article_twelve() -> None:
    decided = installed.read(COUNTY).policy[RecordingPolicy]
    assert "第十二条（九）" in decided.basis["protected_years"]
    day = last_protected_day(datetime(2026, 11, 23, 4, tzinfo=UTC), decided.protected_years)
    assert day.isoformat() == "2029-11-23"


@pytest.mark.parametrize("years", [0, 2, 101])
def test_less_than_the_regulation_asks_for_is_refused(years: int) -> None:
    with pytest.raises(ValidationError, match="protected_years"):
        forms = dict.fromkeys(("inbound_form", "outbound_form", "internal_form", "message_form"), "flac")
        basis = dict.fromkeys(("protected_years", "check_days", *forms), "本局决定")
        RecordingPolicy.model_validate({"protected_years": years, "check_days": 1, **forms, "basis": basis})


def test_who_changes_a_form_reads_that_it_counts_for_new_recordings_only() -> None:
    decided = installed.read(COUNTY).policy[RecordingPolicy]
    forms = [one for one in fields(decided) if one.name.endswith("_form")]
    assert len(forms) == 4 and {one.help for one in forms} == {ONLY_NEW}
    assert {one.kind for one in forms} == {"choice"} and ("opus-24", "Opus（有损），每路 24 kbit/s") in forms[0].options
