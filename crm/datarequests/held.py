"""What is held on a number, as far as it keeps its data from being deleted."""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.db import among
from crm.citizens.restrictions import is_restricted
from crm.datarequests.rules import Kept
from crm.datarequests_policy import DataRequestsPolicy
from crm.installed import installed
from crm.tickets.belonging import calls_of as calls_of_orders
from crm.tickets.models import Attachment, Ticket
from crm.tickets.states import ENDS, State
from recordings.archive.rules import last_protected_day
from recordings.models import Recording


def orders_of(phone: str, numbers: Collection[str]) -> Select[Any]:
    """The orders of this number, or those of them that are named, the oldest first."""
    wanted = select(Ticket).where(Ticket.caller_phone.matches(phone))
    if numbers:
        wanted = wanted.where(among(Ticket.number, numbers))
    return wanted.order_by(Ticket.opened_at, Ticket.id)


def calls_of(phone: str) -> Select[Any]:
    """The calls with this number, the oldest first."""
    return select(Call).where(Call.caller.matches(phone)).order_by(Call.arrived_at, Call.id)


async def kept(session: AsyncSession, phone: str, numbers: Collection[str]) -> Kept:
    """What forbids to delete it now. Of named orders the calls of each; else all of the number."""
    orders = (await session.scalars(orders_of(phone, numbers))).all()
    calls = select(Call.id).where(Call.caller.matches(phone))
    if numbers:
        calls = calls.where(Call.id.in_(calls_of_orders(among(Ticket.id, [one.id for one in orders]))))
    years = installed().policy[DataRequestsPolicy].order_years
    days: list[date] = [last_protected_day(one.closed_at or one.state_since, years) for one in orders]
    recorded = select(func.max(Recording.protected_until)).where(Recording.call_id.in_(calls))
    files = select(func.max(Attachment.protected_until)).where(among(Attachment.ticket_id, [one.id for one in orders]))
    days += [last for one in (recorded, files) if (last := await session.scalar(one))]
    open_ = sum(one.closed_at is None and State(one.state) not in ENDS for one in orders)
    return Kept(max(days, default=None), open_, await is_restricted(session, phone))
