"""The end of a draft that nobody ever took in: it becomes 无效, and whoever called and what was typed or heard goes,
also where it spoke for an emergency that was none.
The row stays with its number and its acts, since numbers have no gaps; of the acts what they held goes too."""

from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM
from core.clock import now
from core.events import publish
from crm.emergencies.models import EmergencySign
from crm.tickets.events import TicketActed
from crm.tickets.history import append
from crm.tickets.models import Ticket, TicketEvent, TypedFields
from crm.tickets.service import UNWRITTEN
from crm.tickets.states import Act, State

EMPTIED: dict[str, Any] = UNWRITTEN | {"proposals": {}, "accepted": {}}
EMPTIED |= {"citizen_id": None, "caller_phone": None, "caller_name": None, "confidential": False}


async def lapse(session: AsyncSession, ticket: Ticket, why: str) -> None:
    """End this locked draft; `why` is written into its history."""
    for name, value in EMPTIED.items():
        setattr(ticket, name, value)
    at = now()
    ticket.state, ticket.state_since, ticket.state_due_at = State.VOID, at, None
    ticket.closed_at, ticket.close_kind, ticket.close_reason = at, "lapsed", why
    ticket.version += 1
    await session.flush()
    told = update(TicketEvent).where(TicketEvent.ticket_id == ticket.id).values(before={}, after={})
    await session.execute(told.execution_options(synchronize_session=False))
    await session.execute(delete(TypedFields).where(TypedFields.ticket_id == ticket.id))
    spoken = update(EmergencySign).where(EmergencySign.ticket_id == ticket.id).values(words="", place="")
    await session.execute(spoken)
    states = {"before": {"state": State.DRAFT}, "after": {"state": State.VOID}}
    await append(session, ticket, SYSTEM, Act.VOID, origin="machine", article="第十二条(一)", reason=why, **states)
    await publish(session, TicketActed(ticket_id=ticket.id, seq=ticket.version, act=Act.VOID))
