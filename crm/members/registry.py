"""The registry of member units, as an administrator keeps it; the county's file only seeds it (第五条, 第八条(一))."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import phone
from core.actor import Actor
from core.edits import apply, readable, require_seen
from core.errors import Invalid, NotFound
from core.identity.models import Unit
from core.identity.profiles import review
from core.ledger import record
from core.permissions import Permission
from core.personal import mask_name
from crm.county.data import UnitKind
from crm.members.models import FormerProfile

KEPT = ("name", "office", "leader_name", "leader_phone")
"""What history keeps of a profile."""


@dataclass(frozen=True)
class UnitFields:
    """What may be edited; phones as people write them, empty for none."""

    name: str
    kind: UnitKind
    competent_unit_id: UUID | None = None
    """主管部门: an enterprise must have one (第五条)."""
    parent_unit_id: UUID | None = None
    """上级单位: a body below a member unit must have one (第八条(六))."""
    office: str = ""
    leader_name: str = ""
    leader_phone: str = ""
    duty_phone: str = ""

    def values(self) -> dict[str, Any]:
        """As the row holds them. Raises Invalid beside the phone that is none."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            "competent_unit_id": self.competent_unit_id,
            "parent_unit_id": self.parent_unit_id,
            "office": self.office,
            "leader_name": self.leader_name or None,
            "leader_phone": _number("leader_phone", self.leader_phone),
            "duty_phone": _number("duty_phone", self.duty_phone),
        }


async def create_unit(session: AsyncSession, actor: Actor, code: str, fields: UnitFields) -> Unit:
    """A new unit; its code names it in the dispatch catalogue and never changes."""
    actor.require(Permission.UNIT_ADMIN)
    if await session.scalar(select(Unit.id).where(Unit.code == code)):
        raise Invalid("code-taken", "该单位代码已被使用。", fields={"code": "该单位代码已被使用。"})
    unit = Unit(code=code, version=1, active=True)
    await _require_consistent(session, unit, fields)
    for name, value in fields.values().items():
        setattr(unit, name, value)
    session.add(unit)
    await session.flush()
    await record(session, actor, "unit.create", "unit", unit.id, code=code, name=fields.name)
    return await review(session, unit.id)


async def edit_unit(session: AsyncSession, actor: Actor, unit_id: UUID, version: int, fields: UnitFields) -> Unit:
    """Change a unit that the person saw at `version`; what it was before is kept."""
    unit = await _locked(session, actor, unit_id)
    require_seen(unit, version)
    await _require_consistent(session, unit, fields)
    before = {name: getattr(unit, name) for name in KEPT}
    changed = apply(unit, fields.values())
    if set(changed) & set(KEPT):
        session.add(FormerProfile(unit_id=unit_id, changed_by=actor.user_id, **before))
    if changed:
        await record(session, actor, "unit.edit", "unit", unit_id, changes=readable(await _said(session, changed)))
    return await review(session, unit_id)


async def set_unit_active(session: AsyncSession, actor: Actor, unit_id: UUID, version: int, active: bool) -> Unit:
    """Switch a unit on or off: nothing new is dispatched to one that is off, and its people finish what it has.

    A05-2: an enterprise without a competent department in use is not switched on; nor is a body without its unit.
    """
    unit = await _locked(session, actor, unit_id)
    require_seen(unit, version)
    if active:
        await _require_above(session, unit)
    elif below := await _below(session, unit_id):
        raise Invalid("unit-in-use", f"该单位是{below}的主管部门或上级单位，请先为其另定单位或停用。")
    if apply(unit, {"active": active}):
        await record(session, actor, "unit.activate" if active else "unit.deactivate", "unit", unit_id)
    return await review(session, unit_id)


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
        parent = await session.get(Unit, fields.parent_unit_id) if fields.parent_unit_id else None
    if taken is not None and taken != unit.id:
        raise _wrong("name-taken", "name", "已有同名单位。")
    enterprise, below = fields.kind is UnitKind.ENTERPRISE, fields.kind.subordinate
    if enterprise and fields.competent_unit_id is None:
        raise _wrong("no-competent-unit", "competent_unit_id", "公共服务企事业单位须有主管部门（第五条）。")
    if not enterprise and fields.competent_unit_id is not None:
        raise _wrong("competent-unit-not-due", "competent_unit_id", "只有公共服务企事业单位填写主管部门。")
    if below and fields.parent_unit_id is None:
        raise _wrong("no-parent-unit", "parent_unit_id", "站所、村（社区）和下属单位须有上级单位（第八条(六)）。")
    if not below and fields.parent_unit_id is not None:
        raise _wrong("parent-unit-not-due", "parent_unit_id", "只有站所、村（社区）和下属单位填写上级单位。")
    if below and unit.id and await _below(session, unit.id):
        raise _wrong("unit-in-use", "kind", "该单位是其他单位的主管部门或上级单位，不能改为下级单位。")
    if fields.competent_unit_id and not _may_answer_for(competent, unit):
        raise _wrong("no-such-unit", "competent_unit_id", "请选择另一个在用的成员单位。")
    if fields.parent_unit_id and not _may_answer_for(parent, unit):
        raise _wrong("no-such-unit", "parent_unit_id", "请选择另一个在用的成员单位。")


def _may_answer_for(one: Unit | None, unit: Unit) -> bool:
    """Whether it can be the competent department or the unit above: another, in use, and itself below none."""
    return one is not None and one.id != unit.id and one.active and one.parent_unit_id is None


async def _require_above(session: AsyncSession, unit: Unit) -> None:
    kind = UnitKind(unit.kind)
    competent = await session.get(Unit, unit.competent_unit_id) if unit.competent_unit_id else None
    parent = await session.get(Unit, unit.parent_unit_id) if unit.parent_unit_id else None
    if kind is UnitKind.ENTERPRISE and not _may_answer_for(competent, unit):
        sentence = "公共服务企事业单位没有在用的主管部门，不能启用，请先登记主管部门（第五条）。"
        raise Invalid("no-competent-unit", sentence)
    if kind.subordinate and not _may_answer_for(parent, unit):
        raise Invalid("no-parent-unit", "该单位没有在用的上级单位，不能启用，请先登记上级单位（第八条(六)）。")


async def _below(session: AsyncSession, unit_id: UUID) -> str:
    """Names of active units that need this one, a few of them."""
    needed = or_(Unit.competent_unit_id == unit_id, Unit.parent_unit_id == unit_id)
    names = await session.scalars(select(Unit.name).where(needed, Unit.active).order_by(Unit.code).limit(3))
    return "、".join(names)


async def _said(session: AsyncSession, changed: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The changes as the ledger keeps them: units by name, persons and phones masked."""
    told = dict(changed)
    for name in {"duty_phone", "leader_phone"} & set(told):
        told[name] = [phone.mask(value) if value else None for value in told[name]]
    if "leader_name" in told:
        told["leader_name"] = [mask_name(value) if value else None for value in told["leader_name"]]
    for name in {"competent_unit_id", "parent_unit_id"} & set(told):
        pair = [await session.get(Unit, one) if one else None for one in told[name]]
        told[name] = [one.name if one else None for one in pair]
    return told


def _wrong(id: str, field: str, sentence: str) -> Invalid:
    return Invalid(id, sentence, fields={field: sentence})


def _number(field: str, text: str) -> str | None:
    try:
        return phone.normalise(text) if text else None
    except Invalid as error:
        raise Invalid(error.id, error.message, fields={field: "请填写手机号或带区号的固定电话。"}) from None
