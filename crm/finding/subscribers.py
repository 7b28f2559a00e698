"""What happens to a call after its recording was read: it ends, and only then it is certain who talked."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from callflow.events import CallEnded
from core.events import subscriber
from recordings.finding import found_anew


@subscriber(CallEnded, name="crm.find-ended")
async def on_ended(session: AsyncSession, events: Sequence[CallEnded]) -> None:
    """A part that was archived while the call went on, or while nobody followed it, is found by its agent too."""
    await found_anew(session, {event.call_id for event in events})
