"""Every order and call that was answered with an item, by version (A18-2, the basis for 第二十八条(六))."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.db import paged
from crm.knowledge.models import KnowledgeItem, KnowledgeUse
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket


@dataclass(frozen=True)
class Used:
    """One answer; its order where the actor may know of it."""

    use: KnowledgeUse
    ticket: Ticket | None


async def uses(
    session: AsyncSession,
    actor: Actor,
    item: KnowledgeItem,
    n: int | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Used]:
    """A page of them, the last first, of all versions or of one."""
    mine = and_(Ticket.id == KnowledgeUse.ticket_id, visible_to(actor))
    wanted = select(KnowledgeUse, Ticket).outerjoin(Ticket, mine).where(KnowledgeUse.item_id == item.id).limit(limit)
    if n is not None:
        wanted = wanted.where(KnowledgeUse.n == n)
    rows = await session.execute(paged(wanted, KnowledgeUse.at, KnowledgeUse.id, after, oldest_first=False))
    return [Used(use, ticket) for use, ticket in rows]


async def tally(session: AsyncSession, item: KnowledgeItem) -> dict[int, int]:
    """How many answers each version gave."""
    counted = select(KnowledgeUse.n, func.count()).where(KnowledgeUse.item_id == item.id).group_by(KnowledgeUse.n)
    return {row[0]: row[1] for row in await session.execute(counted)}
