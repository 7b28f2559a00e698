"""Asking for calls that speak, and what the journals say became of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.facts import Fact, Kind
from callflow.spoken.events import SpokenCallDone
from callflow.spoken.models import SpokenCall
from callflow.spoken.rules import Outcome, ended, id_of
from core.clock import now
from core.db import among, new_id
from core.events import publish
from core.live import hint
from core.locks import lock

TOPIC = "spoken-calls"


async def say(
    session: AsyncSession,
    phone: str,
    text: str,
    *,
    subject: str,
    subject_id: UUID,
    until: datetime,
    at: datetime | None = None,
) -> SpokenCall:
    """Call `phone` (E.164) now or `at`, unless `until` has come by then; `SpokenCallDone` tells what became of it."""
    call = SpokenCall(id=new_id(), phone=phone, text=text, subject=subject, subject_id=subject_id, until=until)
    call.wanted_at = at or now()
    session.add(call)
    await session.flush()
    hint(session, TOPIC)
    return call


async def drop(session: AsyncSession, subject: str, subject_id: UUID) -> None:
    """What was asked for and not yet placed is not placed any more; nobody is told, who drops it knows."""
    of = SpokenCall
    waiting = select(of).where(of.subject == subject, of.subject_id == subject_id, of.outcome.is_(None))
    for call in await session.scalars(waiting.where(of.placed_at.is_(None)).with_for_update()):
        await session.delete(call)


async def about(session: AsyncSession, subject: str, ids: Iterable[UUID], most: int) -> Sequence[SpokenCall]:
    """The calls about these subjects, the newest first."""
    of = SpokenCall
    wanted = select(of).where(of.subject == subject, among(of.subject_id, set(ids)))
    return (await session.scalars(wanted.order_by(of.wanted_at.desc(), of.id.desc()).limit(most))).all()


async def take(session: AsyncSession, node: str, at_once: int, longest: timedelta) -> Sequence[SpokenCall]:
    """Those whose time has come, marked as placed by `node` before anybody places them: none is called twice.

    At most `at_once` go on at a time in the whole cluster. What came too late, and what was placed `longest` ago
    without an end, is closed.
    """
    await lock(session, TOPIC)
    of, at = SpokenCall, now()
    open = (of.outcome.is_(None), of.confirmed_at.is_(None))
    over = select(of).where(*open, (of.placed_at < at - longest) | (of.placed_at.is_(None) & (of.until <= at)))
    for call in await session.scalars(over.with_for_update()):
        await close(session, call, Outcome.LOST if call.placed_at else Outcome.LATE)
    going = select(func.count()).select_from(of).where(*open, of.placed_at.is_not(None))
    free = at_once - (await session.execute(going)).scalar_one()
    if free <= 0:
        return []
    due = select(of).where(*open, of.placed_at.is_(None), of.wanted_at <= at, of.until > at)
    calls = (await session.scalars(due.order_by(of.wanted_at, of.id).limit(free).with_for_update())).all()
    for call in calls:
        call.node, call.placed_at = node, at
    return calls


async def close(session: AsyncSession, call: SpokenCall, outcome: Outcome) -> None:
    """It is known how it ended; told once."""
    call.outcome = outcome
    call.ended_at = call.ended_at or now()
    await _tell(session, call)


async def save(session: AsyncSession, facts: Iterable[Fact]) -> None:
    """What Asterisk's journal says of these calls; saying it again, or in another order, changes nothing."""
    told: dict[UUID, list[Fact]] = {}
    for fact in facts:
        if id := id_of(fact.linkedid):
            told.setdefault(id, []).append(fact)
    wanted = select(SpokenCall).where(among(SpokenCall.id, set(told))).order_by(SpokenCall.id).with_for_update()
    for call in await session.scalars(wanted.execution_options(populate_existing=True)) if told else ():
        before = call.outcome
        for fact in sorted(told[call.id], key=lambda one: one.at):
            _fold(call, fact)
        if call.outcome != before:
            await _tell(session, call)


def _fold(call: SpokenCall, fact: Fact) -> None:
    match fact.kind:
        case Kind.ANSWERED:
            call.answered_at = call.answered_at or fact.at
        case Kind.CONFIRMED:
            call.answered_at = call.answered_at or fact.at
            call.confirmed_at, call.outcome = call.confirmed_at or fact.at, Outcome.CONFIRMED
        case Kind.ENDED if call.confirmed_at is None and call.outcome in (None, Outcome.LOST):
            call.ended_at = fact.at
            call.outcome = ended(fact.data.get("cause", ""), answered=call.answered_at is not None)
        case Kind.ENDED:
            call.ended_at = call.ended_at or fact.at


async def _tell(session: AsyncSession, call: SpokenCall) -> None:
    await publish(session, SpokenCallDone(call_id=call.id, subject=call.subject, subject_id=call.subject_id))
