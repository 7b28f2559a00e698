"""The calls and recordings of an order as somebody may know of them: without those that another order has too, whose
caller must stay unknown to this person."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.db import among
from crm.search.identity import identity_shown_to
from crm.tickets import belonging
from crm.tickets.belonging import Belonging, orders_of
from recordings.models import Recording, RecordingState


async def calls(session: AsyncSession, actor: Actor, ticket_id: UUID) -> Sequence[Belonging]:
    """The order's calls, as they came. Whether the actor may know of the order is for who asks to say."""
    found = await belonging.of_order(session, ticket_id)
    hidden = await orders_of(session, [one.call.id for one in found], not_(identity_shown_to(actor)))
    return [one for one in found if one.call.id not in hidden]


async def recordings(session: AsyncSession, actor: Actor, ticket_id: UUID) -> Sequence[Recording]:
    """The recordings with sound of those calls, as they were made."""
    kept = (
        among(Recording.call_id, [one.call.id for one in await calls(session, actor, ticket_id)]),
        Recording.state != RecordingState.EMPTY,
        Recording.destroyed_at.is_(None),
    )
    return (await session.scalars(select(Recording).where(*kept).order_by(Recording.started_at, Recording.id))).all()
