"""What a confirmed version does to orders. Imported by every process that runs jobs or publishes these events."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now
from core.events import subscriber
from core.jobs import JobContext, Retry, defer, job
from core.rules.events import RulesConfirmed
from core.rules.kinds import Kind
from core.rules.service import AHEAD
from crm.rulebook.recount import recount


@job("crm.recount", retry=Retry(cap_s=10.0))
async def recount_orders(ctx: JobContext) -> None:
    """All open orders, by the newest calendar."""
    await recount(ctx.db)


@subscriber(RulesConfirmed, name="crm.recount-orders")
async def on_confirmed(session: AsyncSession, events: Sequence[RulesConfirmed]) -> None:
    """A new calendar: the due dates of open orders follow it, never earlier (D4).

    Once more when every process knows it: one that did not yet may have dispatched by the old one meanwhile.
    """
    if any(event.kind == Kind.CALENDAR for event in events):
        await defer(session, recount_orders)
        await defer(session, recount_orders, at=now() + AHEAD)
