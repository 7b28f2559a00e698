"""All programs 接口程序: searched, narrowed, sorted, paged, taken along; no part of a token goes with them."""

from typing import Annotated

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from core.accounts.channels import LABELS, Channel
from core.accounts.overview import Order, Overview, Standing, Wanted, programs
from core.clock import today
from core.identity.models import Unit
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import day, exact
from web.route import Asks

CENTRE = "热线中心"
COLUMNS = (
    *map(Column, ("名称和单位", "渠道")),
    Column("有效令牌", css="right"),
    Column("最早到期", ("due",)),
    Column("最近使用", ("last",)),
    Column("登记时间", ("newest", "oldest")),
    Column("状态"),
)
HEADS = (
    ("名称", 32),
    ("渠道", 14),
    ("单位", 28),
    ("有效令牌", 10),
    ("最早到期", 16),
    ("最近使用", 22),
    ("登记时间", 22),
    ("状态", 12),
)
TONES = {Standing.READY: "good", Standing.BARE: "warn", Standing.OFF: ""}


class Filter(Asks):
    """`search`: words of a program's name or of its unit's."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    channel: Channel | None = None
    state: Standing | None = None
    sort: Order = "newest"

    @property
    def wanted(self) -> Wanted:
        """The filter as the list takes it."""
        return Wanted(self.search.split(), self.channel, self.state, self.sort)


class ProgramList(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class ProgramExport(Filter):
    """The programs of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: ProgramList) -> web.Response:
    """A page of the programs with what their tokens come to."""
    rows = await programs(ctx.session, asked.wanted, paging.parse(asked.after), paging.PAGE + 1)
    units = (await ctx.session.scalars(select(Unit).where(Unit.active).order_by(Unit.code))).all()
    return await ctx.page(
        "programs.html",
        place="programs",
        list=listing("/programs", COLUMNS, asked, rows, lambda one: paging.key_of(one.at(asked.sort), one.account.id)),
        asked=asked,
        channels=[(one.value, label) for one, label in LABELS.items()],
        states=[(one.value, one.label) for one in Standing],
        tones=TONES,
        centre=CENTRE,
        units=[(unit.id, unit.name) for unit in units],
    )


async def export(ctx: Context, asked: ProgramExport) -> web.StreamResponse:
    """The programs of the filter as a workbook."""
    told = searched(asked.search)
    told |= {"channel": asked.channel.label} if asked.channel else {}
    told |= {"state": asked.state.label} if asked.state else {}
    async with ctx.parts.database.session() as session:
        rows = [_cells(one) for one in await programs(session, asked.wanted, None, MOST_ROWS + 1)]
        what = Taking("接口程序", "JK", "account.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"接口程序{today():%Y%m%d}-{done.number}")


def _cells(one: Overview) -> list[str]:
    return [
        one.account.name,
        one.account.channel_label,
        one.unit or CENTRE,
        str(one.tokens),
        day(one.first_ends, ""),
        exact(one.last_used, ""),
        exact(one.account.created_at),
        one.standing.label,
    ]
