"""A unit's own details 实施细则 (第三十条): decided by its leader, one version after the other."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import Conflict, Denied, Invalid
from core.identity.models import Unit, User
from core.ledger import record
from core.permissions import Permission, Role
from crm.installed import installed
from crm.members.details import NONE, Details, as_content, beyond
from crm.members.models import UnitDetails
from crm.policy import LimitsPolicy


async def present(session: AsyncSession, unit_id: UUID) -> UnitDetails | None:
    """The newest version of a unit; None: it has decided nothing."""
    wanted = select(UnitDetails).where(UnitDetails.unit_id == unit_id).order_by(UnitDetails.n.desc()).limit(1)
    found: UnitDetails | None = await session.scalar(wanted)
    return found


async def details_of(session: AsyncSession, unit_id: UUID) -> Details:
    """What the unit has decided for itself."""
    row = await present(session, unit_id)
    return Details.model_validate(row.content) if row else NONE


async def decide(session: AsyncSession, actor: Actor, seen: int, details: Details) -> UnitDetails:
    """A new version for the actor's own unit, over the one that was `seen` (0: none).

    Raises Invalid with the fields that lengthen a county limit (A30-1), or ask a leader for a step where none signs in.
    """
    actor.require(Permission.ORDER_UNIT_LEAD)
    if actor.unit_id is None:
        raise Denied("not-permitted", "只有成员单位的分管领导可以制定本单位实施细则。")
    unit = await session.get_one(Unit, actor.unit_id, with_for_update=True)
    last = await present(session, unit.id)
    if (last.n if last else 0) != seen:
        raise Conflict("changed-meanwhile", "这项资料已被他人修改，您的修改没有保存。")
    wrong = beyond(details, installed().policy[LimitsPolicy])
    led = [n for n, step in enumerate(details.steps) if step.needs_leader]
    if led and not await _leaders(session, unit.id):
        wrong[f"step_{led[0]}_leader"] = "本单位没有启用的分管领导账号，不能设置呈批步骤。"
    if wrong:
        raise Invalid("beyond-county-limit", "；".join(wrong.values()), fields=wrong)
    row = UnitDetails(unit_id=unit.id, n=seen + 1, content=as_content(details), made_by=actor.user_id)
    row.made_name = actor.name
    session.add(row)
    await record(session, actor, "unit.details", "unit", unit.id, n=row.n, document=details.document)
    return row


async def _leaders(session: AsyncSession, unit_id: UUID) -> int:
    wanted = select(func.count()).select_from(User).where(User.unit_id == unit_id, User.active)
    return await session.scalar(wanted.where(User.roles.contains([Role.UNIT_LEADER]))) or 0
