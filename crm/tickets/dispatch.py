"""派单 as a command of its own (第十二条(二), 第十三条); what it does is in `crm.tickets.acts.dispatching`."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from crm.tickets.acts.dispatching import Dispatched, Order
from crm.tickets.perform import perform
from crm.tickets.states import Act

__all__ = ["Dispatched", "Order", "dispatch"]


async def dispatch(session: AsyncSession, actor: Actor, ticket_id: UUID, version: int, order: Order) -> Dispatched:
    """Dispatch a draft or confirmed order. Raises Conflict when somebody acted first, Invalid with its fields."""
    done = await perform(session, actor, ticket_id, version, Act.DISPATCH, order)
    result: Dispatched = done.result
    return result
