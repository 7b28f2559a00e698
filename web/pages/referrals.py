"""The referral directory 转接去向: searched by whoever talks with a citizen, kept right by those who may (F11-1)."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission as P
from crm.referrals import service
from crm.referrals.models import Referral
from crm.referrals.service import Fields, Standing, Wanted
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import day
from web.route import Asks, Route

COLUMNS = tuple(map(Column, ("去向和电话", "受理事项", "时间和地址", "维护责任", "核对")))
HEADS = (
    ("去向", 28), ("联系电话", 16), ("受理事项", 60), ("服务时间", 24), ("地址", 40), ("维护责任", 20),
    ("核对日期", 14), ("核对人", 12), ("状态", 10),
)  # fmt: skip
TONES = {Standing.CURRENT: "good", Standing.STALE: "warn", Standing.RETIRED: ""}


class Filter(Asks):
    """Which entries; `search`: words of name, number, matters, address or owner."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    standing: Standing | None = None

    @property
    def wanted(self) -> Wanted:
        """The filter as the directory takes it."""
        return Wanted(self.search.split(), self.standing)


class Directory(Filter):
    """The filter, where the page begins, and whose form stands beside it."""

    after: Annotated[str, Field(max_length=200)] = ""
    edit: UUID | None = None


class Export(Filter):
    """The entries of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Form(Asks):
    """An entry as it is written."""

    name: Annotated[str, Field(min_length=2, max_length=40)]
    number: Annotated[str, Field(max_length=20)] = ""
    matters: Annotated[str, Field(min_length=4, max_length=400)]
    hours: Annotated[str, Field(max_length=80)] = ""
    address: Annotated[str, Field(max_length=120)] = ""
    owner: Annotated[str, Field(min_length=2, max_length=40)]

    @property
    def fields(self) -> Fields:
        """The form's values as the command takes them."""
        return Fields(self.name, self.number, self.matters, self.hours, self.address, self.owner)


class Seen(Asks):
    """An entry as the person saw it."""

    id: UUID
    version: int = Field(ge=0, le=2**31)


class Edited(Form, Seen):
    """An entry as edited."""


class Retired(Seen):
    """And why nobody is sent there any more."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


async def index(ctx: Context, asked: Directory) -> web.Response:
    """A page of the directory; the form for those who keep it."""
    rows = await service.entries(ctx.session, asked.wanted, asked.after, paging.PAGE + 1)
    may_edit = ctx.actor.may(P.REFERRAL_EDIT)
    shown = asked.model_copy(update={"edit": None})
    edited = await service.entry(ctx.session, asked.edit) if asked.edit and may_edit else None
    return await ctx.page(
        "referrals.html",
        place="referrals",
        list=listing("/referrals", COLUMNS, shown, rows, service.place_of),
        asked=asked,
        standings=[(one.value, one.label) for one in Standing],
        stands=service.standing_of,
        tones=TONES,
        edited=edited,
        may_edit=may_edit,
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The directory of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = searched(asked.search) | ({"state": asked.standing.label} if asked.standing else {})
    async with ctx.parts.database.session() as session:
        rows = [_cells(row) for row in await service.entries(session, asked.wanted, "", MOST_ROWS + 1)]
        what = Taking("转接去向", "ZJ", "referral.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"转接去向{today():%Y%m%d}-{done.number}")


def _cells(one: Referral) -> list[str]:
    return [
        one.name,
        one.number,
        one.matters,
        one.hours,
        one.address,
        one.owner,
        day(one.checked_on) if one.checked_on else "从未核对",
        one.checked_by_name,
        service.standing_of(one).label,
    ]


async def add(ctx: Context, asked: Form) -> web.Response:
    """A further entry."""
    row = await service.add(ctx.session, ctx.actor, asked.fields)
    return ctx.redirect("/referrals", f"已新增转接去向：{row.name}。")


async def edit(ctx: Context, asked: Edited) -> web.Response:
    """Change an entry."""
    row = await service.edit(ctx.session, ctx.actor, asked.id, asked.version, asked.fields)
    return ctx.redirect("/referrals", f"转接去向已保存：{row.name}。")


async def check(ctx: Context, asked: Seen) -> web.Response:
    """It is right as it stands."""
    row = await service.check(ctx.session, ctx.actor, asked.id, asked.version)
    return ctx.redirect("/referrals", f"已核对：{row.name}。")


async def retire(ctx: Context, asked: Retired) -> web.Response:
    """Nobody is sent there any more."""
    row = await service.retire(ctx.session, ctx.actor, asked.id, asked.version, asked.reason)
    return ctx.redirect("/referrals", f"已停用：{row.name}。")


SEE = (P.LINE_AGENT, P.ORDER_EDIT, P.REFERRAL_EDIT, P.ORDER_FOLLOW_UP)
E = P.REFERRAL_EDIT
WRITTEN = ("bad-referral-number", "referral-nowhere", "referral-named")
ONE = ("no-referral", "referral-retired", "changed-meanwhile")
ROUTES = (
    Route("GET", "/referrals", SEE, Directory, index, "转接去向", ("no-referral",)),
    Route("POST", "/referrals", E, Form, add, "新增转接去向", WRITTEN),
    Route(
        "POST", "/referrals/export", SEE, Export, export, "导出转接去向",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("POST", "/referrals/{id}", E, Edited, edit, "修改转接去向", (*ONE, *WRITTEN)),
    Route("POST", "/referrals/{id}/check", E, Seen, check, "核对转接去向", ONE),
    Route("POST", "/referrals/{id}/retire", E, Retired, retire, "停用转接去向", ONE),
)  # fmt: skip
