"""What closes dossiers: the act of archiving, and everything that comes to an archived order later."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now
from core.db import Database, among
from core.events import subscriber
from core.jobs import JobContext, defer, job
from crm.dossiers.closing import Cause, bring_up_to_date
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.models import Dossier
from crm.tickets.belonging import orders_of
from crm.tickets.events import TicketActed
from crm.tickets.models import TicketEvent
from crm.tickets.states import Act
from recordings.events import RecordingStored, TranscriptFinal, WordsCorrected

QUEUE = "dossiers"
AT_ONCE = 100


@job("crm.close-dossier", queue=QUEUE)
async def close(ctx: JobContext, *, ticket_id: str, said: str, since: str, by: str) -> None:
    """Bring a dossier up to date."""
    cause = Cause(said, datetime.fromisoformat(since), by)
    await bring_up_to_date(ctx.db, ctx.service(DossierKeeper), UUID(ticket_id), cause)


async def ask(session: AsyncSession, ticket_id: UUID, said: str, by: str, at: datetime | None = None) -> None:
    """Close what came, after this transaction."""
    given: dict[str, Any] = {"ticket_id": str(ticket_id), "said": said, "since": (at or now()).isoformat(), "by": by}
    await defer(session, close, lock=f"dossier:{ticket_id}", **given)


@subscriber(TicketActed, "crm.dossier-of-act", queue=QUEUE)
async def acted(session: AsyncSession, events: Sequence[TicketActed]) -> None:
    """归档 closes the package; any act on an order that has one makes an addendum."""
    have = await _having(session, {event.ticket_id for event in events})
    for event in events:
        if event.act is Act.ARCHIVE or event.ticket_id in have:
            wanted = select(TicketEvent).where(TicketEvent.ticket_id == event.ticket_id, TicketEvent.seq == event.seq)
            done = (await session.scalars(wanted)).one()
            await ask(session, event.ticket_id, event.act.label, done.actor_name, done.at)


@subscriber(RecordingStored, "crm.dossier-of-recording", queue=QUEUE)
async def recorded(session: AsyncSession, events: Sequence[RecordingStored]) -> None:
    """A recording that came after the archiving."""
    for ticket_id in await _of_calls(session, {event.call_id for event in events}):
        await ask(session, ticket_id, "补充录音", "系统")


@subscriber(TranscriptFinal, "crm.dossier-of-words", queue=QUEUE)
async def transcribed(session: AsyncSession, events: Sequence[TranscriptFinal]) -> None:
    """Words that came after the archiving."""
    for ticket_id in await _of_calls(session, {event.call_id for event in events}):
        await ask(session, ticket_id, "补充通话文字", "系统")


@subscriber(WordsCorrected, "crm.dossier-of-correction", queue=QUEUE)
async def corrected(session: AsyncSession, events: Sequence[WordsCorrected]) -> None:
    """A line that a person corrected after the archiving."""
    for ticket_id in await _of_calls(session, {event.call_id for event in events}):
        await ask(session, ticket_id, "更正通话文字", "系统")


async def _having(session: AsyncSession, ticket_ids: set[UUID]) -> set[UUID]:
    return set(await session.scalars(select(Dossier.ticket_id).where(among(Dossier.ticket_id, ticket_ids))))


async def _of_calls(session: AsyncSession, call_ids: set[UUID]) -> Sequence[UUID]:
    of_calls = await orders_of(session, call_ids)
    return sorted(await _having(session, {id for some in of_calls.values() for id in some}))


async def bring_all(db: Database) -> int:
    """Have packages brought up to date that an earlier version closed with fewer of their calls -> how many."""
    async with db.session() as session:
        old = select(Dossier).where(Dossier.calls_seen_at.is_(None)).order_by(Dossier.id).limit(AT_ONCE)
        found = (await session.scalars(old.with_for_update(skip_locked=True))).all()
        for dossier in found:
            dossier.calls_seen_at = now()
            await ask(session, dossier.ticket_id, "补充通话", "系统")
    return len(found)
