"""What is written into an order is read for emergencies too. Imported by every process that runs jobs or publishes."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.events import subscriber
from crm.emergencies.proposals import look
from crm.tickets.events import TicketActed
from crm.tickets.models import Ticket
from crm.tickets.states import Act

WRITES = frozenset({Act.CORRECT, Act.CONFIRM, Act.DISPATCH})


@subscriber(TicketActed, name="crm.emergency-words")
async def on_written(session: AsyncSession, events: Sequence[TicketActed]) -> None:
    """Somebody wrote or checked what the order says."""
    for ticket_id in sorted({event.ticket_id for event in events if event.act in WRITES}):
        ticket = await session.scalar(select(Ticket).where(Ticket.id == ticket_id))
        if ticket is not None:
            await look(session, ticket, written(ticket))


def written(ticket: Ticket) -> str:
    """All that an order tells of what happened."""
    return "，".join(filter(None, (ticket.title, ticket.content, ticket.demand)))
