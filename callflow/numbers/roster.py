"""The roster 排班: who sits at a desk, from when to when, as an administrator plans it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.numbers.models import RosterShift
from core.actor import Actor
from core.clock import local
from core.errors import Invalid, NotFound
from core.identity.models import User
from core.ledger import record
from core.permissions import Permission

LONGEST = timedelta(hours=16)
NIGHT_FROM, NIGHT_TO = 22, 6
"""A shift that touches these hours is a night shift (Asia/Shanghai)."""


def is_night(starts_at: datetime, ends_at: datetime) -> bool:
    """Whether any part of the shift lies between 22:00 and 06:00. Pure."""
    at = local(starts_at)
    while at < ends_at:
        if at.hour >= NIGHT_FROM or at.hour < NIGHT_TO:
            return True
        at = at.replace(minute=0) + timedelta(hours=1)
    return False


async def shifts(session: AsyncSession, first: datetime, last: datetime) -> list[tuple[RosterShift, str]]:
    """Shifts that touch the span, in time order, each with the person's name."""
    rows = await session.execute(
        select(RosterShift, User.name)
        .join(User, User.id == RosterShift.user_id)
        .where(RosterShift.starts_at < last, RosterShift.ends_at > first)
        .order_by(RosterShift.starts_at, User.name)
    )
    return [(row[0], row[1]) for row in rows]


async def add_shift(
    session: AsyncSession, actor: Actor, user_id: UUID, starts_at: datetime, ends_at: datetime
) -> RosterShift:
    """Plan a shift. Raises `Invalid` for one without length, over 16 hours, or beside another of the same person."""
    actor.require(Permission.LINE_ADMIN)
    user = await session.get(User, user_id, with_for_update=True)
    if user is None or not user.active:
        raise _wrong("no-such-user", "user_id", "请选择在用的话务员。")
    if not timedelta(0) < ends_at - starts_at <= LONGEST:
        raise _wrong("bad-shift", "end", "一个班次不超过 16 小时。")
    other = select(RosterShift.id).where(
        RosterShift.user_id == user_id, RosterShift.starts_at < ends_at, RosterShift.ends_at > starts_at
    )
    if await session.scalar(other.limit(1)):
        raise _wrong("shift-overlaps", "start", "该话务员在这段时间已有班次。")
    row = RosterShift(user_id=user_id, starts_at=starts_at, ends_at=ends_at, night=is_night(starts_at, ends_at))
    session.add(row)
    await session.flush()
    await _note(session, actor, "line.shift.create", row)
    return row


async def remove_shift(session: AsyncSession, actor: Actor, shift_id: UUID) -> None:
    """Take a shift out of the plan; the ledger keeps that it was planned."""
    actor.require(Permission.LINE_ADMIN)
    row = await session.get(RosterShift, shift_id, with_for_update=True)
    if row is None:
        raise NotFound("no-shift", "没有这个班次，可能已被他人删除。")
    await _note(session, actor, "line.shift.remove", row)
    await session.delete(row)


async def _note(session: AsyncSession, actor: Actor, action: str, row: RosterShift) -> None:
    span = {"starts_at": row.starts_at.isoformat(), "ends_at": row.ends_at.isoformat()}
    await record(session, actor, action, "shift", row.id, user_id=str(row.user_id), **span)


def _wrong(id: str, field: str, sentence: str) -> Invalid:
    return Invalid(id, sentence, fields={field: sentence})
