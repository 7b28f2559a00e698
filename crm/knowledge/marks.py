"""What a page marks in a found item: the characters that were asked for, by writing, by sound or by initials. Pure."""

import re
from collections.abc import Mapping
from itertools import pairwise

from core.written import is_han
from crm.knowledge.sounds import Cut, Piece, pieces
from crm.knowledge.terms import OFFICIAL, PAIR

SHOWN = 90
"""Characters of an answer in a list."""
BEFORE = 20
_RUNS = re.compile(r"[a-z0-9]+|[^\W_a-z0-9]+", re.IGNORECASE)
Marked = list[tuple[str, bool]]


def marked(text: str, wanted: Mapping[str, float], cut: Cut) -> Marked:
    """The text in stretches, each with whether it was asked for."""
    return _stretches(text, _flags(text, wanted, cut))


def snippet(text: str, wanted: Mapping[str, float], cut: Cut) -> Marked:
    """The part of an answer around what was asked for, one line of it."""
    line = " ".join(text.split())
    flags = _flags(line, wanted, cut)
    first = flags.index(True) if True in flags else 0
    begin = max(0, min(first - BEFORE, len(line) - SHOWN))
    found = _stretches(line[begin : begin + SHOWN], flags[begin : begin + SHOWN])
    return [*([("…", False)] if begin else []), *found, *([("…", False)] if begin + SHOWN < len(line) else [])]


def _flags(text: str, wanted: Mapping[str, float], cut: Cut) -> list[bool]:
    flags = [False] * len(text)
    for run in _RUNS.finditer(text):
        at, word = run.start(), run[0]
        if not is_han(word):
            if "c" + word.lower() in wanted:
                flags[at : run.end()] = [True] * len(word)
            continue
        for one in pieces(word, cut):
            if len(one.text) == len(word) == len(one.sounds):
                _mark_han(flags, at, one, wanted)
    return flags


def _mark_han(flags: list[bool], at: int, one: Piece, wanted: Mapping[str, float]) -> None:
    least, sounds, initials = PAIR * OFFICIAL, one.sounds, one.initials
    for n, (pair, heard) in enumerate(zip(pairwise(one.text), pairwise(sounds), strict=True)):
        if wanted.get("c" + "".join(pair), 0.0) >= least or "p" + " ".join(heard) in wanted:
            flags[at + n] = flags[at + n + 1] = True
    letters = "".join(sounds)
    ends = [sum(map(len, sounds[: n + 1])) for n in range(len(sounds))]
    hit = [False] * len(letters)
    for n in range(len(letters) - 2):
        if "l" + letters[n : n + 3] in wanted:
            hit[n : n + 3] = [True] * 3
    whole = [all(hit[end - len(sound) : end]) for sound, end in zip(sounds, ends, strict=True)]
    for n, (one_hit, next_hit) in enumerate(pairwise(whole)):
        if one_hit and next_hit:  # a lone syllable is in everything
            flags[at + n] = flags[at + n + 1] = True
    for n in range(len(initials) - 2):
        if "i" + initials[n : n + 3] in wanted:
            flags[at + n : at + n + 3] = [True] * 3


def _stretches(text: str, flags: list[bool]) -> Marked:
    found: Marked = []
    for character, flag in zip(text, flags, strict=True):
        if found and found[-1][1] is flag:
            found[-1] = (found[-1][0] + character, flag)
        else:
            found.append((character, flag))
    return found
