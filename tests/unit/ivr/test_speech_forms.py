"""Numbers, codes and dates as people say them."""

from datetime import date

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_a_date() -> None:
    assert speech_forms.day(date(2026, 11, 23)) == "十一月二十三日"
