"""A policy as a text: written whole, read back, compared value by value."""

import tomllib
from pathlib import Path

import pytest

import crm.installed  # noqa: F401 - defines every section of the policy
from core.errors import Invalid
from core.policy import parse, parse_stored
from core.rules.text import changes, chinese, toml, values, write
from crm.policy import LimitsPolicy

TEXT = (Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml").read_text(encoding="utf-8")
POLICY = parse(TEXT)


def test_what_is_written_is_read_back() -> None:
    again = parse(write(POLICY))
    assert again.sections == POLICY.sections
    assert (again.title, again.issued) == (POLICY.title, POLICY.issued)
    assert write(again) == write(POLICY)


@pytest.mark.parametrize("words", ['引号"、反斜杠\\', "换行\n第二行", "制表\t", "删除\x7f", "emoji 📞"])
def test_any_words_survive(words: str) -> None:
    assert tomllib.loads(f"x = {toml(words)}")["x"] == words


def test_a_change_is_found_by_value_or_by_basis() -> None:
    assert changes(POLICY, parse(TEXT)) == []
    after = parse(TEXT.replace("complaint = 10", "complaint = 8").replace("本局决定：短信签名", "本局决定：新签名"))
    found = [(one.after.section, one.after.name, one.before and one.before.value) for one in changes(POLICY, after)]
    assert sorted(found) == [("limits", "complaint", 10), ("sms", "signature", "弋阳12345")]


def test_a_section_is_replaced_and_nothing_else() -> None:
    stricter = POLICY[LimitsPolicy].model_copy(update={"complaint": 8})
    after = parse(write(POLICY, stricter))
    assert [one.after.name for one in changes(POLICY, after)] == ["complaint"]


@pytest.mark.proves("A01-1", "F31-1")
def test_every_value_has_a_name_in_chinese_and_its_basis() -> None:
    shown = [one for section in POLICY.sections.values() for one in values(section)]
    assert len(shown) > 30
    assert [key for key, section in POLICY.sections.items() if not section.title] == []
    for one in shown:
        assert one.label != one.basis, f"{one.section}.{one.name} has no title"
        assert any("一" <= sign <= "鿿" for sign in one.label), one
        assert one.basis.startswith(("第", "解释口径", "本局决定", "GB/T")), one


def test_values_read_as_people_write_them() -> None:
    said = [chinese(one) for one in (True, False, "", (), (5, 7), 3, "24:00")]
    assert said == ["是", "否", "无", "无", "5；7", "3", "24:00"]


def test_a_stored_version_takes_from_the_file_what_it_does_not_know() -> None:
    without = TEXT.replace("[clock]\n", "[gone]\n").replace("[clock.basis]\n", "[gone.basis]\n")
    with pytest.raises(Invalid, match="没有这些部分：gone"):
        parse(without)
    assert parse_stored(without, TEXT).sections == POLICY.sections
