"""When alarms are seen to: an event or its orders changed, a unit got or signed for one, a call to a contact ended."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.spoken.events import SpokenCallDone
from callflow.spoken.models import SpokenCall
from core.db import among
from core.events import subscriber
from crm.alarms.service import SUBJECT, called, see_to
from crm.emergencies.events import EmergencyChanged
from crm.emergencies.models import EmergencyOrder
from crm.tickets.events import TicketActed
from crm.tickets.states import Act

MOVES = frozenset({Act.DISPATCH, Act.SETTLE, Act.SIGN, Act.REWORK})
"""Acts by which a unit gets an order, or says that it has it."""


@subscriber(EmergencyChanged, name="crm.alarms-of-event")
async def on_changed(session: AsyncSession, events: Sequence[EmergencyChanged]) -> None:
    """An event was confirmed, got orders, lost some, or ended."""
    for event_id in sorted({event.event_id for event in events}):
        await see_to(session, event_id)


@subscriber(TicketActed, name="crm.alarms-of-order")
async def on_acted(session: AsyncSession, events: Sequence[TicketActed]) -> None:
    """An order came to a unit, or was signed for."""
    moved = {event.ticket_id for event in events if event.act in MOVES}
    if moved:
        of = EmergencyOrder
        wanted = select(of.event_id).where(among(of.ticket_id, moved), of.state == "linked").distinct()
        found: Sequence[UUID] = (await session.scalars(wanted)).all()
        for event_id in sorted(found):
            await see_to(session, event_id)


@subscriber(SpokenCallDone, name="crm.alarm-called")
async def on_called(session: AsyncSession, events: Sequence[SpokenCallDone]) -> None:
    """Calls to contacts were confirmed, or ended without."""
    ids = {event.call_id for event in events if event.subject == SUBJECT}
    if ids:
        for call in await session.scalars(select(SpokenCall).where(among(SpokenCall.id, ids)).order_by(SpokenCall.id)):
            await called(session, call)
