"""联动登记: what went to 110, 119, 120, 122, utilities and others, and what came from them (第十四条, F14-5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission as P
from crm.linkages import lines, queries, service
from crm.linkages.lines import Line
from crm.linkages.queries import OPEN, Row, Wanted
from crm.linkages.rules import DIRECTIONS, Result, Way
from crm.linkages.service import Fields
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from crm.tickets.masking import mask_numbers
from crm.tickets.models import Ticket
from web import paging
from web.act_fields import moment
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import exact
from web.route import Asks, Route

COLUMNS = (
    Column("时间", ("newest", "oldest")),
    *map(Column, ("线路和方式", "工单", "接通", "对方接收", "结果", "登记人")),
)
HEADS = (
    ("时间", 22), ("方向", 8), ("线路", 24), ("号码", 16), ("方式", 12), ("工单编号", 20), ("接通", 12),
    ("接通时间", 22), ("对方接收人", 20), ("对方编号", 24), ("结果", 24), ("备注", 50), ("登记人", 12),
    ("结果登记时间", 22), ("结果登记人", 12),
)  # fmt: skip
RESULTS = (*((one.value, one.label) for one in Result),)
BACK = r"^/(calls|orders)/[0-9a-f-]{36}$"
TO = r"^(line:[0-9]{3,12}|referral:[0-9a-f-]{36})$"


class Filter(Asks):
    """Which records; `search`: words of line, receiver, number or note, or an order's number."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    line: Annotated[str, Field(max_length=60)] = ""
    direction: Literal["", "out", "in"] = ""
    result: Result | Literal["", "open"] = ""
    first: date | None = None
    last: date | None = None
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> Wanted:
        """The filter as the register takes it."""
        oldest = self.sort == "oldest"
        return Wanted(
            self.search.split(), self.line, self.direction, str(self.result), self.first, self.last, oldest_first=oldest
        )


class Register(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """The records of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Written(Asks):
    """What a person writes of a record; `back`: the page it is written on."""

    receiver: Annotated[str, Field(max_length=40)] = ""
    reference: Annotated[str, Field(max_length=40)] = ""
    result: Result | Literal[""] = ""
    note: Annotated[str, Field(max_length=300)] = ""
    back: Annotated[str, Field(pattern=BACK)] | None = None

    @property
    def fields(self) -> Fields:
        """As the command takes it."""
        return Fields(self.receiver, self.reference, self.result or None, self.note)


class Saved(Written):
    """A record as the person saw it."""

    id: UUID
    version: int = Field(ge=1, le=2**31)


class Added(Written):
    """A further record of an order, by hand."""

    id: UUID
    to: Annotated[str, Field(pattern=TO)]
    way: Literal["conference", "transfer", "told", "received"]
    started_at: Annotated[str, Field(max_length=30)] = ""


@dataclass(frozen=True)
class OfOrder:
    """What an order's page shows of the register, and the lines that a record by hand chooses from."""

    rows: Sequence[Row]
    lines: Sequence[Line]
    may_write: bool
    may_correct: bool

    @property
    def results(self) -> Sequence[tuple[str, str]]:
        """All results, for a record whose way is chosen beside them."""
        return RESULTS

    def results_of(self, way: Way) -> list[tuple[str, str]]:
        """The results that a record of this way may have."""
        return [(one.value, one.label) for one in Result if one.fits(way)]


async def of_order(ctx: Context, ticket: Ticket) -> OfOrder:
    """The register's part of an order, for staff of the centre."""
    rows = await queries.of_order(ctx.session, ctx.actor, ticket.id)
    may = ctx.actor.may(P.ORDER_EDIT)
    return OfOrder(rows, await lines.all_of(ctx.session) if may else (), may, may and ctx.actor.may(P.EMERGENCY_LEAD))


async def index(ctx: Context, asked: Register) -> web.Response:
    """A page of the register."""
    after = paging.parse(asked.after)
    rows = await queries.linkages(ctx.session, ctx.actor, asked.wanted, after, paging.PAGE + 1)
    return await ctx.page(
        "linkages.html",
        place="linkages",
        list=listing(
            "/linkages", COLUMNS, asked, rows, lambda one: paging.key_of(one.linkage.started_at, one.linkage.id)
        ),
        asked=asked,
        lines=[(one, one) for one in await queries.names(ctx.session)],
        directions=list(DIRECTIONS.items()),
        results=[(OPEN, "待登记结果"), *RESULTS],
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The records of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = asked.model_dump(mode="json", include={"first", "last"}, exclude_none=True) | searched(asked.search)
    told |= {"line": asked.line} if asked.line else {}
    told |= {"direction": DIRECTIONS[asked.direction]} if asked.direction else {}
    told |= {"result": dict(RESULTS).get(asked.result, "待登记结果")} if asked.result else {}
    async with ctx.parts.database.session() as session:
        found = await queries.linkages(session, ctx.actor, asked.wanted, None, MOST_ROWS + 1)
        what = Taking("联动登记", "LD", "linkage.export", HEADS, [_cells(one) for one in found], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"联动登记{today():%Y%m%d}-{done.number}")


def _cells(one: Row) -> list[str]:
    row = one.linkage
    return [
        exact(row.started_at),
        DIRECTIONS[one.way.direction],
        row.line,
        row.number,
        one.way.label,
        one.ticket.number,
        one.reach.label if one.reach else "",
        exact(one.answered_at, ""),
        row.receiver,
        row.reference,
        one.result.label if one.result else "",
        mask_numbers(row.note),
        row.agent_name,
        exact(row.done_at, ""),
        row.done_by_name,
    ]


async def save(ctx: Context, asked: Saved) -> web.Response:
    """Write what is known so far, or the result."""
    row = await service.save(ctx.session, ctx.actor, asked.id, asked.version, asked.fields)
    said = "联动结果已登记。" if row.done_at else "联动记录已保存，结果待登记。"
    return ctx.redirect(asked.back or f"/orders/{row.ticket_id}", said)


async def add(ctx: Context, asked: Added) -> web.Response:
    """A record by hand: told, called from a desk's telephone, or received."""
    line = await lines.find(ctx.session, asked.to)
    at = moment("started_at", asked.started_at) if asked.started_at else None
    row = await service.add(ctx.session, ctx.actor, asked.id, line, Way(asked.way), asked.fields, at)
    said = "联动记录已登记。" if row.done_at else "联动记录已登记，结果待登记。"
    return ctx.redirect(asked.back or f"/orders/{row.ticket_id}", said)


ROUTES = (
    Route("GET", "/linkages", P.ORDER_VIEW, Register, index, "联动登记", ("bad-page",)),
    Route(
        "POST", "/linkages/export", P.ORDER_VIEW, Export, export, "导出联动登记",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route(
        "POST", "/linkages/{id}", P.ORDER_EDIT, Saved, save, "登记联动结果",
        ("no-linkage", "linkage-complete", "changed-meanwhile"),
    ),
    Route("POST", "/orders/{id}/linkages", P.ORDER_EDIT, Added, add, "登记联动", ("no-line", "no-such-order")),
)  # fmt: skip
