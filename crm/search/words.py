"""Words of orders as the index keeps them and as a search asks for them. Pure.

The index keeps every pair of neighbouring Chinese characters, so it does not age with the dictionary and nothing that
a person reads in an order is missed; a search is cut into words by the county's segmenter, and a word is found where
all its pairs are. Latin letters and digits are words of their own. Facts by which a search is narrowed stand among the
words, marked by a slash, which no word has.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from core.written import is_han, runs

LONGEST_WORD = 40
"""Longer runs of letters and digits are cut off: nobody types them."""
MOST_TERMS = 40
PREFIX_FROM = 3
"""Letters and digits match by their beginning from so many on."""
TITLE = "t/"
UNIT = "u/"

Cut = Callable[[str], Iterable[str]]
"""A run of Chinese -> its words."""


def lexemes(text: str) -> set[str]:
    """What the index keeps of a text: `小区噪音` -> 小区 区噪 噪音 音."""
    kept: set[str] = set()
    for run in runs(text):
        if is_han(run):
            kept.update(run[at : at + 2] for at in range(len(run)))
        else:
            kept.add(run[:LONGEST_WORD])
    return kept


def terms(text: str, cut: Cut) -> list[str]:
    """What a search asks for, all of it to be found: words of two characters and more, `厂*` for a lone character."""
    asked: list[str] = []
    for word in asked_words(text, cut):
        if not is_han(word):
            asked.append(word[:LONGEST_WORD] + ("*" if len(word) >= PREFIX_FROM else ""))
        elif len(word) == 1:
            asked.append(f"{word}*")
        else:
            asked.extend(word[at : at + 2] for at in range(len(word) - 1))
    return list(dict.fromkeys(asked))[:MOST_TERMS]


def asked_words(text: str, cut: Cut) -> list[str]:
    """The words of a search as they are looked for: of a run of Chinese those of two characters and more, if any."""
    asked: list[str] = []
    for run in runs(text):
        if not is_han(run):
            asked.append(run)
            continue
        words = _joined(cut(run))
        asked.extend([word for word in words if len(word) > 1] or words)
    return asked


def _joined(words: Iterable[str]) -> list[str]:
    """Neighbouring single characters make one word: the segmenter does not know every name."""
    joined: list[str] = []
    single = False
    for word in words:
        if len(word) == 1 and single:
            joined[-1] += word
        else:
            joined.append(word)
        single = len(word) == 1
    return joined


def unit(unit_id: UUID) -> str:
    """The order was assigned to this unit."""
    return f"{UNIT}{unit_id}"


def area(code: str) -> str:
    """The order's place is in this area."""
    return f"a/{code}"


BLOCK = 16
"""Days; a longer time is asked for by such blocks, so that a query stays short."""
_EPOCH = date(1970, 1, 1)


def number(on: date) -> int:
    """Days since 1970."""
    return (on - _EPOCH).days


def midnight(number: int) -> datetime:
    """When the day of this number begins (UTC)."""
    return datetime.combine(_EPOCH + timedelta(number), time(), UTC)


def opened(on: date) -> set[str]:
    """The order was opened on this day (UTC), and in this block of days."""
    return {f"d/{number(on)}", f"b/{number(on) // BLOCK}"}


def within(first: int, last: int) -> list[str]:
    """The fewest facts of which every day between these numbers, both included, has one."""
    found, at = [], first
    while at <= last:
        whole = at % BLOCK == 0 and at + BLOCK - 1 <= last
        found.append(f"b/{at // BLOCK}" if whole else f"d/{at}")
        at += BLOCK if whole else 1
    return found


def every(asked: Iterable[str], mark: str = "") -> str:
    """All of them, as a tsquery; `mark` asks for them in the title (`TITLE`)."""
    return " & ".join(_quoted(mark + one[:-1]) + ":*" if one.endswith("*") else _quoted(mark + one) for one in asked)


def either(asked: Sequence[str]) -> str:
    """One of them, as a tsquery."""
    return "(" + " | ".join(_quoted(one) for one in asked) + ")"


def _quoted(one: str) -> str:
    """As a tsquery takes any text for one word."""
    return "'" + one.replace("\\", "\\\\").replace("'", "''") + "'"
