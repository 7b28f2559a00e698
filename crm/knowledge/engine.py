"""The index in memory: which questions hold a term, and the best of them for what is asked.

Each question and each other way to ask it is a row; a term's rows lie in one array of numbers, so that a search adds
up a few short arrays and never walks over all items. Rows are only added: an item that changes or goes leaves its old
rows behind as dead, and `dead_share` says when to build anew.
"""

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from crm.knowledge.sounds import Cut
from crm.knowledge.terms import asked, kept, kept_of_answer
from crm.knowledge.wordings import Wordings

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]
COMMON = 0.3
"""A term in more of the rows than this says nothing."""
LENGTH_FROM = 24.0
"""How many terms every row is taken to have besides its own, so that a short question is not best for everything."""
ANSWER_WEIGHT = 0.35
CANDIDATES = 400
NEAR = 0.25
"""What has less of the best score is not looked at any further."""
LEAST = 0.04
"""Of the best that a search could reach; what is below is no answer."""
NEVER, EVER = date.min.toordinal(), date.max.toordinal()


@dataclass(frozen=True)
class Entry:
    """What the index knows of an item's version in force."""

    id: str
    number: str
    version: int
    questions: tuple[str, ...]
    """The question, then the other ways to ask it and the keywords."""
    answer: str
    kind: str
    unit: str
    area: str
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True)
class Hit:
    """One item for a search; `score` compares the hits of one search alone."""

    entry: Entry
    score: float


@dataclass(frozen=True)
class Narrow:
    """Which items may be found; empty texts: any."""

    kind: str = ""
    unit: str = ""
    area: str = ""


class _Rows:
    """Growing arrays of numbers by term."""

    def __init__(self) -> None:
        self._of: dict[str, array[int]] = {}
        self.count = 0

    def add(self, terms: Iterable[str]) -> int:
        """A further row -> its number."""
        for term in terms:
            rows = self._of.get(term)
            if rows is None:
                rows = self._of[term] = array("i")
            rows.append(self.count)
        self.count += 1
        return self.count - 1

    def scores(self, wanted: Iterable[tuple[str, float]]) -> tuple[Floats, float]:
        """What each row has of it, and what a row with all of it would have."""
        found = np.zeros(self.count, dtype=np.float32)
        whole = 0.0
        for term, weight in wanted:
            rows = self._of.get(term)
            share = len(rows) / self.count if rows else 0.0
            if share > COMMON and self.count > 50:
                continue
            says = weight * math.log(1.0 + 1.0 / max(share, 1.0 / (self.count + 1)))
            whole += says
            if rows:
                found[np.frombuffer(rows, dtype=np.int32)] += np.float32(says)
        return found, whole


class Engine:
    """An index of one county's items."""

    def __init__(self, cut: Cut, wordings: Wordings) -> None:
        self.cut = cut
        self._wordings = wordings
        self._questions, self._answers = _Rows(), _Rows()
        self._row_item, self._row_length = array("i"), array("f")
        self._entries: list[Entry | None] = []
        self._place: dict[str, int] = {}
        self._kinds, self._units, self._areas = array("i"), array("i"), array("i")
        self._from, self._to = array("i"), array("i")
        self._codes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._place)

    @property
    def dead_share(self) -> float:
        """How much of the index belongs to items that changed or went."""
        return 1.0 - len(self._place) / len(self._entries) if self._entries else 0.0

    def put(self, entry: Entry) -> None:
        """This is the item's version from now on."""
        self.drop(entry.id)
        at = len(self._entries)
        self._entries.append(entry)
        self._place[entry.id] = at
        for codes, value in ((self._kinds, entry.kind), (self._units, entry.unit), (self._areas, entry.area)):
            codes.append(self._code(value))
        self._from.append(entry.valid_from.toordinal() if entry.valid_from else NEVER)
        self._to.append(entry.valid_to.toordinal() if entry.valid_to else EVER)
        for question in entry.questions:
            terms = kept(question, self.cut, self._wordings)
            self._questions.add(terms)
            self._row_item.append(at)
            self._row_length.append(len(terms))
        self._answers.add(kept_of_answer(entry.answer))

    def drop(self, id: str) -> None:
        """The item is no answer any more."""
        if (at := self._place.pop(id, None)) is not None:
            self._entries[at] = None
            self._from[at], self._to[at] = EVER, NEVER

    def entry(self, id: str) -> Entry | None:
        """The item's version in force."""
        at = self._place.get(id)
        return None if at is None else self._entries[at]

    def asked(self, text: str) -> dict[str, float]:
        """What a search asks for -> how much it says."""
        return asked(text, self.cut, self._wordings)

    def search(self, text: str, narrow: Narrow, today: date, limit: int) -> list[Hit]:
        """The best items valid today, best first."""
        wanted = self.asked(text)
        if not wanted or not self._entries:
            return []
        open_ = self._open(narrow, today)
        by_question, whole = self._questions.scores(wanted.items())
        lengths = np.sqrt(np.frombuffer(self._row_length, dtype=np.float32) + LENGTH_FROM)
        by_question /= lengths
        items = np.zeros(len(self._entries), dtype=np.float32)
        best = _largest(by_question, CANDIDATES)
        np.maximum.at(items, np.frombuffer(self._row_item, dtype=np.int32)[best], by_question[best])
        pairs = [(term, weight) for term, weight in wanted.items() if term[0] == "c" and len(term) > 2]
        by_answer, whole_answer = self._answers.scores(pairs)
        if whole_answer:
            scale = float(items.max()) / whole_answer if items.any() else 1.0 / whole_answer
            items += by_answer * np.float32(ANSWER_WEIGHT * scale)
        items *= open_
        least = LEAST * whole / math.sqrt(LENGTH_FROM * 3)
        found = [(float(items[at]), int(at)) for at in _largest(items, limit) if items[at] > least]
        found.sort(key=lambda one: (-one[0], one[1]))
        return [Hit(entry, score) for score, at in found if (entry := self._entries[at]) is not None]

    def _open(self, narrow: Narrow, today: date) -> npt.NDArray[np.bool_]:
        day = today.toordinal()
        open_ = (_numbers(self._from) <= day) & (_numbers(self._to) >= day)
        for codes, value in ((self._kinds, narrow.kind), (self._units, narrow.unit), (self._areas, narrow.area)):
            if value:
                open_ &= _numbers(codes) == self._codes.get(value, -1)
        return open_

    def _code(self, value: str) -> int:
        return self._codes.setdefault(value, len(self._codes))


def _numbers(values: "array[int]") -> Numbers:
    return np.frombuffer(values, dtype=np.int32)


def _largest(values: Floats, count: int) -> npt.NDArray[np.intp]:
    """Where the greatest lie: of those that come near the greatest of all, at most so many."""
    near = np.flatnonzero(values > NEAR * values.max(initial=0.0))
    return near if len(near) <= count else near[np.argpartition(values[near], -count)[-count:]]
