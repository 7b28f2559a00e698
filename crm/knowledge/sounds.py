"""How words sound and how their sound is typed: folded so that what southern speech and quick fingers confuse is one.

A whole phrase becomes one string of letters, folded the same way whether it was typed as letters or read from
characters, so that nobody has to say where a syllable ends: `shebaoka` and 社保卡 are both `sebaoka`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.written import is_han, runs
from crm.county.sounds import syllables

Cut = Callable[[str], Iterable[str]]
"""A run of Chinese -> its words."""
_CONFUSED = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"), ("l", "n"), ("r", "n"), ("hu", "fu"))
"""In this order: zh/z, ch/c, sh/s, final ng/n, l/n, r/l, and 湖/扶 of Gan speech (the initial, before a vowel)."""
_LETTERS = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Piece:
    """One run of a text. `words` and `sounds`, the folded syllable of each character, are of Chinese alone."""

    text: str
    letters: str
    words: Sequence[str] = ()
    sounds: Sequence[str] = ()
    initials: str = ""


@lru_cache(maxsize=50_000)
def fold(letters: str) -> str:
    """`zhang` and `zan` -> `zan`; an umlaut is a u."""
    letters = letters.replace("ü", "u").replace("nv", "nu").replace("lv", "lu")
    for before, after in _CONFUSED:
        letters = letters.replace(before, after)
    return letters


@lru_cache(maxsize=100_000)
def _spoken(word: str) -> tuple[tuple[str, ...], str]:
    """Folded syllables and initials of a word, which comes again and again."""
    said = syllables(word)
    return tuple(fold(one) for one in said), "".join(one[0] for one in said)


def pieces(text: str, cut: Cut) -> list[Piece]:
    """The text by runs, read aloud word by word."""
    found: list[Piece] = []
    for run in runs(text):
        if not is_han(run):
            found.append(Piece(run, fold(run)))
            continue
        words = tuple(cut(run))
        spoken = [_spoken(word) for word in words]
        sounds = [one for said, _ in spoken for one in said]
        found.append(Piece(run, "".join(sounds), words, sounds, "".join(first for _, first in spoken)))
    return found


def letters_of(text: str) -> str:
    """The whole text as folded letters; digits stand for themselves."""
    return "".join(one.letters for one in pieces(text, lambda run: [run]))


def typed(text: str) -> str:
    """The letters that somebody typed, joined; empty where Chinese was typed as well, or hardly any letters were."""
    found = runs(text)
    if any(is_han(run) for run in found):
        return ""
    letters = "".join(run for run in found if _LETTERS.fullmatch(run))
    return letters if len(letters) > 1 else ""
