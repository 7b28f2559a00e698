"""Keyset paging: where a page of a list ends, as one opaque word in the address."""

from datetime import datetime
from uuid import UUID

from core.errors import Invalid

PAGE = 50


def parse(before: str) -> tuple[datetime, UUID] | None:
    """`2026-11-23T06:05:00+00:00~<id>` -> the last row's key. Raises `Invalid("bad-page")`."""
    if not before:
        return None
    at, _, id = before.partition("~")
    try:
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise ValueError(at)
        return instant, UUID(id)
    except ValueError:
        raise Invalid("bad-page", "翻页地址不正确，请从第一页重新开始。") from None


def key_of(at: datetime, id: UUID) -> str:
    """What `parse` reads again: where the page ends that ends with this row."""
    return f"{at.isoformat()}~{id}"
