"""Numbers, codes and dates as people say them."""

from datetime import date

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callflow.speak import pinyin
from ivr import speech_forms


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "零"), (2, "二"), (10, "十"), (12, "十二"), (20, "二十"), (101, "一百零一"), (110, "一百一十"),
        (2020, "二千零二十"), (10_003, "一万零三"), (120_000, "十二万"), (1_000_100, "一百万零一百"),
    ],
)  # fmt: skip
def test_numbers(value: int, said: str) -> None:
    assert speech_forms.number(value) == said


@given(st.integers(0, speech_forms.LARGEST))
def test_a_number_can_be_understood_again(value: int) -> None:
    assert cn2an.cn2an(speech_forms.number(value), "smart") == value


@pytest.mark.parametrize("value", [-1, speech_forms.LARGEST + 1])
def test_what_cannot_be_said(value: int) -> None:
    with pytest.raises(ValueError, match="cannot be said"):
        speech_forms.number(value)


def test_two_before_a_measure_word_stands_alone_only() -> None:
    assert [speech_forms.count(n, "位") for n in (2, 12, 22)] == ["两位", "十二位", "二十二位"]


def test_a_code_is_said_digit_by_digit() -> None:
    assert speech_forms.code("2026112300001") == "二零二六幺幺二三零零零零幺"


@pytest.mark.parametrize("code", ["", "12a", "１２"])
def test_a_code_is_digits(code: str) -> None:
    with pytest.raises(ValueError, match="not a code"):
        speech_forms.code(code)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (date(2026, 11, 23), "二〇二六年十一月二十三日"),
        (date(2027, 1, 1), "二〇二七年一月一日"),
        (date(2030, 2, 10), "二〇三〇年二月十日"),
        (date(2031, 12, 31), "二〇三一年十二月三十一日"),
        (date(2040, 10, 20), "二〇四〇年十月二十日"),
    ],
)
def test_a_date(value: date, said: str) -> None:
    assert speech_forms.full_date(value) == said


def test_years_are_said_with_the_characters_that_are_read_ling() -> None:
    assert pinyin(speech_forms.year(2026)) == "er4 ling2 er4 liu4 nian2"


def test_the_year_is_said_only_where_it_is_another() -> None:
    due = date(2027, 1, 4)
    assert speech_forms.date_prompts(due, date(2027, 1, 1)) == ["hotline/month-1", "hotline/day-4"]
    assert speech_forms.date_prompts(due, date(2026, 12, 30))[0] == "hotline/year-2027"
    assert speech_forms.date_prompts(date(2199, 1, 4), date(2026, 12, 30)) == ["hotline/month-1", "hotline/day-4"]


def test_an_order_number_is_said_digit_by_digit() -> None:
    said = speech_forms.order_prompts("2026112300011")
    assert [prompt.rpartition("-")[2] for prompt in said] == [*"2026112300011"]
    assert speech_forms.order_prompts("YY2026-1") == [f"hotline/code-{digit}" for digit in "20261"]


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("13800000001", "幺三八零零零零零零零幺"),
        ("12345", "幺二三四五"),
        ("000000", "零零零零零零"),
        ("110", "幺幺零"),
    ],
)
def test_telephones_and_codes_have_yao_for_one(digits: str, said: str) -> None:
    assert speech_forms.code(digits) == said
