"""调听申请: who may not listen asks for certain recordings; an officer, never the asker, approves or refuses."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import midnight, now
from core.errors import Conflict, Denied, Invalid
from core.locks import lock
from core.permissions import Permission
from recordings.desk.deciding import Matter, audible_of, decide, require_purpose, why
from recordings.desk.models import ListeningRequest, RequestedRecording, RequestState
from recordings.desk.policy import ListeningPolicy

MOST_WAITING = 50
"""Requests of one person that wait at a time."""
REQUESTS = Matter(ListeningRequest, "request", "这件申请", RequestState.WAITING, "asker_id", "listening")


@dataclass(frozen=True)
class Wish:
    """What somebody asks for: recordings (of an order, where `order_id` names it), what for, why, until which day."""

    about: str
    recordings: Collection[UUID]
    purpose: str
    reason: str
    until: date
    order_id: UUID | None = None


async def ask(session: AsyncSession, actor: Actor, policy: ListeningPolicy, wish: Wish) -> ListeningRequest:
    """Ask. Whether the asker may know of these recordings is for who names them to say.

    Raises `Denied`, `Invalid("no-such-purpose" | "bad-until" | "nothing-to-hear" | "too-many-requests")`,
    `Conflict("asked-already")`.
    """
    actor.require(Permission.RECORDING_ASK)
    if actor.user_id is None:
        raise Denied("not-permitted", "只有工作人员可以申请调听。")
    require_purpose(policy, wish.purpose, "调听")
    await lock(session, f"listening:{actor.user_id}")
    waiting = await _waiting_of(session, actor.user_id)
    if len(waiting) >= MOST_WAITING:
        raise Invalid("too-many-requests", f"待审批的调听申请已有 {MOST_WAITING} 件，请等候审批。")
    heard = await audible_of(session, wish.recordings)
    if not heard:
        raise Invalid("nothing-to-hear", "没有可以调听的录音。")
    for one in waiting:
        if heard <= await recordings_of(session, one.id):
            raise Conflict("asked-already", "已经申请调听这些录音，请等候审批。")
    made = ListeningRequest(
        asker_id=actor.user_id,
        asker_name=actor.name,
        asker_unit_id=actor.unit_id,
        about=wish.about,
        order_id=wish.order_id,
        purpose=wish.purpose,
        reason=wish.reason.strip(),
        wanted_until=end_of(wish.until, policy),
        state=RequestState.WAITING,
    )
    session.add(made)
    await session.flush()
    session.add_all(RequestedRecording(request_id=made.id, recording_id=id) for id in heard)
    await _noted(session, actor, "listening.ask", made, reason=made.reason, recordings=len(heard))
    return made


async def approve(
    session: AsyncSession, actor: Actor, policy: ListeningPolicy, id: UUID, until: date, words: str
) -> ListeningRequest:
    """Approve until the end of a day. Raises `NotFound`, `Denied("own-request")`, `Conflict("decided-already")`,
    `Invalid("bad-until")`."""
    one = await REQUESTS.to_decide(session, actor, id)
    one.valid_until = end_of(until, policy)
    _decide(one, actor, RequestState.APPROVED, words)
    await _noted(session, actor, "listening.approve", one, until=one.valid_until.isoformat(), asker=one.asker_name)
    return one


async def refuse(session: AsyncSession, actor: Actor, id: UUID, words: str) -> ListeningRequest:
    """Refuse, and say why. Raises as `approve`, and `Invalid("no-reason")`."""
    one = await REQUESTS.to_decide(session, actor, id)
    _decide(one, actor, RequestState.REFUSED, why(words))
    await _noted(session, actor, "listening.refuse", one, reason=one.decision, asker=one.asker_name)
    return one


async def withdraw(session: AsyncSession, actor: Actor, id: UUID, words: str) -> ListeningRequest:
    """Withdraw an approval; a player that is open gets no further sound. Raises `Conflict("not-in-force")`."""
    actor.require(Permission.RECORDING_DECIDE)
    one = await REQUESTS.locked(session, id)
    if one.state != RequestState.APPROVED:
        raise Conflict("not-in-force", "这件申请没有有效的批准，请刷新后再办理。")
    _decide(one, actor, RequestState.WITHDRAWN, why(words))
    await _noted(session, actor, "listening.withdraw", one, reason=one.decision, asker=one.asker_name)
    return one


async def cancel(session: AsyncSession, actor: Actor, id: UUID) -> None:
    """The asker no longer needs it. Raises `NotFound`, also for another's, and `Conflict("decided-already")`."""
    one = await REQUESTS.locked(session, id)
    if not REQUESTS.asked_by(one, actor):
        raise REQUESTS.unknown()
    if one.state != RequestState.WAITING:
        raise REQUESTS.decided_already()
    one.state = RequestState.CANCELLED
    await _noted(session, actor, "listening.cancel", one)


async def waiting(session: AsyncSession, actor: Actor) -> Sequence[ListeningRequest]:
    """What waits for an officer, the oldest first."""
    actor.require(Permission.RECORDING_DECIDE)
    wanted = select(ListeningRequest).where(ListeningRequest.state == RequestState.WAITING)
    return (await session.scalars(wanted.order_by(ListeningRequest.id).limit(200))).all()


async def decided(session: AsyncSession, actor: Actor, limit: int) -> Sequence[ListeningRequest]:
    """What was decided or taken back, the newest first."""
    actor.require(Permission.RECORDING_DECIDE)
    wanted = select(ListeningRequest).where(ListeningRequest.state != RequestState.WAITING)
    newest = wanted.order_by(ListeningRequest.asked_at.desc(), ListeningRequest.id.desc())
    return (await session.scalars(newest.limit(limit))).all()


async def own(session: AsyncSession, actor: Actor, limit: int) -> Sequence[ListeningRequest]:
    """One's own, the newest first."""
    wanted = select(ListeningRequest).where(ListeningRequest.asker_id == actor.user_id)
    newest = wanted.order_by(ListeningRequest.asked_at.desc(), ListeningRequest.id.desc())
    return (await session.scalars(newest.limit(limit))).all()


async def see(session: AsyncSession, ones: Sequence[ListeningRequest]) -> None:
    """The asker has read these answers."""
    for one in ones:
        if one.decided_at is not None and one.seen_at is None:
            one.seen_at = now()


async def unseen(session: AsyncSession, user_id: UUID) -> int:
    """Answers that this person has not read."""
    mine = (ListeningRequest.asker_id == user_id, ListeningRequest.decided_at.is_not(None))
    wanted = select(func.count()).select_from(ListeningRequest)
    return await session.scalar(wanted.where(*mine, ListeningRequest.seen_at.is_(None))) or 0


async def recordings_of(session: AsyncSession, request_id: UUID) -> set[UUID]:
    """Which recordings a request is about."""
    wanted = select(RequestedRecording.recording_id).where(RequestedRecording.request_id == request_id)
    return set(await session.scalars(wanted))


def end_of(until: date, policy: ListeningPolicy) -> datetime:
    """The end of that day. Raises `Invalid("bad-until")` for a day that is over or beyond what the policy lets."""
    at = midnight(until + timedelta(days=1))
    if not now() < at <= now() + timedelta(days=policy.request_days + 1):
        said = f"有效期限应为今天至 {policy.request_days} 天之内"
        raise Invalid("bad-until", f"{said}。", fields={"until": said})
    return at


def _decide(one: ListeningRequest, actor: Actor, state: RequestState, words: str) -> None:
    """And its asker has not read it."""
    decide(one, actor, state, words)
    one.seen_at = None


async def _waiting_of(session: AsyncSession, user_id: UUID) -> Sequence[ListeningRequest]:
    mine = (ListeningRequest.asker_id == user_id, ListeningRequest.state == RequestState.WAITING)
    return (await session.scalars(select(ListeningRequest).where(*mine))).all()


async def _noted(
    session: AsyncSession, actor: Actor, action: str, one: ListeningRequest, *, reason: str | None = None, **told: Any
) -> None:
    await REQUESTS.noted(session, actor, action, one, reason=reason, purpose=one.purpose, **told)
