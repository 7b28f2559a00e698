"""Finding calls, and what was recorded of them, as orders are found: by telephone, order number and who talked."""

from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.actor import Actor
from core.db import among
from core.identity.models import User
from crm.installed import installed
from crm.policy import OrdersPolicy
from crm.search.filter import Asked, understand
from crm.search.identity import identity_shown_to, require_phone_search
from crm.search.narrow import begins
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket


async def calls_named(session: AsyncSession, actor: Actor, search: str) -> tuple[ColumnElement[bool], ...]:
    """Conditions on calls: order numbers or their beginnings, telephone numbers or their last four digits, and names of
    agents, parted by spaces; all must match. Raises Denied("no-phone-search").

    A call stands with its masked number: by an order it is found only where this actor may know of the order's caller.
    """
    asked = understood(search)
    where = numbered(actor, asked, Call.id, Call.caller)
    for word in asked.words.split():
        people = await session.scalars(select(User.id).where(User.name.contains(word, autoescape=True)))
        where.append(among(Call.agent_id, people.all()))
    return tuple(where)


def understood(search: str) -> Asked:
    """What is looked for, order numbers being this county's."""
    return understand(search, installed().policy[OrdersPolicy].number_prefix)


def numbered(actor: Actor, asked: Asked, call_id: Any, caller: Any) -> list[ColumnElement[bool]]:
    """The numbers of a search as conditions on what has a call and its caller. Raises Denied("no-phone-search")."""
    where: list[ColumnElement[bool]] = []
    for number in asked.numbers:
        orders = select(Ticket.call_id).where(begins(number), visible_to(actor), identity_shown_to(actor))
        where.append(call_id.in_(orders.where(Ticket.call_id.is_not(None))))
    for phone in asked.phones:
        require_phone_search(actor)
        where.append(caller.matches(phone))
    return [*where, *(caller.ends(digits) for digits in asked.last_fours)]
