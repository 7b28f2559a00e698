"""What a confirmed version does to orders. Imported by every process that runs jobs or publishes these events."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from core.events import subscriber
from core.rules.events import RulesConfirmed
from core.rules.kinds import Kind
from crm.rulebook.recount import recount


@subscriber(RulesConfirmed, name="crm.recount-orders")
async def on_confirmed(session: AsyncSession, events: Sequence[RulesConfirmed]) -> None:
    """A new calendar: the due dates of open orders follow it, never earlier (D4)."""
    if any(event.kind == Kind.CALENDAR for event in events):
        await recount(session)
