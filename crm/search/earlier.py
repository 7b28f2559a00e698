"""What the same caller reported before: shown beside an order, never where it would tell who made a 举报."""

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.personal import mask_name
from crm.citizens.service import known
from crm.search.identity import identity_shown_to
from crm.tickets.access import sees_identity, visible_to
from crm.tickets.models import Ticket
from crm.tickets.states import State

MOST = 10
MOST_COUNTED = 99
NEWEST = (Ticket.opened_at.desc(), Ticket.id.desc())


async def earlier_of(session: AsyncSession, actor: Actor, ticket: Ticket, *, most: int = MOST) -> list[Ticket]:
    """Other orders of the same telephone, those of the same matter first, then the newest (F12.1-1, A10-4).

    Only where the actor may know of the caller of both orders.
    """
    if ticket.caller_phone is None or not sees_identity(actor, ticket):
        return []
    same_matter = case((and_(Ticket.matter.is_not(None), Ticket.matter == ticket.matter), 0), else_=1)
    others = _of_number(actor, ticket.caller_phone).where(Ticket.id != ticket.id)
    rows = await session.scalars(others.order_by(same_matter, *NEWEST).limit(most))
    return list(rows)


async def earlier_of_number(session: AsyncSession, actor: Actor, number: str, *, most: int = MOST) -> list[Ticket]:
    """The orders of a telephone, the newest first, before there is one of the present call."""
    return list(await session.scalars(_of_number(actor, number).order_by(*NEWEST).limit(most)))


def _of_number(actor: Actor, number: str) -> Select[Ticket]:
    wanted = select(Ticket).where(Ticket.caller_phone.matches(number))
    return wanted.where(visible_to(actor), identity_shown_to(actor))


async def known_of(session: AsyncSession, actor: Actor, phone: str) -> str:
    """Who calls, for the bar of whose telephone rings: name, masked, and how many orders; empty for a new number.

    The order of the call itself is no history: drafts are not counted.
    """
    mine = (
        select(Ticket.id)
        .where(
            Ticket.caller_phone.matches(phone),
            Ticket.state != State.DRAFT,
            visible_to(actor),
            identity_shown_to(actor),
        )
        .limit(MOST_COUNTED + 1)
    )
    count = await session.scalar(select(func.count()).select_from(mine.subquery())) or 0
    if not count:
        return ""
    citizen = (await known(session, phone)).get(phone)
    name = mask_name(citizen.name) if citizen and citizen.name else ""
    many = f"{MOST_COUNTED} 张以上工单" if count > MOST_COUNTED else f"{count} 张工单"
    return "，".join(filter(None, (name, many)))
