"""What calls and words do to drafts. Imported by every process that runs jobs or publishes these events."""

from sqlalchemy.ext.asyncio import AsyncSession

from callflow.events import CallConnected, MessageLeft
from core.events import subscriber
from crm.drafts.service import draft_of, refresh
from recordings.events import TranscriptFinal, TranscriptGrew


@subscriber(CallConnected, name="crm.open-draft", priority=5)
async def on_connected(session: AsyncSession, event: CallConnected) -> None:
    """同步形成工单: the draft is there while the first words are spoken."""
    await draft_of(session, event.call_id)


@subscriber(TranscriptGrew, name="crm.refresh-draft")
async def on_words(session: AsyncSession, event: TranscriptGrew) -> None:
    """New words, new proposals."""
    await refresh(session, event.call_id)


@subscriber(TranscriptFinal, name="crm.final-draft")
async def on_final(session: AsyncSession, event: TranscriptFinal) -> None:
    """All words of the call, also those that only the recording gave."""
    await refresh(session, event.call_id)


@subscriber(MessageLeft, name="crm.message-draft")
async def on_message(session: AsyncSession, event: MessageLeft) -> None:
    """A message is a draft order even where no model can read it; its call-back task is callflow's."""
    await refresh(session, event.call_id)
