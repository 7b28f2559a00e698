"""Editing what a person saw: nothing is overwritten that somebody else changed meanwhile, and what changed is told."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from core.errors import Conflict


class Versioned(Protocol):
    """A row that counts its changes; what a page shows, it sends back."""

    version: int


R = TypeVar("R", bound=Versioned)


def require_seen(row: R, version: int) -> None:
    """Raise `Conflict("changed-meanwhile")` unless the person saw this locked row as it is now."""
    if row.version != version:
        raise Conflict("changed-meanwhile", "这项资料已被他人修改，您的修改没有保存。")


def apply(row: R, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Set `values` on the row and count the change -> field -> [before, after] of what differs, for the ledger.

    Whoever edits personal fields masks them before they reach the ledger.
    """
    changed: dict[str, list[Any]] = {}
    for name, value in values.items():
        before = getattr(row, name)
        if before != value:
            changed[name] = [before, value]
            setattr(row, name, value)
    if changed:
        row.version += 1
    return changed


def readable(changed: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """The same as JSON: what is neither text, number, truth nor a list of them is written as text."""
    return {name: [_plain(value) for value in pair] for name, pair in changed.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
