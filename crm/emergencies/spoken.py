"""One wording for what people say in many ways: 冇得 and 莫得 become 没有, so that a list need not hold all of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Plain:
    """A text in the county's wording, and where each of its characters stood in what was said."""

    text: str
    _origin: Sequence[int]

    def said(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of what was said behind `text[start:end]`."""
        return self._origin[start], self._origin[end]


class Wording:
    """A county's table: plain word -> what is said for it; an empty plain word drops what is said."""

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self._plain = {said: plain for plain, many in table.items() for said in many}
        longest = sorted(self._plain, key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, longest)) or r"(?!)")

    def of(self, text: str) -> Plain:
        """`text` in this wording."""
        parts: list[str] = []
        origin: list[int] = []
        at = 0
        for hit in [*self._any.finditer(text), None]:
            until = hit.start() if hit else len(text)
            parts.append(text[at:until])
            origin.extend(range(at, until))
            if hit:
                plain = self._plain[hit.group()]
                parts.append(plain)
                origin.extend([hit.start()] * len(plain))
                at = hit.end()
        return Plain("".join(parts), [*origin, len(text)])

    def plain(self, words: Sequence[str]) -> list[str]:
        """A list of words in this wording, each once."""
        return [one for one in dict.fromkeys(self.of(word).text for word in words) if one]
