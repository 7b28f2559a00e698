"""AB角: who acts for a person of a unit who is away (第八条(一))."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core import clock
from core.actor import Actor
from core.errors import Invalid, NotFound
from core.identity.models import User
from core.ledger import record
from core.permissions import Role

LONGEST = timedelta(days=180)
"""Who is away for longer has left the post: the profile is changed instead."""
OF_UNITS = frozenset({Role.UNIT_CLERK, Role.UNIT_LEADER})


def leads_now() -> ColumnElement[bool]:
    """Beside a selected `User`: whether that person acts for the leader of the own unit at this moment."""
    away = aliased(User)
    wanted = select(away.id).where(
        away.stand_in_id == User.id,
        away.away_until > clock.now(),
        away.active,
        away.unit_id == User.unit_id,
        away.roles.contains([Role.UNIT_LEADER]),
    )
    return wanted.exists()


async def set_absence(session: AsyncSession, actor: Actor, stand_in_id: UUID | None, until: datetime | None) -> User:
    """One's own absence: from now `until`, with a B角 of the same unit; both None end it."""
    user = await session.get(User, actor.user_id, with_for_update=True, populate_existing=True)
    if user is None or user.unit_id is None or not user.role_set & OF_UNITS:
        raise NotFound("no-such-user", "只有成员单位的人员设置 B角。")
    if stand_in_id is None and until is None:
        user.stand_in_id = user.away_until = None
        await record(session, actor, "user.back", "user", user.id)
        return user
    other = await session.get(User, stand_in_id) if stand_in_id else None
    if other is None or other.id == user.id or not other.active or other.unit_id != user.unit_id:
        raise Invalid(
            "no-stand-in", "请选择本单位另一名在岗人员。", fields={"stand_in_id": "请选择本单位另一名在岗人员。"}
        )
    if until is None or not clock.now() < until <= clock.now() + LONGEST:
        sentence = f"请填写返岗时间，在此刻之后、{LONGEST.days}天之内。"
        raise Invalid("no-such-time", sentence, fields={"away_until": sentence})
    user.stand_in_id, user.away_until = other.id, until
    await record(session, actor, "user.away", "user", user.id, stand_in=other.name, until=until.isoformat())
    return user
