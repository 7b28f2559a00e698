"""Emergencies in what people say: compositions of words, what makes them none, and what the cases teach."""

from pathlib import Path

import pytest

from core.errors import Invalid
from crm.county.emergencies import Emergencies, load_emergencies, spelt
from crm.emergencies.detect import Recogniser, recogniser_of
from crm.emergencies.evaluate import evaluate, read
from crm.installed import Installation

DATA = Path("tests/data")
SMALL = {
    "spoken": {"没有": ["冇得"]},
    "concepts": {"thing": ["房(子/)", "电梯"], "burns": ["着火", "冒烟"], "now": ["快来"]},
    "kind": [
        {
            "code": "fire", "name": "火灾", "level": "life", "line": "119", "line_name": "火警",
            "script": "先撤到安全的地方。", "signs": ["@thing + @burns"], "but": ["饭店"],
        }
    ],
    "guard": [
        {"name": "否定", "where": "before", "words": ["没有"]},
        {"name": "假设", "where": "clause", "words": ["万一"]},
        {"name": "事后", "where": "near", "words": ["赔偿"], "lifted_by": ["now"]},
    ],
    "idioms": ["火锅"],
}  # fmt: skip


KIND = "[[kind]]\ncode='a'\nname='甲'\nlevel='life'\nline='110'\nline_name='甲'\nscript='请撤离。'\n"


def small() -> Recogniser:
    return Recogniser(Emergencies.model_validate(SMALL))


def test_a_word_is_spelt_in_all_its_ways() -> None:
    assert list(spelt("叫(不/没)醒(了/)")) == ["叫不醒了", "叫不醒", "叫没醒了", "叫没醒"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("房子着火了", ("房子", "着火")),
        ("着火了，是那边的房子", ("着火", "房子")),
        ("房子，旁边，又一栋，远远的那边，着火", None),
        ("房子冇得着火", None),
        ("万一房子着火怎么办", None),
        ("房子着火，赔偿找谁", None),
        ("房子着火，快来，别问赔偿", ("房子", "着火")),
        ("饭店的房子冒烟", None),
    ],
)
def test_what_stands_together_is_a_sign_unless_something_speaks_against_it(
    text: str, words: tuple[str, ...] | None
) -> None:
    assert [one.words for one in small().read(text)] == ([words] if words else [])


def test_a_finding_says_where_it_was_said() -> None:
    text = "您好，我们那个房子着火了"
    found = small().read(text)[0]
    assert text[found.start : found.end] == "房子着火"


def test_a_long_word_is_known_by_its_sound(yiyang: Installation) -> None:
    assert [one.kind.code for one in recogniser_of(yiyang).read("屋里天燃气漏了")] == ["gas"]


def test_places_are_not_read_as_words(yiyang: Installation) -> None:
    assert recogniser_of(yiyang).read("朱坑镇和洪山村交界处") == []


def test_every_set_of_cases_is_recognised(yiyang: Installation) -> None:
    """All sets but `held_out` are taught: that they stay recognised is what this holds."""
    for path in sorted(DATA.glob("emergency_*.tsv")):
        verdict = evaluate(recogniser_of(yiyang), read(path))
        assert len(verdict.missed) <= max(1, 0.02 * verdict.emergencies), [one.case.text for one in verdict.missed]
        assert len(verdict.false_alarms) <= 0.05 * verdict.others, [one.case.text for one in verdict.false_alarms]


def test_what_the_brief_words_of_panic_say_is_recognised(yiyang: Installation) -> None:
    spoken = (
        "一股很浓的臭鸡蛋味 人掉河里没上来 线掉地上冒火花 站在楼顶不下来 手腕割了好多血 路面陷下去一个大坑 喘不上气"
    )
    spoken += " 打起来了拿着刀 老人摔倒叫不醒 水淹到一楼了 整个小区都没电 冒黑烟了"
    assert [text for text in spoken.split() if not recogniser_of(yiyang).read(text)] == []


def test_a_county_without_the_file_recognises_nothing(tmp_path: Path) -> None:
    assert Recogniser(load_emergencies(tmp_path)).read("着火了") == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (KIND + "signs=['@x']", "@x"),
        ("[[guard]]\nname='甲'\nwhere='near'\nwords=['乙']\nlifted_by=['now']", "now"),
        ("idioms = ['(甲']", "括号"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path: Path, change: str, says: str) -> None:
    (tmp_path / "emergencies.toml").write_text(change, encoding="utf-8")
    with pytest.raises(Invalid, match="bad-county") as refused:
        load_emergencies(tmp_path)
    assert says in refused.value.message


def test_a_file_without_cases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cases.tsv").write_text("text\tkind\n", encoding="utf-8")
    with pytest.raises(Invalid, match="bad-cases"):
        read(tmp_path / "cases.tsv")
