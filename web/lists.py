"""A list of a desk: its columns, its order, and the addresses of its neighbours; the address holds it all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel

PAGING = frozenset({"after"})


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
        return any(name != "sort" for name in self.asked)

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

    def sorted_by(self, column: Column) -> str:
        """Where the column's head leads: its next order."""
        at = column.sorts.index(self.sort) + 1 if self.sort in column.sorts else 0
        return self.address(sort=column.sorts[at % len(column.sorts)])


def asked_of(model: BaseModel) -> dict[str, Any]:
    """The filters of a request as an address holds them: what was not given is not there."""
    values = model.model_dump(mode="json", exclude_defaults=True, exclude=set(PAGING))
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def _pairs(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if one not in (None, ""):
                yield name, str(one)
