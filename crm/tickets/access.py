"""Which orders an actor may know of; every query and every command starts here."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import NotFound
from core.permissions import Permission
from crm.tickets.models import Assignment, Ticket


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Staff of the centre see all orders, a 举报 only with one of its permissions or when they took it themselves;
    staff of a unit see what was dispatched to their unit, and nothing else; a program of a channel those that it
    opened."""
    if actor.may(Permission.ORDER_VIEW):
        if actor.may(Permission.ORDER_SEALED) or actor.may(Permission.ORDER_REPORTS):
            return true()
        return or_(Ticket.sealed.is_(False), Ticket.opened_by == actor.user_id)
    if actor.may(Permission.ORDER_VIEW_UNIT) and actor.unit_id is not None:
        mine = select(Assignment.id).where(Assignment.ticket_id == Ticket.id, Assignment.unit_id == actor.unit_id)
        return mine.offset(0).exists()  # looked up order by order: joined, all that a unit ever had would be read
    if actor.may(Permission.ORDER_VIEW_OWN):
        return and_(Ticket.call_id.is_(None), Ticket.opened_by == actor.user_id)
    return false()


def sees_identity(actor: Actor, ticket: Ticket) -> bool:
    """Whether name and number of the caller may be shown to this actor at all, be it masked (第二十二条)."""
    if not actor.may(Permission.ORDER_VIEW):
        return not ticket.sealed and not ticket.confidential
    return not ticket.sealed or actor.may(Permission.ORDER_SEALED) or ticket.opened_by == actor.user_id


async def get(session: AsyncSession, actor: Actor, ticket_id: UUID) -> Ticket:
    """The order. Raises NotFound, also when the actor may not know of it."""
    return one_of(await several(session, actor, {ticket_id}), ticket_id)


async def several(
    session: AsyncSession, actor: Actor, ticket_ids: Iterable[UUID], *, lock: bool = False
) -> dict[UUID, Ticket]:
    """These orders, as far as the actor may know of them; locked in the order of their ids, so that two who need the
    same orders wait for each other and never in a circle.

    FOR NO KEY UPDATE: rows that refer to an order are written by others meanwhile, an order's id never changes.
    """
    wanted = select(Ticket).where(Ticket.id.in_(set(ticket_ids)), visible_to(actor)).order_by(Ticket.id)
    if lock:
        wanted = wanted.with_for_update(key_share=True, of=Ticket).execution_options(populate_existing=True)
    return {ticket.id: ticket for ticket in await session.scalars(wanted)}


def one_of(found: Mapping[UUID, Ticket], ticket_id: UUID) -> Ticket:
    """The order among them. Raises NotFound."""
    if ticket_id not in found:
        raise NotFound("no-such-order", "没有这张工单。")
    return found[ticket_id]
