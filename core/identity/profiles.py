"""Whether a unit can be given orders: who leads it, who handles them, how it is reached (第八条(一)).

The verdict is kept with the unit, so that lists and dispatches read it; every command that changes a profile or
the staff of a unit asks for it anew, in its own transaction.
"""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Invalid
from core.identity.models import Unit, User
from core.permissions import Role


class Lack(StrEnum):
    """What a profile lacks."""

    LEADER = "leader"
    OFFICE = "office"
    PHONE = "phone"
    CLERK = "clerk"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _LACKS[self]


_LACKS = {
    Lack.LEADER: "分管领导及其电话",
    Lack.OFFICE: "工作部门",
    Lack.PHONE: "值班电话",
    Lack.CLERK: "启用的经办人账号",
}


def lacking(unit: Unit, clerks: int) -> list[str]:
    """F08-1: what is missing with so many active clerks. A body below a unit has that unit's leader and office."""
    found = []
    if unit.parent_unit_id is None:
        found += [Lack.LEADER] if not (unit.leader_name and unit.leader_phone) else []
        found += [Lack.OFFICE] if not unit.office else []
    found += [Lack.PHONE] if not unit.duty_phone else []
    found += [Lack.CLERK] if not clerks else []
    return [one.value for one in found]


def said(lacks: list[str]) -> str:
    """`分管领导及其电话、值班电话`."""
    return "、".join(Lack(one).label for one in lacks)


async def review(session: AsyncSession, unit_id: UUID) -> Unit:
    """Judge the unit anew; its row is locked from here on."""
    await session.flush()
    unit = await session.get_one(Unit, unit_id, with_for_update=True, populate_existing=True)
    unit.lacks = lacking(unit, await _clerks(session, unit_id))
    return unit


async def require_another_clerk(session: AsyncSession, user: User) -> None:
    """A08-1: the last 经办人 of a unit in use neither goes nor changes. Raises `Invalid("last-clerk")`."""
    if user.unit_id is None or not user.active or Role.UNIT_CLERK not in user.roles:
        return
    unit = await session.get_one(Unit, user.unit_id, with_for_update=True, populate_existing=True)
    if unit.active and not await _clerks(session, unit.id, but=user.id):
        sentence = f"{user.name}是{unit.name}最后一名启用的经办人，请先为该单位启用另一名经办人（第八条(一)）。"
        raise Invalid("last-clerk", sentence, fields={"roles": sentence, "unit_id": sentence})


async def _clerks(session: AsyncSession, unit_id: UUID, but: UUID | None = None) -> int:
    wanted = select(func.count()).select_from(User).where(User.unit_id == unit_id, User.active)
    wanted = wanted.where(User.roles.contains([Role.UNIT_CLERK]), User.id.is_distinct_from(but))
    return await session.scalar(wanted) or 0
