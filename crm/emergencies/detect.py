"""Which emergencies a text speaks of, and by which words. Pure.

A finding only proposes: an agent confirms it or says that it is none (F14-1).
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from crm.county.emergencies import Emergencies, EmergencyKind, Guard
from crm.county.sounds import syllables
from crm.emergencies.learned import Judged, learned
from crm.emergencies.spoken import Plain, Wording
from crm.installed import Installation

Span = tuple[int, int]
GAP = 6
"""So many characters may stand where a word has `…`."""
BREAK = re.compile(r"[，。！？；、,.!?;\s]+")
FAR = 30
"""So many characters may lie between the parts of a sign that need not stand close."""
BLANK = "\u25a1"
BESIDE = 24
"""So many characters on both sides are near, where nobody has set a stop."""
SOUNDS_FROM = 3
"""Shorter words have too many homophones to be known by their sound."""
COMMON = ("没", "不")
"""Words that begin so sound like too much."""
NAME = 3
"""Shorter names of places are words as well (江边)."""
WINDOW = 90
"""Characters that the model judges at once."""
VILLAGES = ("township", "village")
DOUBT = 2.0
"""So much more must the cases say where a guard has just spoken against a composition, and in a long talk, of which
every stretch is a chance to be wrong."""
MOST = 6_000


@dataclass(frozen=True)
class Finding:
    """A kind, and the words that speak for it as they stand in the text."""

    kind: EmergencyKind
    words: tuple[str, ...]
    start: int
    end: int


class Recogniser:
    """One county's concepts, ready to be found."""

    def __init__(self, given: Emergencies, names: Iterable[str] = ()) -> None:
        """`names`: of places, in which nothing is meant (朱坑镇 has no pit)."""
        self._given = given
        self._wording = Wording(given.spoken)
        literals = {
            part for kind in given.kind for rule in kind.rules for part in rule.parts if not part.startswith("@")
        }
        lists = {f"@{name}": given.words(name) for name in given.concepts} | {one: (one,) for one in literals}
        plain = {name: self._wording.plain(words) for name, words in lists.items()}
        self._patterns = {name: _any(words) for name, words in plain.items()}
        self._sounds: dict[tuple[str, ...], set[str]] = {}
        for name, words in plain.items():
            for word in words:
                if len(word) >= SOUNDS_FROM and "…" not in word and not word.startswith(COMMON):
                    self._sounds.setdefault(syllables(word), set()).add(name)
        self._lengths = sorted({len(sound) for sound in self._sounds})
        self._idioms = _any(self._wording.plain([*given.idioms, *names]))
        self._guards = [(guard, _any(self._wording.plain(guard.words))) for guard in given.guard]
        cases = tuple((self._plain(case.text), case.kind) for case in given.case)
        self._learned = learned(cases) if cases else None
        self._buts = {kind.code: _any(self._wording.plain(kind.but)) for kind in given.kind}

    def read(self, text: str) -> list[Finding]:
        """The kinds that `text` speaks of, each by its first words, in the order of the county's file."""
        said = self._wording.of(text[:MOST])
        read = self._plain(text[:MOST])
        spans = {name: [hit.span() for hit in pattern.finditer(read)] for name, pattern in self._patterns.items()}
        for name, span in self._heard(read):
            spans[name].append(span)
        windows = [(window, self._judge(read[slice(*window)])) for window in _windows(read)]
        found, refused = {}, False
        for kind in self._given.kind:
            for parts, guarded in self._of(kind, said.text, read, spans):
                refused |= guarded
                if not guarded and self._likely(parts, windows):
                    found[kind.code] = _finding(kind, parts, said, text)
                    break
        if not found:
            doubt = DOUBT if refused or len(windows) > 1 else 0.0
            found = self._taught(windows, said, text, self._given.raise_at + doubt)
        told = [one for one in found.values() if not one.kind.alone]
        return told or list(found.values())

    def _taught(
        self, windows: Sequence[tuple[Span, Judged]], said: Plain, text: str, least: float
    ) -> dict[str, Finding]:
        """What the cases alone speak for."""
        found: dict[str, Finding] = {}
        for window, judged in windows:
            like = self._given.of(judged.kind)
            if like and judged.score >= least and not self._off(like, said.text, window):
                parts = [(window[0] + start, window[0] + end) for start, end in judged.words]
                found.setdefault(like.code, _finding(like, parts or [window], said, text))
        return found

    def _likely(self, parts: Sequence[Span], windows: Sequence[tuple[Span, Judged]]) -> bool:
        """Whether the cases do not speak clearly against it in every stretch in which it stands."""
        start, end = min(parts)[0], max(part[1] for part in parts)
        scores = [judged.score for (first, last), judged in windows if first <= start and end <= last]
        return max(scores, default=0.0) >= self._given.drop_below

    def _judge(self, read: str) -> Judged:
        return self._learned.judge(read) if self._learned else Judged(0.0, "", ())

    def _off(self, kind: EmergencyKind, text: str, window: Span) -> bool:
        """Whether a guard speaks against what only the cases speak for."""
        breaks = [hit.start() for hit in BREAK.finditer(text)]
        near = (one for one in self._guards if one[0].where == "near" and kind.code in (one[0].kinds or [kind.code]))
        return any(self._holds(*one, text, [window], window, breaks) for one in near)

    def _plain(self, text: str) -> str:
        """As the model reads it: in the county's wording, without idioms."""
        return self._idioms.sub(lambda hit: BLANK * len(hit.group()), self._wording.of(text).text)

    def _heard(self, read: str) -> Iterator[tuple[str, Span]]:
        """Long words that a recogniser wrote with other characters of the same sound."""
        sound = syllables(read)
        for length in self._lengths:
            for start in range(len(sound) - length + 1):
                for name in self._sounds.get(sound[start : start + length], ()):
                    yield name, (start, start + length)

    def _of(
        self, kind: EmergencyKind, text: str, read: str, spans: dict[str, list[Span]]
    ) -> Iterator[tuple[list[Span], bool]]:
        """Each composition that speaks for it, and whether something around it speaks against it."""
        breaks = [hit.start() for hit in BREAK.finditer(text)]
        guards = [one for one in self._guards if not one[0].kinds or kind.code in one[0].kinds]
        for rule in kind.rules:
            window, stops = (FAR, 2) if rule.far else (self._given.window, 1)
            for parts in together([spans[part] for part in rule.parts], window, breaks, stops):
                near = _around(text, min(parts)[0], max(part[1] for part in parts), breaks, 1)
                but = self._buts[kind.code].search(text, *near)
                yield parts, bool(but) or any(self._holds(*one, text, parts, near, breaks) for one in guards)

    def _holds(
        self, guard: Guard, pattern: re.Pattern[str], text: str, parts: list[Span], near: Span, breaks: list[int]
    ) -> bool:
        if guard.where == "before":
            said = any(
                pattern.fullmatch(text, at, start) for start, _ in parts for at in range(max(0, start - GAP), start)
            )
        else:
            first, last = min(parts)[0], max(part[0] for part in parts)
            clause = (_around(text, first, last, breaks, 0)[0], last)
            said = pattern.search(text, *(clause if guard.where == "clause" else near)) is not None
        return said and not any(self._patterns[f"@{one}"].search(text, *near) for one in guard.lifted_by)


def _windows(text: str) -> list[Span]:
    """Stretches as long as a case: the whole of a short text, else from each clause on."""
    if len(text) <= WINDOW:
        return [(0, len(text))]
    starts = [0, *(hit.end() for hit in BREAK.finditer(text))]
    return [(start, min(start + WINDOW, len(text))) for start in starts if start < len(text)]


def _finding(kind: EmergencyKind, parts: Sequence[Span], said: Plain, text: str) -> Finding:
    stretches = [said.said(*part) for part in sorted(parts)]
    words = tuple(text[start:end] for start, end in stretches)
    return Finding(kind, words, stretches[0][0], max(end for _, end in stretches))


def together(lists: Sequence[Sequence[Span]], window: int, breaks: Sequence[int], most: int) -> Iterator[list[Span]]:
    """One span of each list, apart from each other, no two neighbours farther than `window`, over `most` stops."""
    for first in lists[0] if all(lists) else ():
        parts = [first]
        for others in lists[1:]:
            free = [one for one in others if all(one[1] <= part[0] or one[0] >= part[1] for part in parts)]
            if not free:
                break
            parts.append(min(free, key=lambda one: min(_gap(one, part) for part in parts)))
        else:
            ordered = sorted(parts)
            near = all(_gap(one, other) <= window for one, other in pairwise(ordered))
            stops = bisect_left(breaks, ordered[-1][0]) - bisect_left(breaks, ordered[0][1])
            if near and stops <= most:
                yield parts


def _gap(one: Span, other: Span) -> int:
    return max(other[0] - one[1], one[0] - other[1], 0)


def _around(text: str, start: int, end: int, breaks: Sequence[int], more: int) -> Span:
    """The clause of a stretch, and `more` on both sides."""
    before = bisect_left(breaks, start) - 1 - more
    after = bisect_left(breaks, end) + more
    first = breaks[before] if before >= 0 else 0
    last = breaks[after] if after < len(breaks) else len(text)
    return max(first, start - BESIDE), min(last, end + BESIDE)


def _any(words: Sequence[str]) -> re.Pattern[str]:
    """A pattern of any of these words, the longest first; of nothing where there is none."""
    gap = rf"[^，。！？；,.!?;]{{0,{GAP}}}?"
    ordered = sorted(words, key=len, reverse=True)
    return re.compile("|".join(gap.join(map(re.escape, word.split("…"))) for word in ordered) or r"(?!)")


@lru_cache(maxsize=2)
def recogniser_of(installation: Installation) -> Recogniser:
    """That of a county, made once per process."""
    names = (name for one in installation.county.places if one.kind in VILLAGES for name in (one.name, *one.aliases))
    return Recogniser(installation.county.emergencies, (name for name in names if len(name) >= NAME))
