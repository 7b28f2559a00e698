"""Rows of an index of words, read window after window in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    TableValuedAlias,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.types import TypeEngine

from crm.search.windows import Window


@dataclass(frozen=True)
class Index:
    """An index of words: the instant and the id by which its rows are ordered, their words, and the column of the
    rows' owners that is the same id."""

    at: Any
    id: Any
    words: Any
    owner: Any


def through(base: Select[Any], index: Index, newest_first: bool, windows: Sequence[Window], need: int) -> Select[Any]:
    """Rows of one window after the other: each is an inner loop of its own, run only while rows are wanted. A row holds
    the columns of `base`, then the number of its stretch.

    The windows' order is the rows' order: what is read of a window depends on it, and an array's elements come in turn.
    """
    window = _asked(windows)
    has = index.words.op("@@")
    beyond = beyond_of(newest_first, index.at, index.id, window.c.at, window.c.id)
    # a condition for the days and another for the words, that of the days first: the index then leaps from the next
    # row of these days to the next one with the words; as one condition it would go through every row of the days
    hits = select(index.at, index.id).where(has(window.c.inside), has(window.c.terms), beyond).correlate(window)
    # sorted before the owners themselves are read, so that of those only as many are read as the page needs
    hit = hits.order_by(*order_of(newest_first, index.at, index.id)).offset(literal_column("0")).lateral("hit")
    at, id = hit.c[index.at.key], hit.c[index.id.key]
    rows = base.join(hit, id == index.owner).order_by(*order_of(newest_first, at, id)).limit(need)
    page = rows.lateral("page")
    return select(*page.c, window.c.stretch).select_from(window).join(page, true()).limit(need)


_ASKED: dict[str, TypeEngine[Any]] = {
    "stretch": Integer(),
    "terms": TSQUERY(),
    "inside": TSQUERY(),
    "at": DateTime(timezone=True),
    "id": Uuid(),
}


def _asked(windows: Sequence[Window]) -> TableValuedAlias:
    """The windows as rows, in their order; one array for each column, so that the statement is the same for any
    number of them."""
    values = zip(*((one.stretch, one.terms, one.inside, *one.edge) for one in windows), strict=True)
    arrays = [
        cast(bindparam(name, list(given), ARRAY(kind)), ARRAY(kind))
        for (name, kind), given in zip(_ASKED.items(), values, strict=True)
    ]
    columns: list[ColumnClause[Any]] = [column(name, kind) for name, kind in _ASKED.items()]
    return func.unnest(*arrays).table_valued(*columns).render_derived("asked")


def order_of(newest_first: bool, at: Any, id: Any) -> tuple[Any, Any]:
    """The order of a list by an instant, then by the id."""
    return (at.desc(), id.desc()) if newest_first else (at, id)


def beyond_of(newest_first: bool, by: Any, id: Any, at: Any, behind: Any) -> ColumnElement[bool]:
    """Behind the row `behind` of the instant `at`; the first half lets an index begin there."""
    if newest_first:
        return and_(by <= at, or_(by < at, id < behind))
    return and_(by >= at, or_(by > at, id > behind))
