"""What a county's keys may be; a wrong one is named when the file is read."""

from pathlib import Path

import pytest

from callflow.menu import Does, Menu, MenuPolicy
from core import policy
from core.errors import Invalid
from crm import installed

COUNTY = Path(__file__).parents[3] / "counties" / "yiyang"
TEXT = (COUNTY / "policy.toml").read_text(encoding="utf-8")
REPEAT = '{ key = "9", does = "repeat", says = "重听" }'


@pytest.mark.proves("F02-4")
def test_the_countys_keys() -> None:
    menu = installed.read(COUNTY).policy[MenuPolicy].menu
    assert [menu.does(key) for key in "2905"] == [Does.STATUS, Does.REPEAT, Does.AGENT, None]
    assert menu.keys_for(Does.REPEAT, Does.AGENT) == "90"


@pytest.mark.proves("F02-4")
def test_without_a_decision_there_is_no_menu_and_no_key_leads_to_another() -> None:
    assert Menu().keys == ()
    assert set(Does) == {Does.STATUS, Does.REPEAT, Does.KEEP, Does.AGENT}, "each is an end, none opens further keys"


@pytest.mark.parametrize(
    ("now", "what"),
    [
        ('{ key = "2", does = "repeat" }', "同一按键有两种用途：2"),
        ('{ key = "10", does = "repeat" }', "key"),
        ('{ key = "9,1,System(id)", does = "repeat" }', "key"),
        ('{ key = "", does = "repeat" }', "key"),
        ('{ key = "９", does = "repeat" }', "key"),
        ('{ key = "9", does = "message" }', "does"),
        ('{ key = "9", does = "repeat", says = "重听,请" }', "says"),
        ('{ key = "9", does = "repeat", says = "{keys}" }', "says"),
        ('{ key = "9", does = "repeat", say = "重听" }', "say"),
    ],
)
def test_a_wrong_key_is_refused_by_its_name(now: str, what: str) -> None:
    assert REPEAT in TEXT
    with pytest.raises(Invalid, match="bad-policy") as caught:
        policy.parse(TEXT.replace(REPEAT, now))
    assert what in str(caught.value)


@pytest.mark.parametrize("line", ["wrong_keys = 9", "wrong_keys = -1", "key_wait_s = 1", "repeats = 10"])
def test_patience_has_its_limits(line: str) -> None:
    name = line.partition(" ")[0]
    before = next(one for one in TEXT.splitlines() if one.startswith(f"{name} = ") and '"' not in one)
    with pytest.raises(Invalid, match=name):
        policy.parse(TEXT.replace(before, line))
