"""What calls and words do to drafts. Imported by every process that runs jobs or publishes these events."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from callflow.events import CallConnected, MessageLeft
from core.events import subscriber
from crm.drafts.service import open_for, refresh
from recordings.events import TranscriptFinal, TranscriptGrew


@subscriber(CallConnected, name="crm.open-draft")
async def on_connected(session: AsyncSession, events: Sequence[CallConnected]) -> None:
    """同步形成工单: the draft is there while the first words are spoken."""
    await open_for(session, [event.call_id for event in events])


@subscriber(TranscriptGrew, name="crm.refresh-draft")
async def on_words(session: AsyncSession, events: Sequence[TranscriptGrew]) -> None:
    """New words, new proposals."""
    for call_id in sorted({event.call_id for event in events}):
        await refresh(session, call_id)


@subscriber(TranscriptFinal, name="crm.final-draft")
async def on_final(session: AsyncSession, events: Sequence[TranscriptFinal]) -> None:
    """All words of the call, also those that only the recording gave."""
    for call_id in sorted({event.call_id for event in events}):
        await refresh(session, call_id)


@subscriber(MessageLeft, name="crm.message-draft")
async def on_message(session: AsyncSession, events: Sequence[MessageLeft]) -> None:
    """A message is a draft order even where no model can read it; its call-back task is callflow's."""
    for call_id in sorted({event.call_id for event in events}):
        await refresh(session, call_id)
