"""本单位: its profile, who stands in for whom (AB角), and the details that it decides for itself (第八条, 第三十条)."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field, create_model
from sqlalchemy import select

from core.clock import midnight
from core.errors import Invalid, NotFound
from core.identity import profiles
from core.identity.models import Unit, User
from core.identity.stand_ins import set_absence
from core.permissions import Permission as P
from crm.county.categories import LABELS, Category
from crm.county.data import UnitKind
from crm.installed import installed
from crm.members.details import MOST_STEPS, NONE, SHORTEST_NAME, Details, FlowStep, beyond
from crm.members.service import decide, present
from crm.policy import LimitsPolicy
from web.context import Context
from web.route import Asks, Nothing, Route

Days = Annotated[int | None, Field(ge=1, le=366)]


class Absence(Asks):
    """Until when one is away, and who stands in; both empty: one is back."""

    stand_in_id: UUID | None = None
    back_on: date | None = None


def _form() -> type[Asks]:
    """The form of the details: a field for each category's limit, and a row for each step."""
    fields: dict[str, Any] = {f"limit_{category.value}": (Days, None) for category in Category}
    for n in range(MOST_STEPS):
        fields[f"step_{n}_name"] = (Annotated[str, Field(max_length=40)], "")
        fields[f"step_{n}_days"] = (Days, None)
        fields[f"step_{n}_leader"] = (bool, False)
    fields |= {"inform": (Days, None), "document": (Annotated[str, Field(max_length=80)], "")}
    fields |= {"seen": (Annotated[int, Field(ge=0, le=2**31)], 0)}
    return create_model("DetailsForm", __base__=Asks, __doc__="The details as a form.", **fields)


DetailsForm = _form()


def details_of(asked: Any) -> Details:
    """What the form says; rows without a name are no steps. Raises Invalid beside the field."""
    days = {category: getattr(asked, f"limit_{category.value}") for category in Category}
    rows = [n for n in range(MOST_STEPS) if getattr(asked, f"step_{n}_name")]
    if short := [n for n in rows if len(getattr(asked, f"step_{n}_name")) < SHORTEST_NAME]:
        sentence = f"步骤名称至少{SHORTEST_NAME}个字。"
        raise Invalid("invalid-input", sentence, fields={f"step_{n}_name": sentence for n in short})
    steps = [
        FlowStep(
            name=getattr(asked, f"step_{n}_name"),
            days=getattr(asked, f"step_{n}_days"),
            needs_leader=getattr(asked, f"step_{n}_leader"),
        )
        for n in rows
    ]
    return Details(
        limits={category: count for category, count in days.items() if count is not None},
        inform=asked.inform,
        steps=tuple(steps),
        document=asked.document,
    )


async def show(ctx: Context, asked: Nothing) -> web.Response:
    """The page; only who leads the unit, or stands in for that person, decides the details."""
    unit = await ctx.session.get(Unit, ctx.actor.unit_id) if ctx.actor.unit_id else None
    if unit is None:
        raise NotFound("no-such-unit", "您的账号不属于成员单位。")
    people = select(User).where(User.unit_id == unit.id, User.active).order_by(User.login)
    staff = (await ctx.session.scalars(people)).all()
    above = await ctx.session.get(Unit, unit.parent_unit_id) if unit.parent_unit_id else None
    competent = await ctx.session.get(Unit, unit.competent_unit_id) if unit.competent_unit_id else None
    below = select(Unit).where(Unit.parent_unit_id == unit.id, Unit.active).order_by(Unit.code)
    row = await present(ctx.session, unit.id)
    details, limits = (Details.model_validate(row.content) if row else NONE), installed().policy[LimitsPolicy]
    return await ctx.page(
        "own_unit.html",
        place="own-unit",
        unit=unit,
        kind=UnitKind(unit.kind).label,
        lacks=profiles.said(unit.lacks),
        above=above,
        competent=competent,
        below=(await ctx.session.scalars(below)).all(),
        staff=staff,
        names={one.id: one.name for one in staff},
        me=next((one for one in staff if one.id == ctx.actor.user_id), None),
        row=row,
        details=details,
        longer=beyond(details, limits),
        limits=[
            (category, LABELS[category], limits.of(category), details.limits.get(category)) for category in Category
        ],
        steps=[details.steps[n] if n < len(details.steps) else None for n in range(MOST_STEPS)],
        may_decide=ctx.actor.may(P.ORDER_UNIT_LEAD),
    )


async def away(ctx: Context, asked: Absence) -> web.Response:
    """One's own absence."""
    until = midnight(asked.back_on) if asked.back_on else None
    await set_absence(ctx.session, ctx.actor, asked.stand_in_id, until)
    return ctx.redirect("/unit", "已设置 B角，外出期间由其代办。" if until else "已结束外出。")


async def save(ctx: Context, asked: Asks) -> web.Response:
    """A new version of the details."""
    await decide(ctx.session, ctx.actor, asked.seen, details_of(asked))  # type: ignore[attr-defined]
    return ctx.redirect("/unit", "本单位实施细则已保存，对此后签收的工单生效。")


ROUTES = (
    Route("GET", "/unit", P.ORDER_VIEW_UNIT, Nothing, show, "本单位", ("no-such-unit",)),
    Route(
        "POST",
        "/unit/absence",
        P.ORDER_HANDLE,
        Absence,
        away,
        "设置外出和 B角",
        ("no-such-user", "no-stand-in", "no-such-time"),
    ),
    Route(
        "POST",
        "/unit/details",
        P.ORDER_UNIT_LEAD,
        DetailsForm,
        save,
        "制定本单位实施细则",
        ("beyond-county-limit", "changed-meanwhile", "not-permitted"),
    ),
)
