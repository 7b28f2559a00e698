"""What was said, as one text without gaps, from which every character leads back to its words."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

MAX_CHARACTERS = 6_000
"""Later words are not read: a draft is made of the first minutes of a call."""


@dataclass(frozen=True)
class Utterance:
    """One transcript segment: `words` are `{"w", "start", "end", "conf"}`, times in seconds of the call."""

    segment: str
    text: str
    start_s: float
    end_s: float
    words: Sequence[dict[str, Any]] = ()
    citizen: bool = True


@dataclass(frozen=True)
class Source:
    """Where a value comes from: the words, and when in the call they were said."""

    segment: str
    text: str
    start_s: float
    end_s: float

    def as_json(self) -> dict[str, Any]:
        """As it is stored beside the proposal."""
        return {"segment": self.segment, "text": self.text, "start": self.start_s, "end": self.end_s}


class Said:
    """The citizen's utterances, spaces removed (the recogniser separates words), joined by commas."""

    def __init__(self, utterances: Iterable[Utterance]) -> None:
        self.utterances: list[Utterance] = []
        parts: list[str] = []
        total = 0
        for utterance in utterances:
            part = _compact(utterance.text)
            if not part or not utterance.citizen:
                continue
            if total >= MAX_CHARACTERS:
                break
            part = part[: MAX_CHARACTERS - total]
            total += len(part) + 1
            self.utterances.append(utterance)
            parts.append(part)
        self.parts = parts
        self.text = "，".join(parts)
        self._starts = [0, *accumulate(len(part) + 1 for part in parts)]

    def source(self, start: int, end: int) -> Source:
        """The words behind `text[start:end]`, at most those of the utterance in which it begins."""
        index = bisect_right(self._starts, start) - 1
        utterance, part = self.utterances[index], self.parts[index]
        first, last = start - self._starts[index], min(end - self._starts[index], len(part))
        start_s, end_s = _times(utterance, first, last)
        return Source(utterance.segment, part[first:last], start_s, end_s)


def _compact(text: str) -> str:
    return "".join(character for character in text if character.isprintable() and not character.isspace())


def _times(utterance: Utterance, first: int, last: int) -> tuple[float, float]:
    """Seconds of the words that hold characters `first` to `last`; of the utterance when it has no words."""
    at, start_s, end_s = 0, None, utterance.end_s
    for word in utterance.words:
        length = len(_compact(str(word.get("w", ""))))
        if at + length > first and start_s is None:
            start_s = float(word["start"])
        if at < last:
            end_s = float(word["end"])
        at += length
    return (utterance.start_s, utterance.end_s) if start_s is None else (start_s, end_s)
