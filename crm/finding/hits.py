"""Where in a recording the words stand that were looked for."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from recordings.models import Recording, Side
from recordings.said import SaidLine, said

SHOWN = 3
"""So many places of one recording are shown."""
BEFORE, AFTER = 18, 42
"""Characters around the first word that are shown of a long utterance."""


@dataclass(frozen=True)
class Hit:
    """One place: the second of the recording, who spoke, and the text in pieces, of which some are the words."""

    second: float
    side: Side
    pieces: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Hits:
    """The places of one recording that are shown, and how many others there are."""

    shown: tuple[Hit, ...] = ()
    others: int = 0


async def hits(session: AsyncSession, rows: Iterable[Recording], words: Sequence[str]) -> dict[UUID, Hits]:
    """The places of each recording. Lines with most of the words come first, then the earlier ones."""
    of_call: dict[UUID, list[Recording]] = defaultdict(list)
    for row in rows:
        if row.call_id:
            of_call[row.call_id].append(row)
    if not of_call or not words:
        return {}
    found: dict[UUID, list[tuple[Recording, SaidLine]]] = defaultdict(list)
    for line in await said(session, of_call.keys(), having=words):
        for one in filter(line.lies_in, of_call[line.call_id]):
            found[one.id].append((one, line))
    return {id: _chosen(places, words) for id, places in found.items()}


def _chosen(places: list[tuple[Recording, SaidLine]], words: Sequence[str]) -> Hits:
    best = sorted(places, key=lambda one: (-sum(word in one[1].text.lower() for word in words), one[1].start_s))
    shown = sorted(best[:SHOWN], key=lambda one: one[1].start_s)
    made = tuple(Hit(line.second_of(row), line.side, marked(line.text, words)) for row, line in shown)
    return Hits(made, len(places) - len(made))


def marked(text: str, words: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """The text around its first word, cut where the words begin and end: `小区停水了` -> 小区, *停水*, 了."""
    low = text.lower()
    inside = [False] * len(text)
    for word in words:
        at = low.find(word)
        while at >= 0:
            inside[at : at + len(word)] = [True] * len(word)
            at = low.find(word, at + 1)
    first = inside.index(True) if True in inside else 0
    start = max(0, first - BEFORE) if len(text) > BEFORE + AFTER else 0
    end = min(len(text), first + AFTER) if start or len(text) > BEFORE + AFTER else len(text)
    pieces: list[tuple[str, bool]] = [("…", False)] if start else []
    for letter, is_word in zip(text[start:end], inside[start:end], strict=True):
        if pieces and pieces[-1][1] == is_word:
            pieces[-1] = pieces[-1][0] + letter, is_word
        else:
            pieces.append((letter, is_word))
    return (*pieces, ("…", False)) if end < len(text) else tuple(pieces)
