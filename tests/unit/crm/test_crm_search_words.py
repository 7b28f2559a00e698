"""What the index keeps, what a search asks for, and how a search line is read."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from crm import installed
from crm.lexicon import Lexicon
from crm.search import words
from crm.search.filter import Asked, OrderFilter, understand
from crm.search.narrow import Narrowed
from crm.search.stretches import key_of, stretches

Cut = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def cut() -> Cut:
    lexicon = Lexicon(installed.read(Path("counties/yiyang")))
    return lambda run: [word for word, _ in lexicon.words(run)]


def found(text: str, search: str, cut: Cut) -> bool:
    kept = words.lexemes(text)
    asked = words.terms(search, cut)
    return bool(asked) and all(
        any(one.startswith(term[:-1]) for one in kept) if term.endswith("*") else term in kept for term in asked
    )


CONTENT = "桃花社区小区东门每天早晚占道经营，住建局与城管局说法不一，涉及ＫＴＶ夜间噪音，发票号AB1234567。"


@pytest.mark.parametrize(
    "search",
    [
        "占道经营",
        "占道 噪音",
        "住建",
        "城管局",
        "KTV噪音",
        "ktv",
        "ab1234",
        "桃花社区的噪音",
        "门",
        "一",
        "小区东门",
        "局说法",
    ],
)
def test_a_word_of_the_text_is_found(search: str, cut: Cut) -> None:
    assert found(CONTENT, search, cut)


@pytest.mark.parametrize("search", ["停水", "占道 停水", "kt1", "b1234567", "区噪", "，。", "厂"])
def test_what_is_not_in_the_text_is_not_found(search: str, cut: Cut) -> None:
    assert not found(CONTENT, search, cut)


@given(st.text(alphabet="小区门口占道经营噪音的停水电abc12 ，", min_size=1, max_size=60), st.data())
def test_any_piece_of_a_text_finds_it(text: str, data: st.DataObject) -> None:
    """Whatever the segmenter makes of a piece: its words are pairs that the text has too."""
    start = data.draw(st.integers(0, len(text) - 1))
    piece = text[start : data.draw(st.integers(start + 1, len(text)))]
    kept = words.lexemes(text)
    for term in words.terms(piece, lambda run: [run[at : at + 2] for at in range(0, len(run), 2)]):
        if term[0].isascii():
            continue  # a number cut in its middle is another number
        assert any(one.startswith(term.rstrip("*")) for one in kept)


def test_terms_are_safe_in_a_query(cut: Cut) -> None:
    asked = words.terms("'); DROP TABLE -- | & ! <-> :* 占道\\ u/ d/20000", cut)
    assert all("'" not in one and "/" not in one and "\\" not in one for one in asked)


@pytest.mark.parametrize(
    ("search", "asked"),
    [
        ("", Asked()),
        ("  ", Asked()),
        ("YY20261123-00001", Asked(numbers=("YY20261123-00001",))),
        ("yy20261123-000", Asked(numbers=("YY20261123-000",))),
        ("yy202611", Asked(numbers=("YY202611",))),
        ("20261123", Asked(numbers=("YY20261123",))),
        ("2026112300001", Asked(numbers=("YY20261123-00001",))),
        ("138 0000 1234", Asked(phones=("+8613800001234",))),
        ("0793-5901234", Asked(phones=("+867935901234",))),
        ("１３８００００１２３４ 噪音", Asked(phones=("+8613800001234",), words="噪音")),
        ("1234", Asked(last_fours=("1234",))),
        ("1234 小区 噪音", Asked(last_fours=("1234",), words="小区 噪音")),
        ("110", Asked(words="110")),
        ("12345", Asked(words="12345")),
        ("SR20261123", Asked(numbers=("SR20261123",))),
        ("SR3611252026", Asked(words="SR3611252026")),
    ],
)
def test_a_search_is_read(search: str, asked: Asked) -> None:
    assert understand(search, "YY") == asked


@given(st.integers(20_000, 20_400), st.integers(0, 400))
def test_a_time_is_asked_for_by_days_and_blocks(first: int, length: int) -> None:
    asked = set(words.within(first, first + length))
    for day in range(first - 20, first + length + 21):
        on = date(1970, 1, 1) + timedelta(days=day)
        assert bool(words.opened(on) & asked) is (first <= day <= first + length)
    assert len(asked) <= 2 * words.BLOCK + length // words.BLOCK


ID = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("key", ["x", f"0~2026-11-23T00:00:00~{ID}", f"9~2026-11-23T00:00:00+00:00~{ID}", "0~~", "~~"])
def test_a_forged_key_is_refused(key: str) -> None:
    with pytest.raises(Invalid) as refused:
        key_of(key, len(stretches(OrderFilter(), Narrowed(()))))
    assert refused.value.id == "bad-page"


def test_a_word_is_a_word_whatever_stands_in_it() -> None:
    assert words.every(["a/x' | 'y", "back\\slash*"]) == r"'a/x'' | ''y' & 'back\\slash':*"
    assert words.either(["it's"]) == "('it''s')"
