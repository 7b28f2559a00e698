"""The list of orders 工单: filtered, sorted, paged by key, and taken along as a workbook."""

from typing import Annotated

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from core.clock import today
from core.identity.models import Unit
from core.permissions import Permission as P
from crm.county.categories import LABELS
from crm.installed import installed
from crm.search import export as exporting
from crm.search import saved
from crm.search.filter import OrderFilter, Sort
from crm.search.service import MOST_COUNTED, find
from crm.search.taking import MOST_ROWS
from crm.tickets.states import State
from web.context import Context
from web.files import send_sheet
from web.lists import Column, Listing, asked_of
from web.pages.orders import SEE, clock_of, labels
from web.route import Asks, Route

ORDERS = "orders"
COLUMNS = (
    Column("编号"),
    Column("标题", ("relevance",)),
    Column("类别"),
    Column("状态", ("state",)),
    Column("主办单位"),
    Column("受理时间", ("newest", "oldest")),
    Column("时限", ("due",)),
)


TONES = (
    dict.fromkeys((State.DRAFT, State.CONFIRMED, State.CHECKING, State.CLOSED, State.FOLLOWING), "act")
    | dict.fromkeys((State.RETURNING, State.DISPUTED, State.VERIFYING), "warn")
    | dict.fromkeys((State.DISPATCHED, State.HANDLING), "good")
)
"""Blue: somebody of the centre is next; amber: units and centre disagree; green: a unit works."""


class OrderList(OrderFilter, Asks):
    """The filter, and where the page begins."""

    after: str = Field("", max_length=100)


class Export(OrderFilter, Asks):
    """The filter, and why its orders are taken along."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


async def index(ctx: Context, asked: OrderList) -> web.Response:
    """A page of the list."""
    wanted = filter_of(asked)
    if wanted.sort is None and not wanted.search and not ctx.actor.may(P.ORDER_VIEW):
        wanted = wanted.model_copy(update={"sort": Sort.DUE})  # a unit's list is its work, what is due first
    page = await find(ctx.session, ctx.actor, wanted, after=asked.after, most=0 if asked.after else MOST_COUNTED)
    known = select(Unit).where(Unit.active).order_by(Unit.name) if ctx.actor.may(P.ORDER_VIEW) else None
    choices = list(await ctx.session.scalars(known)) if known is not None else []
    ids = {line.lead_unit_id for line in page.lines if line.lead_unit_id} - {unit.id for unit in choices}
    more = list(await ctx.session.scalars(select(Unit).where(Unit.id.in_(ids)))) if ids else []
    return await ctx.page(
        "orders.html",
        place="orders",
        list=Listing(
            "/orders",
            columns(wanted),
            asked_of(asked),
            page.lines,
            wanted.sort or (Sort.RELEVANCE if wanted.search else Sort.NEWEST),
            page.next,
            not asked.after,
            None if asked.after else page.total,
            MOST_COUNTED,
        ),
        asked=asked,
        saved=await saved.saved(ctx.session, ctx.actor, ORDERS),
        present=saved.written(filter_of(asked)),
        most_saved=saved.MOST,
        state=next(iter(asked.state)) if len(asked.state) == 1 else "",
        states=[(state.value, state.label) for state in State],
        categories=[(one.value, label) for one, label in LABELS.items()],
        areas=[(unit.code, unit.name) for unit in installed().county.units.values() if unit.kind.territorial],
        units_to_choose=[(unit.id, unit.name) for unit in choices],
        units={unit.id: unit.name for unit in (*choices, *more)},
        labels=labels(),
        tones=TONES,
        clock=lambda line: None if line.closed_at else clock_of(line.due_at, []),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
        may_register=ctx.actor.may(P.ORDER_EDIT),
        most_rows=MOST_ROWS,
    )


def columns(wanted: OrderFilter) -> list[Column]:
    """The title's head sorts by relevance only where words are asked for."""
    return [column if column.sorts != ("relevance",) or wanted.search else Column(column.label) for column in COLUMNS]


def filter_of(asked: OrderFilter) -> OrderFilter:
    """What the request asks, without what belongs to the page."""
    return OrderFilter(**{name: getattr(asked, name) for name in OrderFilter.model_fields})


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The orders of the filter as a workbook that says who took it, when and under which number."""
    done = await exporting.export(ctx.parts.database, ctx.actor, filter_of(asked), asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"工单{today():%Y%m%d}-{done.number}")


LIST_ERRORS = ("bad-page", "no-phone-search")
ROUTES = (
    Route("GET", "/orders", SEE, OrderList, index, "工单列表", LIST_ERRORS),
    Route(
        "POST",
        "/orders/export",
        P.ORDER_EXPORT,
        Export,
        export,
        "导出工单列表",
        ("no-phone-search", "too-many-rows", "nothing-to-export"),
        stream=True,
    ),
)
