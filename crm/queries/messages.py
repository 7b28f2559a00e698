"""The SMS log: what was sent to whom, what became of it, what a person may decide."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from core import phone
from core.actor import Actor
from core.errors import Invalid
from core.permissions import Permission
from crm.sms.models import Sms, SmsEvent, SmsReply
from crm.sms.rules import SmsState, resolutions

PAGE = 50
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
class Answer:
    """A citizen's reply, number masked."""

    at: datetime
    phone: str
    text: str


@dataclass(frozen=True)
class MessagePage:
    """One page and the key of the next."""

    messages: tuple[Message, ...]
    next: str | None


async def log(
    session: AsyncSession,
    actor: Actor,
    *,
    states: frozenset[SmsState] = frozenset(),
    for_person: bool = False,
    after: str | None = None,
    limit: int = PAGE,
) -> MessagePage:
    """Newest first. `for_person`: only those that wait for a decision."""
    actor.require(Permission.SMS_VIEW)
    wanted = select(Sms).order_by(Sms.created_at.desc(), Sms.id.desc()).limit(limit + 1)
    if states:
        wanted = wanted.where(Sms.state.in_(states))
    if for_person:
        wanted = wanted.where(Sms.state == SmsState.UNKNOWN, Sms.person_asked_at.is_not(None))
    if after:
        wanted = wanted.where(tuple_(Sms.created_at, Sms.id) < tuple_(*_cursor(after)))
    rows: list[Sms] = list(await session.scalars(wanted))
    shown = rows[:limit]
    more = f"{shown[-1].created_at.isoformat()}|{shown[-1].id}" if len(rows) > limit else None
    return MessagePage(tuple([await _message(session, row) for row in shown]), more)


async def of_order(session: AsyncSession, ticket_id: UUID) -> tuple[list[Message], list[Answer]]:
    """Messages and replies of an order that the actor was already let to see."""
    rows = await session.scalars(select(Sms).where(Sms.ticket_id == ticket_id).order_by(Sms.created_at))
    messages = [await _message(session, row) for row in rows]
    replies = await session.scalars(select(SmsReply).where(SmsReply.ticket_id == ticket_id).order_by(SmsReply.at))
    return messages, [Answer(row.at, phone.mask(row.phone), row.text) for row in replies]


async def _message(session: AsyncSession, row: Sms) -> Message:
    events = await session.scalars(select(SmsEvent).where(SmsEvent.sms_id == row.id).order_by(SmsEvent.at, SmsEvent.id))
    state = SmsState(row.state)
    return Message(
        id=row.id,
        ticket_id=row.ticket_id,
        to=phone.mask(row.to) if row.to else "—",
        text=_CODE.sub(r"\1******", row.text),
        state=state,
        reason=row.reason,
        attempts=row.attempts,
        created_at=row.created_at,
        waits_for_person=row.person_asked_at is not None,
        resolutions=resolutions(state),
        history=tuple(Happening(event.at, event.detail, event.actor_name) for event in events),
    )


def _cursor(after: str) -> tuple[datetime, UUID]:
    try:
        at, id = after.split("|")
        return datetime.fromisoformat(at), UUID(id)
    except ValueError as error:
        raise Invalid("bad-cursor", "翻页参数不正确，请从第一页重新查看。") from error
