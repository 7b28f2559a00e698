"""All programs with what their tokens come to: how many open something, when the first ends, when one was used last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Select, Subquery, and_, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.accounts.channels import Channel
from core.accounts.models import AccessToken, ServiceAccount
from core.db import paged
from core.identity.models import Unit

Order = Literal["newest", "oldest", "due", "last"]
"""By registration, by the end of the first token, by the last use."""
NEVER_ENDS: Final = datetime(9000, 1, 1, tzinfo=UTC)
NEVER_USED: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Where a program without a token, or without use, stands in these orders: last."""


class Standing(StrEnum):
    """Whether a program can call."""

    READY = "ready"
    BARE = "bare"
    OFF = "off"

    @property
    def label(self) -> str:
        """As people read it."""
        return {"ready": "可调用", "bare": "无有效令牌", "off": "已停用"}[self]


@dataclass(frozen=True)
class Wanted:
    """Which programs, in which order; each of `words` stands in the name or in that of the unit."""

    words: Sequence[str] = ()
    channel: Channel | None = None
    standing: Standing | None = None
    order: Order = "newest"


@dataclass(frozen=True)
class Overview:
    """One program. `tokens`: how many open something; `first_ends`: when the first of these ends; no token itself."""

    account: ServiceAccount
    unit: str | None
    tokens: int
    first_ends: datetime | None
    last_used: datetime | None

    @property
    def standing(self) -> Standing:
        """Whether it can call."""
        if not self.account.active:
            return Standing.OFF
        return Standing.READY if self.tokens else Standing.BARE

    def at(self, order: Order) -> datetime:
        """The instant by which it stands in this order."""
        if order == "due":
            return self.first_ends or NEVER_ENDS
        return (self.last_used or NEVER_USED) if order == "last" else self.account.created_at


async def programs(
    session: AsyncSession, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> list[Overview]:
    """A page of them, from behind `after` on."""
    held = _held()
    query = (
        select(ServiceAccount, Unit.name, func.coalesce(held.c.tokens, 0), held.c.first_ends, held.c.last_used)
        .outerjoin(held, held.c.account_id == ServiceAccount.id)
        .outerjoin(Unit, Unit.id == ServiceAccount.unit_id)
        .limit(limit)
    )
    ordered = {
        "due": func.coalesce(held.c.first_ends, NEVER_ENDS),
        "last": func.coalesce(held.c.last_used, NEVER_USED),
    }.get(wanted.order, ServiceAccount.created_at)
    least_first = wanted.order in ("oldest", "due")
    query = paged(_narrowed(query, wanted, held), ordered, ServiceAccount.id, after, oldest_first=least_first)
    return [Overview(*row) for row in await session.execute(query)]


def _held() -> Subquery:
    good = and_(AccessToken.revoked_at.is_(None), AccessToken.expires_at > clock.now())
    return (
        select(
            AccessToken.account_id,
            func.count().filter(good).label("tokens"),
            func.min(AccessToken.expires_at).filter(good).label("first_ends"),
            func.max(AccessToken.last_used_at).label("last_used"),
        )
        .group_by(AccessToken.account_id)
        .subquery()
    )


def _narrowed(query: Select[Any], wanted: Wanted, held: Subquery) -> Select[Any]:
    for word in wanted.words:
        named = (ServiceAccount.name, Unit.name)
        query = query.where(or_(*(one.icontains(word, autoescape=True) for one in named)))
    if wanted.channel:
        query = query.where(ServiceAccount.channel == wanted.channel)
    if wanted.standing is Standing.OFF:
        return query.where(not_(ServiceAccount.active))
    if wanted.standing:
        ready = func.coalesce(held.c.tokens, 0) > 0
        query = query.where(ServiceAccount.active, ready if wanted.standing is Standing.READY else ~ready)
    return query
