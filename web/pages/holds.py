"""档案冻结: what may not be destroyed until a named person lifts it; placed by order, telephone, unit and period."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core import phone
from core.clock import today
from core.permissions import Permission as P
from crm.retention import holds, queries
from crm.retention.holds import Scope
from crm.retention.queries import Held
from crm.retention.rules import Reason
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.retention import TAKES
from web.render import day, exact, masked
from web.route import Asks, Route

COLUMNS = (
    Column("冻结时间", ("newest", "oldest")),
    *map(Column, ("事由", "范围")),
    Column("档案", css="right"),
    *map(Column, ("负责人", "状态")),
)
HEADS = (
    ("冻结时间", 22), ("事由", 14), ("依据", 40), ("范围", 50), ("现有档案（份）", 14), ("负责人", 30), ("冻结人", 12),
    ("解除时间", 22), ("解除人", 12), ("解除依据", 40),
)  # fmt: skip
Day = Annotated[date | None, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]


class Filter(Asks):
    """Which holds; `search`: words of document, owner, name, order or unit."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    state: Literal["", "present", "lifted"] = ""
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def lifted(self) -> bool | None:
        """As the list takes it."""
        return {"": None, "present": False, "lifted": True}[self.state]


class Holds(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """The holds of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Placed(Asks):
    """A hold as it is written."""

    ground: Reason
    document: Annotated[str, Field(min_length=4, max_length=200)]
    owner: Annotated[str, Field(min_length=2, max_length=80)]
    order: Annotated[str, Field(max_length=40)] = ""
    phone: Annotated[str, Field(max_length=30)] = ""
    unit: UUID | None = None
    first: Day = None
    last: Day = None


class Lifted(Asks):
    """A hold that ends, and why."""

    id: UUID
    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: Holds) -> web.Response:
    """A page of the holds, and the form for those who may place one."""
    after, oldest = paging.parse(asked.after), asked.sort == "oldest"
    words = asked.search.split()
    rows = await queries.holds(ctx.session, ctx.actor, words, asked.lifted, after, paging.PAGE + 1, oldest_first=oldest)
    return await ctx.page(
        "holds.html",
        place="holds",
        list=listing(
            "/retention/holds", COLUMNS, asked, rows, lambda one: paging.key_of(one.row.placed_at, one.row.id)
        ),
        asked=asked,
        scope=scope,
        reasons=[(one.value, one.label) for one in Reason if one is not Reason.RESTRICTION],
        units=[(str(id), name) for id, name in (await queries.units(ctx.session)).items()],
        may_hold=ctx.actor.may(P.RETENTION_HOLD),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


def scope(one: Held) -> str:
    """What it covers, in words; all of it together."""
    row, parts = one.row, list[str]()
    parts += [f"工单 {one.number}"] if one.number else []
    parts += [f"电话 {masked(row.phone)}"] if row.phone else []
    parts += [f"{one.unit}承办的工单"] if one.unit else []
    parts += [f"{day(row.first)}至{day(row.last)}"] if row.first else []
    return "，".join(parts)


async def place(ctx: Context, asked: Placed) -> web.Response:
    """Hold everything in the scope."""
    number = phone.normalise(asked.phone) if asked.phone else None
    given = Scope(asked.order, number, asked.unit, asked.first, asked.last)
    _, count = await holds.place(ctx.session, ctx.actor, asked.ground, asked.document, asked.owner, given)
    return ctx.redirect("/retention/holds", f"已冻结，现有 {count} 份录音和附件在范围内，以后的一并冻结。")


async def lift(ctx: Context, asked: Lifted) -> web.Response:
    """End a hold."""
    await holds.lift(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect("/retention/holds", "已解除冻结，保存期已满的将重新列入销毁清单。")


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The holds of the filter as a workbook; numbers masked."""
    ctx.actor.require(P.ORDER_EXPORT)
    async with ctx.parts.database.session() as session:
        words, oldest = asked.search.split(), asked.sort == "oldest"
        found = await queries.holds(session, ctx.actor, words, asked.lifted, None, MOST_ROWS + 1, oldest_first=oldest)
        state = {"": {}, "present": {"state": "冻结中"}, "lifted": {"state": "已解除"}}[asked.state]
        told = searched(asked.search) | state
        what = Taking("档案冻结登记", "DJ", "retention.holds-export", HEADS, [_cells(one) for one in found], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"档案冻结登记{today():%Y%m%d}-{done.number}")


def _cells(one: Held) -> list[str]:
    row = one.row
    return [
        exact(row.placed_at),
        one.reason,
        row.document,
        scope(one),
        str(one.objects),
        row.owner,
        row.placed_name,
        exact(row.lifted_at, ""),
        row.lifted_name,
        row.lifted_why,
    ]


ROUTES = (
    Route("GET", "/retention/holds", queries.VIEW, Holds, index, "档案冻结", ("bad-page",)),
    Route(
        "POST", "/retention/holds", P.RETENTION_HOLD, Placed, place, "冻结档案",
        ("no-scope", "bad-period", "bad-phone", "no-such-order", "no-such-unit"),
    ),
    Route("POST", "/retention/holds/export", queries.VIEW, Export, export, "导出档案冻结登记", TAKES, stream=True),
    Route(
        "POST", "/retention/holds/{id}/lift", P.RETENTION_HOLD, Lifted, lift, "解除档案冻结",
        ("no-hold", "hold-lifted", "hold-of-restriction", "no-reason"),
    ),
)  # fmt: skip
