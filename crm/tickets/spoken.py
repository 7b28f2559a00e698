"""What a caller may hear of an order: its state, against number and query code, and nothing of a 举报."""

import hmac
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import local, now
from crm.installed import installed
from crm.policy import OrdersPolicy
from crm.tickets.models import Ticket
from crm.tickets.numbers import as_written
from crm.tickets.states import WITH_UNITS, State
from crm.tickets.wrong_codes import WINDOW, WrongCodes


@dataclass(frozen=True)
class SpokenState:
    """`state` as in `crm.tickets.states.State`; `due` is the last day, None without a running clock."""

    number: str
    state: State
    due: date | None


ASKERS: Final = 10
"""So many times what one asker may be wrong about an order, all together may; then it answers its own caller alone."""


async def spoken_state(
    session: AsyncSession, number: str, query_code: str, *, asker: str | None, wrong: WrongCodes
) -> SpokenState | None:
    """The state, or None: unknown number, wrong code, too many wrong codes, or a 举报 — all alike to who asks.

    `number` as written or as typed by keypad (13 digits). `asker`: the telephone number in E.164 or the network; None
    where it is withheld. Wrong codes are counted for each asker, so that no stranger's guesses keep a citizen from
    asking, and on the order, so that many askers guess no better; the session commits the latter.
    """
    policy = installed().policy[OrdersPolicy]
    written = as_written(number, policy)
    if written is None:
        return None
    ticket = await session.scalar(select(Ticket).where(Ticket.number == written).with_for_update(key_share=True))
    if ticket is None:
        return None
    at, most = now(), policy.query_failures_per_day
    if ticket.query_failed_at and at - ticket.query_failed_at > WINDOW:
        ticket.query_failures = 0
    own = asker is not None and asker == ticket.caller_phone
    if wrong.of(ticket.id, asker, at) >= most or (ticket.query_failures >= most * ASKERS and not own):
        return None
    if not hmac.compare_digest(ticket.query_code.encode(), query_code.strip().encode()):
        wrong.note(ticket.id, asker, at)
        ticket.query_failures += 1
        ticket.query_failed_at = at
        return None
    if ticket.sealed:
        return None
    ends = ticket.due_at if ticket.state in WITH_UNITS else None
    last_day = local(ends - timedelta(microseconds=1)).date() if ends else None
    return SpokenState(ticket.number, State(ticket.state), last_day)
