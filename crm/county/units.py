"""Member units 成员单位, as an administrator makes and edits them; the county's file only seeds them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import phone
from core.actor import Actor
from core.edits import apply, readable, require_seen
from core.errors import Invalid, NotFound
from core.identity.models import Unit, User
from core.ledger import record
from core.permissions import Permission
from crm.county.data import UnitKind


@dataclass(frozen=True)
class UnitFields:
    """What may be edited; `duty_phone` as people write it, empty for none."""

    name: str
    kind: UnitKind
    competent_unit_id: UUID | None = None
    """主管部门: an enterprise must have one (第五条)."""
    duty_phone: str = ""


async def create_unit(session: AsyncSession, actor: Actor, code: str, fields: UnitFields) -> Unit:
    """A new unit; its code names it in the dispatch catalogue and never changes."""
    actor.require(Permission.UNIT_ADMIN)
    if await session.scalar(select(Unit.id).where(Unit.code == code)):
        raise Invalid("code-taken", "该单位代码已被使用。", fields={"code": "该单位代码已被使用。"})
    unit = Unit(code=code, name=fields.name, kind=fields.kind.value)
    await _require_consistent(session, unit, fields)
    session.add(unit)
    unit.competent_unit_id, unit.duty_phone = fields.competent_unit_id, _number(fields.duty_phone)
    await session.flush()
    await record(session, actor, "unit.create", "unit", unit.id, code=code, name=fields.name)
    return unit


async def edit_unit(session: AsyncSession, actor: Actor, unit_id: UUID, version: int, fields: UnitFields) -> Unit:
    """Change a unit that the person saw at `version`."""
    unit = await _locked(session, actor, unit_id)
    require_seen(unit, version)
    await _require_consistent(session, unit, fields)
    changed = apply(
        unit,
        {
            "name": fields.name,
            "kind": fields.kind.value,
            "competent_unit_id": fields.competent_unit_id,
            "duty_phone": _number(fields.duty_phone),
        },
    )
    if "duty_phone" in changed:
        changed["duty_phone"] = [phone.mask(value) if value else None for value in changed["duty_phone"]]
    if "competent_unit_id" in changed:
        pair = [await session.get(Unit, one) if one else None for one in changed["competent_unit_id"]]
        changed["competent_unit_id"] = [one.name if one else None for one in pair]
    if changed:
        await record(session, actor, "unit.edit", "unit", unit_id, changes=readable(changed))
    return unit


async def set_unit_active(session: AsyncSession, actor: Actor, unit_id: UUID, version: int, active: bool) -> Unit:
    """Switch a unit on or off: nothing new is dispatched to one that is off. Refused while people sign in for it."""
    unit = await _locked(session, actor, unit_id)
    require_seen(unit, version)
    clerks = select(func.count()).select_from(User).where(User.unit_id == unit_id, User.active)
    if not active and (people := await session.scalar(clerks)):
        raise Invalid("unit-in-use", f"该单位还有 {people} 个启用的账号，请先停用或改到其他单位。")
    if apply(unit, {"active": active}):
        await record(session, actor, "unit.activate" if active else "unit.deactivate", "unit", unit_id)
    return unit


async def _locked(session: AsyncSession, actor: Actor, unit_id: UUID) -> Unit:
    actor.require(Permission.UNIT_ADMIN)
    unit = await session.get(Unit, unit_id, with_for_update=True, populate_existing=True)
    if unit is None:
        raise NotFound("no-such-unit", "没有这个单位。")
    return unit


async def _require_consistent(session: AsyncSession, unit: Unit, fields: UnitFields) -> None:
    with session.no_autoflush:
        taken = await session.scalar(select(Unit.id).where(Unit.name == fields.name))
        competent = await session.get(Unit, fields.competent_unit_id) if fields.competent_unit_id else None
    if taken is not None and taken != unit.id:
        raise Invalid("name-taken", "已有同名单位。", fields={"name": "已有同名单位。"})
    if fields.kind is UnitKind.ENTERPRISE and fields.competent_unit_id is None:
        sentence = "公共服务企事业单位须有主管部门（第五条）。"
        raise Invalid("no-competent-unit", sentence, fields={"competent_unit_id": sentence})
    if fields.kind is not UnitKind.ENTERPRISE and fields.competent_unit_id is not None:
        sentence = "只有公共服务企事业单位填写主管部门。"
        raise Invalid("competent-unit-not-due", sentence, fields={"competent_unit_id": sentence})
    if fields.competent_unit_id and (competent is None or competent.id == unit.id or not competent.active):
        sentence = "请选择另一个在用的单位。"
        raise Invalid("no-such-unit", sentence, fields={"competent_unit_id": sentence})


def _number(text: str) -> str | None:
    try:
        return phone.normalise(text) if text else None
    except Invalid as error:
        raise Invalid(error.id, error.message, fields={"duty_phone": "请填写手机号或带区号的固定电话。"}) from None
