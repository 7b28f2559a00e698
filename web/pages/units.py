"""Member units 成员单位: the list, and beside it the form of a new one or of the one that is edited."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import func, select

from core.errors import NotFound
from core.identity import profiles
from core.identity.models import Unit, User
from core.permissions import Permission, Role
from crm.county.data import UnitKind
from crm.members.models import FormerProfile
from crm.members.registry import UnitFields, create_unit, edit_unit, set_unit_active
from web.context import Context
from web.route import Asks, Route

LIMIT = 500
SHOWN_FORMER = 20


class UnitList(Asks):
    """Which unit's form stands beside the list."""

    edit: UUID | None = None
    kind: UnitKind | None = None
    incomplete: bool = False


class UnitForm(Asks):
    """The form."""

    name: Annotated[str, Field(min_length=2, max_length=80)]
    kind: UnitKind
    competent_unit_id: UUID | None = None
    parent_unit_id: UUID | None = None
    office: str = Field("", max_length=80)
    leader_name: str = Field("", max_length=40)
    leader_phone: str = Field("", max_length=32)
    duty_phone: str = Field("", max_length=32)

    @property
    def fields(self) -> UnitFields:
        """The form's values as the command takes them."""
        return UnitFields(**self.model_dump(include=set(UnitForm.model_fields)))


class NewUnit(UnitForm):
    """A unit to be."""

    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}$")]


class Seen(Asks):
    """A unit as the person saw it."""

    id: UUID
    version: int = Field(ge=0, le=2**31)


class EditedUnit(UnitForm, Seen):
    """A unit as edited."""


class Activity(Seen):
    """On or off."""

    active: bool


async def index(ctx: Context, asked: UnitList) -> web.Response:
    """All member units with how many people sign in for them, and what their profiles lack."""
    rows = (await ctx.session.scalars(select(Unit).order_by(Unit.active.desc(), Unit.code).limit(LIMIT))).all()
    edited = next((unit for unit in rows if unit.id == asked.edit), None)
    if asked.edit and edited is None:
        raise NotFound("no-such-unit", "没有这个单位。")
    wanted = [unit for unit in rows if not asked.kind or unit.kind == asked.kind]
    members = [unit for unit in rows if unit.active and unit.parent_unit_id is None]
    return await ctx.page(
        "units.html",
        place="units",
        units=[unit for unit in wanted if not asked.incomplete or (unit.active and unit.lacks)],
        incomplete=sum(unit.active and bool(unit.lacks) for unit in rows),
        asked=asked,
        edited=edited,
        former=await _former(ctx, edited) if edited else [],
        people=await _people(ctx),
        lacks=profiles.said,
        listed=lambda edit="": _listed(asked, edit),
        kinds=[(kind.value, kind.label) for kind in UnitKind],
        kind_names={kind.value: kind.label for kind in UnitKind},
        competent=[(unit.id, unit.name) for unit in members if unit.kind != UnitKind.ENTERPRISE],
        members=[(unit.id, unit.name) for unit in members],
        names={unit.id: unit.name for unit in rows},
        may_edit=ctx.actor.may(Permission.UNIT_ADMIN),
    )


def _listed(asked: UnitList, edit: str = "") -> str:
    """The list as it was filtered, with another unit's form beside it."""
    kept = {"edit": edit, "kind": asked.kind or "", "incomplete": "true" if asked.incomplete else ""}
    return "/units?" + urlencode({name: value for name, value in kept.items() if value})


async def _people(ctx: Context) -> dict[UUID, tuple[int, int]]:
    """Active accounts of each unit, and how many of them are 经办人: one alone has no B角."""
    clerks = func.count().filter(User.roles.contains([Role.UNIT_CLERK]))
    counted = select(User.unit_id, func.count(), clerks).where(User.active)
    return {row[0]: (row[1], row[2]) for row in await ctx.session.execute(counted.group_by(User.unit_id)) if row[0]}


async def _former(ctx: Context, unit: Unit) -> list[FormerProfile]:
    """What the unit was called and who led it, newest first."""
    wanted = select(FormerProfile).where(FormerProfile.unit_id == unit.id).order_by(FormerProfile.until.desc())
    return list(await ctx.session.scalars(wanted.limit(SHOWN_FORMER)))


async def create(ctx: Context, asked: NewUnit) -> web.Response:
    """A new unit."""
    await create_unit(ctx.session, ctx.actor, asked.code, asked.fields)
    return ctx.redirect("/units", f"已新增单位：{asked.name}。")


async def edit(ctx: Context, asked: EditedUnit) -> web.Response:
    """Change a unit."""
    await edit_unit(ctx.session, ctx.actor, asked.id, asked.version, asked.fields)
    return ctx.redirect("/units", f"单位资料已保存：{asked.name}。")


async def set_active(ctx: Context, asked: Activity) -> web.Response:
    """Switch on or off."""
    unit = await set_unit_active(ctx.session, ctx.actor, asked.id, asked.version, asked.active)
    return ctx.redirect("/units", f"{unit.name}已{'启用' if asked.active else '停用，不再向其派单'}。")


P = Permission.UNIT_ADMIN
ERRORS = (
    *("name-taken", "no-competent-unit", "competent-unit-not-due", "no-parent-unit", "parent-unit-not-due"),
    *("no-such-unit", "unit-in-use", "bad-phone"),
)
ROUTES = (
    Route("GET", "/units", (P, Permission.USER_ADMIN), UnitList, index, "成员单位", ("no-such-unit",)),
    Route("POST", "/units", P, NewUnit, create, "新增单位", ("code-taken", *ERRORS)),
    Route("POST", "/units/{id}", P, EditedUnit, edit, "修改单位", (*ERRORS, "changed-meanwhile")),
    Route(
        "POST",
        "/units/{id}/active",
        P,
        Activity,
        set_active,
        "启用或停用单位",
        ("no-such-unit", "unit-in-use", "no-competent-unit", "no-parent-unit", "changed-meanwhile"),
    ),
)
