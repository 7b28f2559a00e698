"""How a newer model's words lie under what people corrected, and how two layers are told apart. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from uuid import UUID

from recordings.models import Side
from recordings.speech.engine import Utterance, Word
from recordings.speech.rules import Span


@dataclass(frozen=True)
class Kept:
    """A line that a person corrected: it stays over whatever is heard in its time."""

    id: UUID
    side: Side
    span: Span


def parted(utterance: Utterance, shift_s: float, kept: Sequence[Kept]) -> list[tuple[UUID | None, Utterance]]:
    """The utterance cut at the corrected lines of its side: each piece with the line that it lies under, if any. A word
    lies where its middle is; `shift_s` moves it to the call's timeline."""

    def over(word: Word) -> UUID | None:
        middle = (word.start + word.end) / 2 + shift_s
        return next((one.id for one in kept if one.span[0] <= middle <= one.span[1]), None)

    return [(line, Utterance(tuple(words))) for line, words in groupby(utterance.words, over)]


@dataclass(frozen=True)
class Stretch:
    """What both layers have of one side between two pauses that they share."""

    side: Side
    start_s: float
    older: str
    newer: str

    @property
    def pieces(self) -> list[tuple[str, str]]:
        """The texts cut where they differ: what only the older has, and what only the newer has; equal pieces alike."""
        matcher = SequenceMatcher(None, self.older, self.newer, autojunk=False)
        return [(self.older[a:b], self.newer[c:d]) for _, a, b, c, d in matcher.get_opcodes()]


Timed = tuple[Side, float, float, str]
"""Side, start, end, text."""


def compared(older: Iterable[Timed], newer: Iterable[Timed]) -> list[Stretch]:
    """Both layers side by side: lines that overlap in time stand together."""
    lines = sorted(
        [(one, False) for one in older] + [(one, True) for one in newer], key=lambda one: (one[0][0], one[0][1], one[1])
    )
    found: list[Stretch] = []
    for side, of_side in groupby(lines, lambda one: one[0][0]):
        end, start, texts = -1.0, 0.0, {False: "", True: ""}
        for (_, begins, ends, text), is_newer in of_side:
            if begins >= end and (texts[False] or texts[True]):
                found.append(Stretch(Side(side), start, texts[False], texts[True]))
                texts = {False: "", True: ""}
            if not texts[False] and not texts[True]:
                start, end = begins, ends
            texts[is_newer] += text
            end = max(end, ends)
        found.append(Stretch(Side(side), start, texts[False], texts[True]))
    return sorted(found, key=lambda one: (one.start_s, one.side))
