"""Member units 成员单位: the list, and beside it the form of a new one or of the one that is edited."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import func, select

from core.errors import NotFound
from core.identity.models import Unit, User
from core.permissions import Permission
from crm.county.data import UnitKind
from crm.county.units import UnitFields, create_unit, edit_unit, set_unit_active
from web.context import Context
from web.route import Asks, Route

LIMIT = 500


class UnitList(Asks):
    """Which unit's form stands beside the list."""

    edit: UUID | None = None
    kind: UnitKind | None = None


class UnitForm(Asks):
    """The form."""

    name: Annotated[str, Field(min_length=2, max_length=80)]
    kind: UnitKind
    competent_unit_id: UUID | None = None
    duty_phone: str = Field("", max_length=32)

    @property
    def fields(self) -> UnitFields:
        """The form's values as the command takes them."""
        return UnitFields(self.name, self.kind, self.competent_unit_id, self.duty_phone)


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
    """All member units with how many people sign in for them."""
    rows = (await ctx.session.scalars(select(Unit).order_by(Unit.active.desc(), Unit.code).limit(LIMIT))).all()
    counts = await ctx.session.execute(select(User.unit_id, func.count()).where(User.active).group_by(User.unit_id))
    edited = next((unit for unit in rows if unit.id == asked.edit), None)
    if asked.edit and edited is None:
        raise NotFound("no-such-unit", "没有这个单位。")
    return await ctx.page(
        "units.html",
        place="units",
        units=[unit for unit in rows if not asked.kind or unit.kind == asked.kind],
        asked=asked,
        edited=edited,
        people={row[0]: row[1] for row in counts},
        kinds=[(kind.value, kind.label) for kind in UnitKind],
        kind_names={kind.value: kind.label for kind in UnitKind},
        competent=[(unit.id, unit.name) for unit in rows if unit.active and unit.kind != UnitKind.ENTERPRISE],
        names={unit.id: unit.name for unit in rows},
        may_edit=ctx.actor.may(Permission.UNIT_ADMIN),
    )


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
ERRORS = ("name-taken", "no-competent-unit", "competent-unit-not-due", "no-such-unit", "bad-phone")
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
        ("no-such-unit", "unit-in-use", "changed-meanwhile"),
    ),
)
