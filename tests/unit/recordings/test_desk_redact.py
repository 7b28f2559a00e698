"""What redaction covers: stretches joined and bounded, words masked with them, other voices untouched."""

import pytest

from core.errors import Invalid
from recordings.desk.redact import MARGIN_S, MOST, Stretch, masked, tidied
from recordings.models import Side

WORDS = [
    {"w": "我叫", "start": 1.0, "end": 1.4},
    {"w": "张三", "start": 1.5, "end": 2.0},
    {"w": "住在", "start": 2.4, "end": 2.8},
]


def test_stretches_get_margins_and_are_joined_on_their_channel() -> None:
    wanted = [Stretch(0, 2, 3), Stretch(1, 2.5, 4), Stretch(0, 3.1, 4), Stretch(0, 9.5, 10)]
    made = tidied(wanted, 2, 10)
    assert [(one.channel, round(one.start, 2), round(one.end, 2)) for one in made] == [
        (0, 1.9, 4.1),
        (0, 9.4, 10),
        (1, 2.4, 4.1),
    ]
    assert MARGIN_S == 0.1


@pytest.mark.parametrize(
    "wanted",
    [
        [],
        [Stretch(2, 0, 1)],
        [Stretch(-1, 0, 1)],
        [Stretch(0, 3, 3)],
        [Stretch(0, 4, 3)],
        [Stretch(0, -1, 3)],
        [Stretch(0, 1, 99)],
        [Stretch(0, float("nan"), 3)],
        [Stretch(0, 0, 1)] * (MOST + 1),
    ],
)
def test_what_lies_outside_is_refused(wanted: list[Stretch]) -> None:
    with pytest.raises(Invalid, match="bad-stretch"):
        tidied(wanted, 2, 10)


@pytest.mark.parametrize(
    ("covered", "text", "said"),
    [
        ([], "我叫张三住在", "我叫张三住在"),
        ([Stretch(0, 1.5, 2.0)], "我叫张三住在", "我叫■■住在"),
        ([Stretch(1, 1.5, 2.0)], "我叫张三住在", "我叫张三住在"),
        ([Stretch(0, 1.4, 2.5)], "我叫张三住在", "我叫■■住在"),
        ([Stretch(0, 1.4, 2.6)], "我叫张三住在", "我叫■■■■"),
        ([Stretch(0, 1.5, 2.0)], "我叫章三，住在", "■■■■■■■"),
        ([Stretch(0, 5, 6)], "我叫章三，住在", "我叫章三，住在"),
    ],
)
def test_words_go_with_their_sound_and_corrected_lines_as_a_whole(covered: list[Stretch], text: str, said: str) -> None:
    assert masked(Side.CITIZEN, text, WORDS, (1.0, 2.8), covered) == said
