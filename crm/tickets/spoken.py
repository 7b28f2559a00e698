"""What a caller may hear of an order: its state, against number and query code, and nothing of a 举报."""

import hmac
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import local, now
from crm.installed import installed
from crm.policy import OrdersPolicy
from crm.tickets.models import Ticket
from crm.tickets.numbers import as_written
from crm.tickets.states import WITH_UNITS, State


@dataclass(frozen=True)
class SpokenState:
    """`state` as in `crm.tickets.states.State`; `due` is the last day, None without a running clock."""

    number: str
    state: State
    due: date | None


async def spoken_state(session: AsyncSession, number: str, query_code: str) -> SpokenState | None:
    """The state, or None: unknown number, wrong code, too many wrong codes, or a 举报 — all alike to the caller.

    `number` as written or as typed by keypad (13 digits). Wrong codes are counted on the order; the session
    commits the count.
    """
    policy = installed().policy[OrdersPolicy]
    written = as_written(number, policy)
    if written is None:
        return None
    ticket = await session.scalar(select(Ticket).where(Ticket.number == written).with_for_update())
    if ticket is None:
        return None
    at = now()
    if ticket.query_failed_at and at - ticket.query_failed_at > timedelta(hours=24):
        ticket.query_failures = 0
    if ticket.query_failures >= policy.query_failures_per_day:
        return None
    if not hmac.compare_digest(ticket.query_code.encode(), query_code.strip().encode()):
        ticket.query_failures += 1
        ticket.query_failed_at = at
        return None
    if ticket.sealed:
        return None
    ends = ticket.due_at if ticket.state in WITH_UNITS else None
    last_day = local(ends - timedelta(microseconds=1)).date() if ends else None
    return SpokenState(ticket.number, State(ticket.state), last_day)
