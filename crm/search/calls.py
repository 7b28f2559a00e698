"""Finding calls, and what was recorded of them, as orders are found: by telephone, order number and who talked."""

from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.actor import Actor
from core.db import among
from core.identity.models import User
from core.permissions import Permission
from crm.installed import installed
from crm.policy import OrdersPolicy
from crm.search.filter import Asked, understand
from crm.search.identity import identity_shown_to, require_phone_search
from crm.search.narrow import begins
from crm.tickets.access import visible_to
from crm.tickets.belonging import calls_of
from crm.tickets.models import Ticket
from crm.tickets.numbers import as_written


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


def is_whole(number: str) -> bool:
    """Whether this is an order's number, not its beginning."""
    return as_written(number, installed().policy[OrdersPolicy]) == number


def numbered(
    actor: Actor, asked: Asked, call_id: Any, caller: Any, *, also_for: Permission | None = None
) -> list[ColumnElement[bool]]:
    """The numbers of a search as conditions on what has a call and its caller. A whole order number finds all calls of
    the order; a beginning, which many have, those that the orders came from. `also_for`: who may look for whole
    numbers here without seeing them. Raises Denied("no-phone-search")."""
    where: list[ColumnElement[bool]] = []
    for number in asked.numbers:
        open_to = (visible_to(actor), identity_shown_to(actor))
        own = select(Ticket.call_id).where(begins(number), *open_to, Ticket.call_id.is_not(None))
        where.append(call_id.in_(calls_of(Ticket.number == number, *open_to) if is_whole(number) else own))
    for phone in asked.phones:
        if not (also_for and actor.may(also_for)):
            require_phone_search(actor)
        where.append(caller.matches(phone))
    return [*where, *(caller.ends(digits) for digits in asked.last_fours)]
