"""How people call things: colloquial and official words of one thing are one mark, in items and in what is asked."""

import re
from collections.abc import Iterable

from crm.county.knowledge import Wording
from crm.knowledge.sounds import letters_of

SHORTEST_HEARD = 6
"""Letters: a shorter word is found by its characters alone, since its sound is part of too many others."""


class Wordings:
    """All of a county's; `marks` finds which of them a text speaks of."""

    def __init__(self, words: Iterable[Wording]) -> None:
        self._official: list[str] = []
        self._written: dict[str, int] = {}
        self._heard: dict[str, int] = {}
        for number, one in enumerate(words):
            self._official.append(one.official)
            for way in (one.official, *one.said):
                self._written.setdefault(way, number)
                if len(letters := letters_of(way)) >= SHORTEST_HEARD:
                    self._heard.setdefault(letters, number)
        self._pattern = _either(self._written)
        self._sounding = _either(self._heard)

    def marks(self, text: str, letters: str) -> dict[int, str]:
        """Number of each thing that the text speaks of, written or heard -> its official word."""
        found = {self._written[hit] for hit in self._pattern.findall(text)}
        found |= {self._heard[hit] for hit in self._sounding.findall(letters)}
        return {number: self._official[number] for number in found}


def _either(ways: Iterable[str]) -> re.Pattern[str]:
    """One of them, the longest first; a pattern that nothing matches where there are none."""
    longest = sorted(ways, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest)) if longest else r"(?!)")
