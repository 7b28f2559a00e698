"""A sorted list as a row of stretches, each read by a key of its own, so that no page depends on how deep it lies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists
from sqlalchemy.orm import aliased

from core.errors import Invalid
from crm.search import words
from crm.search.filter import OrderFilter, Sort
from crm.search.narrow import Narrowed
from crm.tickets.models import Assignment, Ticket
from crm.tickets.states import State

Part = aliased(Assignment)
"""A unit's part that a list is read by; whether an order is visible is asked of assignments apart from it."""


@dataclass(frozen=True)
class Stretch:
    """One part of the list: `where` it begins and ends, and the instant that orders it (then the order's id)."""

    where: tuple[ColumnElement[bool], ...] = ()
    terms: str = ""
    """A tsquery that narrows by words; empty: the words are not asked."""
    by: Any = None
    """The column that orders it; None: the instant of intake, which the index of words knows by the day."""
    newest_first: bool = True
    part_of: UUID | None = None
    """Read from this unit's open assignments: `by` is one of their instants."""
    states: frozenset[State] = frozenset()
    """Where `where` says so: all its orders stand in one of these."""

    @property
    def only_words(self) -> bool:
        """Whether nothing but its words tells it apart from another such stretch of the same list."""
        return bool(self.terms) and self.by is None and not self.where


@dataclass(frozen=True)
class Key:
    """The last row of a page: its stretch, instant and id."""

    stretch: int
    at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.stretch}~{self.at.isoformat()}~{self.id}"


def key_of(text: str, stretches: int) -> Key | None:
    """The key in an address. Raises Invalid("bad-page") for one that this program did not make."""
    if not text:
        return None
    try:
        stretch, at, id = text.split("~")
        key = Key(int(stretch), datetime.fromisoformat(at), UUID(id))
        if key.at.tzinfo is None or not 0 <= key.stretch < stretches:
            raise ValueError(text)
        return key
    except ValueError as error:
        raise Invalid("bad-page", "翻页地址不正确，请从第一页重新开始。") from error


def stretches(wanted: OrderFilter, found: Narrowed) -> list[Stretch]:
    """The list that is asked for."""
    sort = wanted.sort or (Sort.RELEVANCE if found.terms else Sort.NEWEST)
    asked = words.every((*found.terms, *found.facts)) if found.indexed else ""
    if sort is Sort.RELEVANCE and found.terms:
        titled = words.every(found.terms, words.TITLE)  # what is in the title is in the text
        terms = (" & ".join(filter(None, (titled, words.every(found.facts)))), f"{asked} & !({titled})")
        return [Stretch(terms=one, states=wanted.state) for one in terms]
    if sort is Sort.DUE:
        return _by_due(asked, found.unit)
    if sort is Sort.STATE:
        shown = [state for state in State if not wanted.state or state in wanted.state]
        return [Stretch((Ticket.state == state,), asked, states=frozenset({state})) for state in shown]
    return [Stretch(terms=asked, newest_first=sort is not Sort.OLDEST, states=wanted.state)]


def _by_due(asked: str, unit: UUID | None) -> list[Stretch]:
    """What is open by its due instant, then what has none, then what is closed. For a unit its own part counts."""
    if unit is not None:
        mine = exists().where(
            Assignment.ticket_id == Ticket.id,
            Assignment.unit_id == unit,
            Assignment.closed_at.is_(None),
            Assignment.due_at.is_not(None),
        )
        return [Stretch(terms=asked, by=Part.due_at, newest_first=False, part_of=unit), Stretch((~mine,), asked)]
    is_open, has_due = Ticket.closed_at.is_(None), Ticket.due_at.is_not(None)
    return [
        Stretch((is_open, has_due), asked, by=Ticket.due_at, newest_first=False),
        Stretch((is_open, ~has_due), asked),
        Stretch((~is_open,), asked),
    ]


def part_join(stretch: Stretch) -> ColumnElement[bool]:
    """How the unit's open assignments are joined: one for each order."""
    return and_(
        Part.ticket_id == Ticket.id,
        Part.unit_id == stretch.part_of,
        Part.closed_at.is_(None),
        Part.due_at.is_not(None),
    )
