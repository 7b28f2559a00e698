"""What is asked of a list of orders: one frozen model for the page, its export and the API."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_serializer

from core import phone
from crm.county.categories import Category
from crm.tickets.states import State

LONGEST_SEARCH = 100


class Sort(StrEnum):
    """Orders of the list. `RELEVANCE`: those with all words in the title first, each part the newest first."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"
    DUE = "due"
    STATE = "state"


class OrderFilter(BaseModel):
    """Empty: everything that the actor may see.

    `search`: order numbers or their beginnings, telephone numbers or their last four digits, and words, parted by
    spaces; all must match. `first` and `last` are days of intake in Shanghai, both included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    search: str = Field("", max_length=LONGEST_SEARCH)
    state: frozenset[State] = frozenset()
    category: Category | None = None
    area: str | None = Field(None, max_length=40)
    unit: UUID | None = None
    first: date | None = None
    last: date | None = None
    sort: Sort | None = None
    """None: by relevance where words are asked for, else the newest first."""

    @field_serializer("state", when_used="json")
    def _in_one_order(self, state: frozenset[State]) -> list[State]:
        """The same filter is the same address, and the same text where it is kept."""
        return sorted(state)


@dataclass(frozen=True)
class Asked:
    """A search as it was understood."""

    numbers: tuple[str, ...] = ()
    """Beginnings of order numbers."""
    phones: tuple[str, ...] = ()
    """E.164."""
    last_fours: tuple[str, ...] = ()
    words: str = ""


_NUMBER = re.compile(r"(?P<letters>[A-Z]{1,4})?(?P<day>20\d{6})(?P<dash>-)?(?P<n>\d{0,6})")
_BEGINNING = re.compile(r"(?P<letters>[A-Z]{1,4})(?P<year>20\d{2,5})")


def understand(search: str, number_prefix: str) -> Asked:
    """`yy20261123 138 0000 1234 小区` -> its parts; `number_prefix` is the county's letters before a bare number."""
    text = unicodedata.normalize("NFKC", search).strip()[:LONGEST_SEARCH]
    if (whole := _phone(text)) is not None:
        return Asked(phones=(whole,))
    numbers, phones, last_fours, words = [], [], [], []
    for piece in text.split():
        if (begins := _number(piece.upper(), number_prefix)) is not None:
            numbers.append(begins)
        elif (number := _phone(piece)) is not None:
            phones.append(number)
        elif re.fullmatch(r"[0-9]{4}", piece):
            last_fours.append(piece)
        else:
            words.append(piece)
    return Asked(tuple(numbers), tuple(phones), tuple(last_fours), " ".join(words))


def _phone(text: str) -> str | None:
    """A whole telephone number; a short one (110) calls nobody's order."""
    number = phone.from_caller_id(text)
    return number if number and number.startswith("+") else None


def _number(piece: str, prefix: str) -> str | None:
    if found := _NUMBER.fullmatch(piece):
        dash = "-" if found["dash"] or found["n"] else ""
        return f"{found['letters'] or prefix}{found['day']}{dash}{found['n']}"
    if found := _BEGINNING.fullmatch(piece):
        return found["letters"] + found["year"] if found["letters"] == prefix else None
    return None
