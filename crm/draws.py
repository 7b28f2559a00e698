"""Draws of samples as their lists show them: which are wanted, in which order, a page at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Select, or_

Row = TypeVarTuple("Row")


@dataclass(frozen=True)
class WantedDraws:
    """Which draws: of periods that reach into these days; each of `words` names who drew, or something drawn."""

    words: Sequence[str] = ()
    first: date | None = None
    last: date | None = None
    oldest_first: bool = False


def draws_page(
    query: Select[*Row], of: Any, wanted: WantedDraws, after: date | None, names: Callable[[str], ColumnElement[bool]]
) -> Select[*Row]:
    """The query of the draws `of`, narrowed and ordered by their periods, from behind the one that begins on `after`.

    `names`: whether something that was drawn is named by a word.
    """
    query = query.order_by(of.first if wanted.oldest_first else of.first.desc())
    if after:
        query = query.where(of.first > after if wanted.oldest_first else of.first < after)
    if wanted.first:
        query = query.where(of.last >= wanted.first)
    if wanted.last:
        query = query.where(of.first <= wanted.last)
    return query.where(*(or_(of.drawn_by_name.icontains(one, autoescape=True), names(one)) for one in wanted.words))
