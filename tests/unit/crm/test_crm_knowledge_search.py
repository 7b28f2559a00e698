"""Finding items: how people write, hear and type; what is in force; nothing that anybody types breaks it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid
from crm import installed
from crm.installed import Installation
from crm.knowledge.engine import Engine, Entry, Narrow
from crm.knowledge.evaluate import evaluate, read
from crm.knowledge.finder import cut_of, engine_for
from crm.knowledge.marks import SHOWN, marked, snippet
from crm.knowledge.seed import engine_of_county
from crm.knowledge.sounds import fold, letters_of, typed
from crm.knowledge.terms import asked
from crm.knowledge.wordings import Wordings

QUESTIONS = Path(__file__).parents[2] / "data" / "knowledge_questions.tsv"
TODAY = date(2026, 11, 29)
ANY = Narrow()
LOST_CARD = "ZS00020"
ITEM = Entry(
    "a", "ZS90000", 1, ("独角兽饲养登记怎么办理",), "到县林业局办理。", "approval", "lyj", "taoyuan", None, None
)


@pytest.fixture(scope="module")
def engine(installation: Installation) -> Engine:
    return engine_of_county(installation)


@pytest.fixture
def few(yiyang: Installation) -> Engine:
    made = engine_for(yiyang)
    made.put(ITEM)
    made.put(replace(ITEM, id="b", number="ZS90001", questions=("麒麟饲养登记",), kind="policy", unit="nyncj", area=""))
    return made


def numbers(engine: Engine, text: str, narrow: Narrow = ANY, day: date = TODAY) -> list[str]:
    return [hit.entry.number for hit in engine.search(text, narrow, day, 3)]


@pytest.mark.proves("A17-2")
def test_the_right_item_is_among_the_first_three(engine: Engine) -> None:
    questions = read(QUESTIONS)
    known = {one.number for one in installed.installed().county.knowledge.item}
    assert len(questions) >= 200 and len(known) >= 80
    assert {item for _, item in questions} == known, "every item is asked for"
    verdict = evaluate(engine, questions, TODAY)
    assert verdict.among_three / verdict.count >= 0.95, verdict.misses
    assert verdict.first <= verdict.among_three == verdict.count - len(verdict.misses)


@pytest.mark.parametrize(
    "text",
    [
        "社保卡丢了",
        "社会保障卡挂失",
        "市民卡不见了",
        "社保咔掉了怎么办",
        "社宝卡挂失",
        "shebaoka guashi",
        "SHEBAOKA diule",
        "sebaoka gusi",
        "请问一下我的社保卡弄丢了怎么办啊",
        "社保卡　挂失！！",
    ],
)
def test_colloquial_wrong_and_typed_words_lead_to_one_item(engine: Engine, text: str) -> None:
    assert LOST_CARD in numbers(engine, text)


def test_initials_and_the_beginning_of_a_word_are_enough(engine: Engine) -> None:
    assert numbers(engine, "gjjdk")[0] == "ZS00047"
    assert "ZS00067" in numbers(engine, "燃气泄")
    assert "ZS00045" in numbers(engine, "dianti kun")


def test_what_nobody_wrote_of_finds_nothing(engine: Engine) -> None:
    for text in ("", " ", "？！", "qqqqq", "鑫鑫鑫", "a"):
        assert numbers(engine, text) == [], text


def test_an_item_is_found_while_it_is_valid_and_until_it_is_dropped(few: Engine) -> None:
    few.put(replace(ITEM, valid_from=date(2026, 11, 1), valid_to=date(2026, 11, 29)))
    assert numbers(few, "独角兽饲养")[0] == "ZS90000"
    assert "ZS90000" not in numbers(few, "独角兽饲养", day=date(2026, 11, 30))
    assert "ZS90000" not in numbers(few, "独角兽饲养", day=date(2026, 10, 31))
    few.put(replace(ITEM, questions=("凤凰饲养登记",), version=2))
    assert len(few) == 2
    [hit, *_] = few.search("凤凰", ANY, TODAY, 3)
    assert (hit.entry.number, hit.entry.version) == ("ZS90000", 2)
    assert "ZS90000" not in numbers(few, "独角兽")
    few.drop("a")
    few.drop("a")
    assert numbers(few, "凤凰") == [] and few.entry("a") is None and few.dead_share > 0.5


def test_filters_narrow(few: Engine) -> None:
    assert set(numbers(few, "饲养登记")) == {"ZS90000", "ZS90001"}
    for narrow in (Narrow(kind="approval"), Narrow(unit="lyj"), Narrow(area="taoyuan")):
        assert numbers(few, "饲养登记", narrow) == ["ZS90000"]
    assert numbers(few, "饲养登记", Narrow(unit="nobody")) == []


@settings(deadline=None)
@given(st.text(max_size=200))
def test_nothing_that_is_typed_breaks_it(text: str) -> None:
    made = engine_for(installed.installed())
    made.put(ITEM)
    assert len(made.search(text, ANY, TODAY, 5)) <= 1
    shown = marked(text, asked(text, cut_of(installed.installed()), Wordings(())), cut_of(installed.installed()))
    assert "".join(part for part, _ in shown) == text


@pytest.mark.parametrize(
    "text", ["长" * 100_000, "shebaoka" * 20_000, "社保卡" * 30_000, "%_\\'\"<script>", "\x00\u202e"]
)
def test_a_hostile_search_is_a_search(engine: Engine, text: str) -> None:
    engine.search(text, ANY, TODAY, 10)


def test_sounds_fold_what_is_confused() -> None:
    assert fold("zhang") == fold("zan") and fold("lan") == fold("nan") and fold("hui") == fold("fui")
    assert letters_of("社保卡") == fold("shebaoka") == fold("sebaoka")
    assert typed("SHE bao-ka") == "shebaoka" and typed("社保ka") == "" and typed("1") == ""


def test_what_was_asked_for_is_marked(yiyang: Installation) -> None:
    cut, wordings = cut_of(yiyang), Wordings(yiyang.county.knowledge.words)

    def shown(text: str, search: str) -> str:
        return "".join(f"[{part}]" if hit else part for part, hit in marked(text, asked(search, cut, wordings), cut))

    assert shown("社会保障卡挂失和补办", "社保卡丢了") == "[社会保障卡挂失]和补办"
    assert shown("电梯困人怎么办", "dianti") == "[电梯]困人怎么办"
    assert shown("办理电费", "dianti") == "办理电费"
    assert shown("住房公积金贷款", "gjjdk") == "住房[公积金贷款]"
    assert shown("ETC怎么办", "etc") == "[ETC]怎么办"
    assert shown("<b>电梯</b>", "电梯") == "<b>[电梯]</b>"
    long = snippet("前面的话，" * 40 + "电梯困人的，拨打119。" + "后面的话" * 40, asked("电梯困人", cut, wordings), cut)
    assert ("电梯困人", True) in long and sum(len(part) for part, _ in long) <= SHOWN + 2
    assert snippet("短", {}, cut) == [("短", False)]


def test_a_file_of_questions_says_what_is_wrong(tmp_path: Path) -> None:
    comma = tmp_path / "q.csv"
    comma.write_text("question,item\n社保卡丢了,ZS00020\n", encoding="utf-8")
    assert read(comma) == [("社保卡丢了", "ZS00020")]
    empty, binary = tmp_path / "e.tsv", tmp_path / "b.tsv"
    empty.write_text("question\titem\n", encoding="utf-8")
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (empty, binary, tmp_path / "none.tsv"):
        with pytest.raises(Invalid, match="问题文件"):
            read(path)
