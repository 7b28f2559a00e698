"""The orders behind a figure, or of a period: those that the actor may see, searched, by time, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.db import paged
from crm.county.categories import Category
from crm.search.filter import OrderFilter
from crm.search.narrow import narrow


@dataclass(frozen=True)
class Page:
    """At most `limit` rows behind the row `after`; `search` as in the list of orders."""

    limit: int
    search: str = ""
    category: Category | None = None
    oldest_first: bool = False
    after: tuple[datetime, UUID] | None = None


async def behind(
    session: AsyncSession, actor: Actor, query: Select[*tuple[Any, ...]], at: Any, id: Any, page: Page
) -> Sequence[Any]:
    """Rows of `query`, which has orders among its tables, by the instant `at` and then by `id`.

    Raises Denied("no-phone-search").
    """
    found = await narrow(actor, OrderFilter(search=page.search, category=page.category))
    wanted = query.where(*found.everything).limit(page.limit)
    rows: Sequence[Any] = (
        await session.execute(paged(wanted, at, id, page.after, oldest_first=page.oldest_first))
    ).all()
    return rows
