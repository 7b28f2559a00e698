"""Statistics 统计: returns and extensions by unit and period (F12.3-4, F15-4), each line leading to its orders, and as
a workbook."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import today
from core.errors import Invalid
from core.permissions import Permission as P
from crm.queries import statistics as of
from crm.queries import story_words
from crm.queries.behind import Page
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from crm.tickets.masking import mask_numbers
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.orders import SEE
from web.render import exact
from web.route import Asks, Route

LONGEST_DAYS = 366
COLUMNS = (*map(Column, ("工单", "标题")), Column("申请时间", ("newest", "oldest")), *map(Column, ("理由", "结果")))
HEADS = (("工单编号", 20), ("标题", 36), ("申请时间", 22), ("理由", 36), ("结果", 14), ("说明", 40))


@dataclass(frozen=True)
class Kind:
    """One page of statistics: its columns are counts or rates of `counts`."""

    key: str
    title: str
    about: str
    counts: type[Any]
    columns: tuple[tuple[str, str, str], ...]
    """Label, name, what it means."""
    lines: Callable[[AsyncSession, Actor, of.Period], Awaitable[list[of.Line]]]
    orders: Callable[[AsyncSession, Actor, of.Period, UUID, Page], Awaitable[Sequence[tuple[Any, Any]]]]
    at: str
    """When an application was made."""
    told: Callable[[Any], tuple[str, str]]
    """What was asked for with its ground, and what became of it."""

    def cells(self, counts: Any) -> list[str]:
        """A line's numbers as people read them."""
        return [str(getattr(counts, name)) for _, name, _ in self.columns]


RETURNS = Kind(
    "returns",
    "退回统计",
    "按派发日期统计主办工单，含已退回的；本期派发、期后才作出的决定也计入。",
    of.Returned,
    (
        ("派发", "dispatched", "本期派发给该单位主办的工单"),
        ("退单", "parts", "其中申请过退回的工单"),
        ("申请次数", "asked", "退回申请的次数"),
        ("同意", "accepted", "同意退回的次数，含协调后改派或不予受理"),
        ("不同意", "refused", "不同意退回的次数，含协调由原单位承办"),
        ("待决定", "waiting", "尚未作出决定"),
        ("超时退单", "late", "超过退回期限、经政数局批准的"),
        ("申请率", "applied_rate", "退单 ÷ 派发"),
        ("同意率", "accepted_rate", "同意 ÷ 申请次数"),
        ("不当退单率", "improper_rate", "不同意 ÷ 派发"),
    ),
    of.returns,
    of.returned_orders,
    "requested_at",
    lambda one: (
        story_words.ground(one.ground) + ("（超时退单）" if one.late else ""),
        story_words.RETURN_STATE[one.state],
    ),
)
EXTENSIONS = Kind(
    "extensions",
    "延期统计",
    "按申请日期统计主办单位的延期申请。",
    of.Extended,
    (
        ("派发", "dispatched", "本期派发给该单位主办的工单"),
        ("申请次数", "asked", "本期提出的延期申请，含特批"),
        ("延期次数", "granted", "同意延期的次数，含特批"),
        ("不同意", "refused", "不同意延期的次数"),
        ("待决定", "waiting", "尚未作出决定"),
        ("特批", "exceptional", "延期次数中由政数局分管领导特批的"),
        ("延长工作日", "days", "同意延长的工作日合计"),
        ("同意率", "granted_rate", "延期次数 ÷ 申请次数"),
        ("延期率", "extended_rate", "延期次数 ÷ 派发"),
    ),
    of.extensions,
    of.extended_orders,
    "applied_at",
    lambda one: (
        f"{story_words.EXTENSION[one.ground]}，{one.days} 个工作日" + ("（特批）" if one.exceptional else ""),
        story_words.EXTENSION_STATE[one.state],
    ),
)
KINDS = (RETURNS, EXTENSIONS)


class Span(Asks):
    """Days, both included; without them the present month."""

    first: date | None = None
    last: date | None = None


class Filter(Span):
    """And the unit whose orders are listed; `search` as in the list of orders."""

    unit: UUID | None = None
    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    sort: Literal["newest", "oldest"] = "newest"


class Chosen(Filter):
    """The filter, and where the page of those orders begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """What is taken along, and why: the table, or with a unit the applications behind its line."""

    reason: Annotated[str, Field(max_length=200)] = ""


def period_of(asked: Span) -> of.Period:
    """The period that is asked for. Raises Invalid."""
    last = asked.last or today()
    first = asked.first or last.replace(day=1)
    if first > last:
        raise Invalid("bad-span", "起始日期晚于截止日期。", fields={"first": "不能晚于截止日期"})
    if (last - first).days >= LONGEST_DAYS:
        raise Invalid("bad-span", "一次最多统计一年。", fields={"first": "一次最多统计一年"})
    return of.Period(first, last)


def shortcuts(day: date) -> tuple[tuple[str, str], ...]:
    """本月, 上月, 本年 as addresses."""
    month = day.replace(day=1)
    before = month - timedelta(days=1)
    spans = (("本月", month, day), ("上月", before.replace(day=1), before), ("本年", day.replace(month=1, day=1), day))
    return tuple((label, urlencode({"first": first, "last": last})) for label, first, last in spans)


def _shows(kind: Kind) -> Callable[[Context, Chosen], Awaitable[web.Response]]:
    async def show(ctx: Context, asked: Chosen) -> web.Response:
        period = period_of(asked)
        lines = await kind.lines(ctx.session, ctx.actor, period)
        listed: Sequence[tuple[Any, Any]] = ()
        if asked.unit:
            page = Page(paging.PAGE + 1, asked.search, None, asked.sort == "oldest", paging.parse(asked.after))
            listed = await kind.orders(ctx.session, ctx.actor, period, asked.unit, page)
        return await ctx.page(
            "statistics.html",
            place="statistics",
            kind=kind,
            kinds=KINDS,
            period=period,
            span=urlencode({"first": period.first, "last": period.last}),
            shortcuts=shortcuts(today()),
            lines=lines,
            all=of.total(lines, kind.counts),
            chosen=next((line for line in lines if line.unit_id == asked.unit), None),
            list=listing(
                f"/statistics/{kind.key}",
                COLUMNS,
                asked.model_copy(update={"first": period.first, "last": period.last}),
                listed,
                lambda row: paging.key_of(getattr(row[0], kind.at), row[0].id),
            ),
            asked=asked,
            may_export=ctx.actor.may(P.ORDER_EXPORT),
        )

    show.__name__, show.__doc__ = f"show_{kind.key}", f"{kind.title}."
    return show


def _exports(kind: Kind) -> Callable[[Context, Export], Awaitable[web.StreamResponse]]:
    async def export(ctx: Context, asked: Export) -> web.StreamResponse:
        period, title = period_of(asked), ctx.parts.title
        async with ctx.parts.database.session() as session:
            what = await _taken(session, ctx.actor, kind, period, asked)
            done = await take(session, ctx.actor, what, asked.reason, title=title)
        return await send_sheet(ctx.request, done.content, f"{what.name}-{done.number}")

    export.__name__, export.__doc__ = f"export_{kind.key}", f"{kind.title} as a workbook."
    return export


async def _taken(session: AsyncSession, actor: Actor, kind: Kind, period: of.Period, asked: Export) -> Taking:
    """The table, or the applications behind one of its lines."""
    name = f"{kind.title}{period.first:%Y%m%d}-{period.last:%Y%m%d}"
    told = {"first": period.first.isoformat(), "last": period.last.isoformat()}
    lines = await kind.lines(session, actor, period)
    if asked.unit is None:
        rows, foot = [[line.unit, *kind.cells(line.counts)] for line in lines], of.total(lines, kind.counts)
        heads = [("单位", 24), *((label, 11) for label, _, _ in kind.columns)]
        return Taking(name, "TJ", "statistics.export", heads, rows, told, foot=[["合计", *kind.cells(foot)]])
    page = Page(MOST_ROWS + 1, asked.search, None, asked.sort == "oldest")
    listed = await kind.orders(session, actor, period, asked.unit, page)
    told |= {"unit": next((line.unit for line in lines if line.unit_id == asked.unit), "")} | searched(asked.search)
    rows = [
        [ticket.number, mask_numbers(ticket.title), exact(getattr(one, kind.at)), *kind.told(one), one.reason or ""]
        for one, ticket in listed
    ]
    return Taking(f"{name}所列工单", "TJ", "statistics.orders", HEADS, rows, told)


ROUTES: tuple[Route[Any], ...] = (
    *(
        Route(
            "GET", f"/statistics/{one.key}", SEE, Chosen, _shows(one), one.title,
            ("bad-span", "bad-page", "no-phone-search"),
        )
        for one in KINDS
    ),
    *(
        Route(
            "POST", f"/statistics/{one.key}/export", P.ORDER_EXPORT, Export, _exports(one), f"导出{one.title}",
            ("bad-span", "no-phone-search", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
        )
        for one in KINDS
    ),
)  # fmt: skip
