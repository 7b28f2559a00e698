"""The outbox 短信日志: what was sent to whom, what became of it, what a person may decide, and how soon it went out."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import phone
from core.actor import Actor
from core.clock import midnight, now, today
from core.db import among, paged
from core.permissions import Permission
from crm.sms.models import Sms, SmsEvent, SmsReply
from crm.sms.rules import SmsState, resolutions
from crm.tickets.models import Ticket

PAGE = 50
IN_TIME = timedelta(seconds=60)
"""T19: a receipt is with the gateway so soon after the dispatch."""
_CODE = re.compile(r"(查询码)\d+")


@dataclass(frozen=True)
class Happening:
    """One line of a message's history."""

    at: datetime
    text: str
    by: str


@dataclass(frozen=True)
class Message:
    """One message, number masked, query code hidden."""

    id: UUID
    ticket_id: UUID | None
    number: str
    """工单编号; empty where it belongs to none."""
    purpose: str
    to: str
    text: str
    state: SmsState
    reason: str
    attempts: int
    created_at: datetime
    waits_for_person: bool
    resolutions: tuple[str, ...]
    history: tuple[Happening, ...] = ()


@dataclass(frozen=True)
class Promptness:
    """受理短信 that were made today and can be received: how soon the gateway took them (T19)."""

    made: int
    in_time: int
    late: int
    """Taken later, or not yet although the time has passed."""
    p95_s: float | None
    """Seconds within which 95 of a hundred were taken; None while none was."""


@dataclass(frozen=True)
class Answer:
    """A citizen's reply, number masked."""

    at: datetime
    phone: str
    text: str


async def log(
    session: AsyncSession,
    actor: Actor,
    *,
    states: frozenset[SmsState] = frozenset(),
    for_person: bool = False,
    number: str = "",
    oldest_first: bool = False,
    after: tuple[datetime, UUID] | None = None,
    limit: int = PAGE,
) -> list[Message]:
    """A page from behind `after` on. `for_person`: only those that wait for a decision; `number`: those of this
    order."""
    actor.require(Permission.SMS_VIEW)
    wanted = select(Sms).limit(limit)
    if number:
        wanted = wanted.where(Sms.ticket_id.in_(select(Ticket.id).where(Ticket.number == number.strip().upper())))
    if states:
        wanted = wanted.where(Sms.state.in_(states))
    if for_person:
        wanted = wanted.where(Sms.state == SmsState.UNKNOWN, Sms.person_asked_at.is_not(None))
    wanted = paged(wanted, Sms.created_at, Sms.id, after, oldest_first=oldest_first)
    return await _messages(session, (await session.scalars(wanted)).all())


async def tally(session: AsyncSession) -> dict[SmsState, int]:
    """How many messages stand where; those that are over count from the last 30 days on."""
    recent = select(Sms.state, func.count()).where(Sms.created_at >= now() - timedelta(days=30)).group_by(Sms.state)
    found = {SmsState(row[0]): row[1] for row in await session.execute(recent)}
    return {state: found.get(state, 0) for state in SmsState}


async def promptness(session: AsyncSession) -> Promptness:
    """T19, as of now."""
    taken = func.extract("epoch", Sms.submitted_at - Sms.created_at)
    soon, waited = Sms.submitted_at - Sms.created_at <= IN_TIME, Sms.created_at <= now() - IN_TIME
    begins = midnight(today())
    row = (
        await session.execute(
            select(
                func.count(),
                func.count().filter(soon),
                func.count().filter(~func.coalesce(soon, False) & waited),
                func.percentile_cont(0.95).within_group(taken),
            ).where(Sms.created_at >= begins, Sms.key.startswith("receipt:"), Sms.state != SmsState.NOT_APPLICABLE)
        )
    ).one()
    return Promptness(row[0], row[1], row[2], None if row[3] is None else float(row[3]))


async def of_order(session: AsyncSession, ticket_id: UUID) -> tuple[list[Message], list[Answer]]:
    """Messages and replies of an order that the actor was already let to see."""
    rows = await session.scalars(select(Sms).where(Sms.ticket_id == ticket_id).order_by(Sms.created_at))
    messages = await _messages(session, rows.all())
    replies = await session.scalars(select(SmsReply).where(SmsReply.ticket_id == ticket_id).order_by(SmsReply.at))
    return messages, [Answer(row.at, phone.mask(row.phone), row.text) for row in replies]


async def _messages(session: AsyncSession, rows: Sequence[Sms]) -> list[Message]:
    histories: dict[UUID, list[Happening]] = defaultdict(list)
    events = select(SmsEvent).where(among(SmsEvent.sms_id, [row.id for row in rows])).order_by(SmsEvent.at, SmsEvent.id)
    for event in await session.scalars(events):
        histories[event.sms_id].append(Happening(event.at, event.detail, event.actor_name))
    tickets = select(Ticket.id, Ticket.number).where(among(Ticket.id, {row.ticket_id for row in rows if row.ticket_id}))
    numbers = {row.id: row.number for row in await session.execute(tickets)}
    return [_message(row, numbers.get(row.ticket_id or row.id, ""), histories[row.id]) for row in rows]


def _message(row: Sms, number: str, history: Sequence[Happening]) -> Message:
    state = SmsState(row.state)
    return Message(
        id=row.id,
        ticket_id=row.ticket_id if number else None,
        number=number,
        purpose="受理短信" if row.key.startswith("receipt:") else "通知短信",
        to=phone.mask(row.to) if row.to else "—",
        text=_CODE.sub(r"\1******", row.text),
        state=state,
        reason=row.reason,
        attempts=row.attempts,
        created_at=row.created_at,
        waits_for_person=row.person_asked_at is not None,
        resolutions=resolutions(state),
        history=tuple(history),
    )
