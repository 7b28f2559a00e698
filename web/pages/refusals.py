"""不予受理登记簿: the month by item of 第十条, the register below it, and both as a workbook."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission as P
from crm.queries import refusal_list
from crm.queries.refusals import Wanted, by_item, register
from crm.queries.story_words import REFUSAL_STATE
from crm.search.filter import LONGEST_SEARCH
from crm.tickets.acts.refusing import ITEMS
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.route import Asks, Route

Month = Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]
NUMERALS = "一二三四五六七"
COLUMNS = (
    Column("决定时间", ("newest", "oldest")),
    *map(Column, ("工单", "情形", "解释和转接去向", "状态", "登记 / 复核")),
)


class Standing(StrEnum):
    """How far a refusal is."""

    PROPOSED = "proposed"
    FINAL = "final"
    REJECTED = "rejected"
    REOPENED = "reopened"
    VOID = "void"


class Register(Asks):
    """Filters; `month` is the present one unless another is asked for."""

    month: Month | None = None
    item: int | None = Field(None, ge=1, le=7)
    state: Standing | None = None
    search: str = Field("", max_length=LONGEST_SEARCH)
    sort: Literal["newest", "oldest"] = "newest"
    after: str = Field("", max_length=100)


class Export(Asks):
    """The month, and why it is taken along."""

    month: Month
    reason: Annotated[str, Field(min_length=2, max_length=200)]


def first_of(month: str | None) -> date:
    """`2026-11` -> its first day; the present month when none is given."""
    return date.fromisoformat(f"{month}-01") if month else today().replace(day=1)


async def index(ctx: Context, asked: Register) -> web.Response:
    """The month's numbers, and a page of its refusals."""
    month = first_of(asked.month)
    wanted = Wanted(month, asked.item, asked.state, asked.search, asked.sort == "oldest")
    entries = await register(ctx.session, ctx.actor, wanted, paging.parse(asked.after), paging.PAGE + 1)
    return await ctx.page(
        "refusals.html",
        place="refusals",
        month=month,
        asked=asked,
        counts=await by_item(ctx.session, month),
        list=listing("/refusals", COLUMNS, asked, entries, lambda one: paging.key_of(one.at, one.id)),
        items=[(str(n), f"（{NUMERALS[n - 1]}）{text}") for n, text in ITEMS.items()],
        item_texts=ITEMS,
        numerals=NUMERALS,
        states=tuple(REFUSAL_STATE.items()),
        state_labels=REFUSAL_STATE,
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The month's refusals as a workbook that says who took it, when and under which number."""
    month = first_of(asked.month)
    parts = ctx.parts
    number, _, content = await refusal_list.export(parts.database, ctx.actor, month, asked.reason, title=parts.title)
    return await send_sheet(ctx.request, content, f"不予受理{asked.month}-{number}")


ROUTES = (
    Route("GET", "/refusals", P.ORDER_VIEW, Register, index, "不予受理登记簿", ("bad-page", "no-phone-search")),
    Route(
        "POST", "/refusals/export", P.ORDER_EXPORT, Export, export, "导出不予受理登记簿", ("no-reason",), stream=True
    ),
)
