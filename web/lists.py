"""A list of a desk: its columns, its order, and the addresses of its neighbours; the address holds it all."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel

from web.paging import PAGE

PAGING = frozenset({"after"})
DESCENDING = frozenset({"newest", "last", "relevance"})
"""Orders that begin with the greatest; all others begin with the least, such as the nearest due."""
T = TypeVar("T")


@dataclass(frozen=True)
class Column:
    """One column; `sorts` are the orders that its head offers in turn, the first one on the first click."""

    label: str
    sorts: tuple[str, ...] = ()
    css: str = ""


@dataclass(frozen=True)
class Listing:
    """What `listing.html` draws. `asked` holds the filters as the address gives them, without the page's key."""

    path: str
    columns: Sequence[Column]
    asked: Mapping[str, Any]
    rows: Sequence[Any]
    sort: str
    next: str = ""
    first: bool = True
    count: int | None = None
    """How many there are in all; None where nobody counted."""
    most: int = 0
    """`count` beyond this is only known to be more."""

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        return self.narrowed(())

    def narrowed(self, kept: Container[str]) -> bool:
        """Whether anything but these filters narrows it."""
        return any(name != "sort" and name not in kept for name in self.asked)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The filters as form fields."""
        return list(_pairs(self.asked))

    @property
    def total(self) -> str:
        """`共 23 条`, `1000 条以上`."""
        if self.count is None:
            return ""
        return f"{self.most} 条以上" if self.count > self.most else f"共 {self.count} 条"

    def address(self, **changed: str) -> str:
        """This list with other filters; an empty one is left out."""
        query = urlencode(list(_pairs({**self.asked, **changed})))
        return f"{self.path}?{query}" if query else self.path

    @property
    def newest(self) -> str:
        """The first page."""
        return self.address()

    @property
    def further(self) -> str:
        """The next page."""
        return self.address(after=self.next)

    @property
    def direction(self) -> str:
        """Which way the sorted column runs, as `aria-sort` says it."""
        return "descending" if self.sort in DESCENDING else "ascending"

    def sorted_by(self, column: Column) -> str:
        """Where the column's head leads: its next order."""
        at = column.sorts.index(self.sort) + 1 if self.sort in column.sorts else 0
        return self.address(sort=column.sorts[at % len(column.sorts)])


def listing(
    path: str,
    columns: Sequence[Column],
    asked: BaseModel,
    rows: Sequence[T],
    key: Callable[[T], str],
    size: int = PAGE,
) -> Listing:
    """A page, of whose list one row more was read than it shows where there is one; `key` is a row's `after`.

    `asked` holds `after`, and `sort` where the list sorts.
    """
    further = key(rows[size - 1]) if len(rows) > size else ""
    given = asked.model_dump(include={"sort", "after"})
    return Listing(path, columns, asked_of(asked), rows[:size], given.get("sort", ""), further, not given["after"])


def shown(rows: Sequence[T], size: int) -> tuple[Sequence[T], bool]:
    """The rows of a short list, of which one more was read, and whether there are others."""
    return rows[:size], len(rows) > size


def asked_of(model: BaseModel) -> dict[str, Any]:
    """The filters of a request as an address holds them: what was not given is not there."""
    values = model.model_dump(mode="json", exclude_defaults=True, exclude=set(PAGING))
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def _pairs(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if one not in (None, ""):
                yield name, str(one)
