"""A test call is over: what it says of the contact."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.spoken.events import SpokenCallDone
from callflow.spoken.models import SpokenCall
from core.db import among
from core.events import subscriber
from crm.contacts.service import SUBJECT, tested


@subscriber(SpokenCallDone, name="crm.contact-tested")
async def on_done(session: AsyncSession, events: Sequence[SpokenCallDone]) -> None:
    """Test calls were confirmed, or ended without."""
    ids = {event.call_id for event in events if event.subject == SUBJECT}
    if ids:
        wanted = select(SpokenCall).where(among(SpokenCall.id, ids)).order_by(SpokenCall.id)
        await tested(session, (await session.scalars(wanted)).all())
