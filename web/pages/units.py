"""Member units 成员单位: the list, and beside it the form of a new one or of the one that is edited."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import and_, func, select, true

from core.errors import NotFound
from core.identity import profiles
from core.identity.models import Unit
from core.permissions import Permission
from crm.county.data import UnitKind
from crm.members.models import FormerProfile
from crm.members.registry import UnitFields, create_unit, edit_unit, set_unit_active
from web.context import Context
from web.lists import Listing, asked_of
from web.pages.unit_list import COLUMNS, KINDS, LACKING, SEE, STATES, Filter, conditions, found, people_of, standing
from web.route import Asks, Route

PAGE = 100


class UnitList(Filter):
    """The filter, where the page begins, and which unit's form stands beside the list."""

    after: Annotated[str, Field(max_length=50)] = ""
    edit: UUID | None = None


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
    """A page of the member units with how many people sign in for them, and what their profiles lack."""
    edited = await ctx.session.get(Unit, asked.edit) if asked.edit else None
    if asked.edit and edited is None:
        raise NotFound("no-such-unit", "没有这个单位。")
    rows = await found(ctx.session, asked, asked.after, PAGE + 1)
    within = and_(true(), *conditions(asked))
    counted = select(func.count().filter(within), func.count().filter(Unit.active, LACKING)).select_from(Unit)
    count, incomplete = (await ctx.session.execute(counted)).one()
    choices = select(Unit.id, Unit.name, Unit.kind, Unit.active & Unit.parent_unit_id.is_(None)).order_by(Unit.code)
    every = (await ctx.session.execute(choices)).all()
    members = [(id, name, kind) for id, name, kind, member in every if member]
    return await ctx.page(
        "units.html",
        place="units",
        list=Listing(
            "/units",
            COLUMNS,
            {name: value for name, value in asked_of(asked).items() if name != "edit"},
            [unit for unit, _ in rows[:PAGE]],
            asked.sort,
            rows[PAGE - 1][1] if len(rows) > PAGE else "",
            not asked.after,
            count,
            count,
        ),
        incomplete=incomplete,
        asked=asked,
        edited=edited,
        former=await _former(ctx, edited) if edited else [],
        people=await people_of(ctx.session),
        lacks=profiles.said,
        standing=standing,
        kinds=[(kind.value, kind.label) for kind in UnitKind],
        kind_names=KINDS,
        states=list(STATES.items()),
        competent=[(id, name) for id, name, kind in members if kind != UnitKind.ENTERPRISE],
        members=[(id, name) for id, name, _ in members],
        names={id: name for id, name, _, _ in every},
        may_edit=ctx.actor.may(Permission.UNIT_ADMIN),
    )


async def _former(ctx: Context, unit: Unit) -> list[FormerProfile]:
    """What the unit was called and who led it, newest first."""
    wanted = select(FormerProfile).where(FormerProfile.unit_id == unit.id).order_by(FormerProfile.until.desc())
    return list(await ctx.session.scalars(wanted))


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
    Route("GET", "/units", SEE, UnitList, index, "成员单位", ("no-such-unit",)),
    Route("POST", "/units", P, NewUnit, create, "新增单位", ("code-taken", *ERRORS)),
    Route("POST", "/units/{id}", P, EditedUnit, edit, "修改单位", (*ERRORS, "changed-meanwhile")),
    Route(
        "POST", "/units/{id}/active", P, Activity, set_active, "启用或停用单位",
        ("no-such-unit", "unit-in-use", "no-competent-unit", "no-parent-unit", "changed-meanwhile"),
    ),
)  # fmt: skip
