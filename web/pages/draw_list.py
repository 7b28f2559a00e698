"""All draws of 话务质检 历次抽样: searched, narrowed, sorted, paged, taken along."""

from aiohttp import web

from core.clock import today
from core.permissions import Permission as P
from crm.scoring.draws import Drawn, draws
from crm.search.export import searched
from crm.search.taking import MOST_ROWS, Taking, take
from web.context import Context
from web.draws import DrawExport, DrawList
from web.files import send_sheet
from web.lists import Column, listing
from web.paging import PAGE
from web.render import exact

COLUMNS = (
    Column("周期", ("newest", "oldest")),
    *(Column(label, css="right") for label in ("样本", "已评定", "平均分")),
    *map(Column, ("抽样人", "抽样时间")),
    Column("种子", css="right"),
)
HEADS = (
    ("周期", 28),
    ("样本（通）", 12),
    ("已评定（通）", 14),
    ("平均分", 10),
    ("抽样人", 12),
    ("抽样时间", 22),
    ("种子", 24),
)


async def index(ctx: Context, asked: DrawList) -> web.Response:
    """A page of the draws."""
    rows = await draws(ctx.session, ctx.actor, asked.wanted, asked.after, PAGE + 1)
    return await ctx.page(
        "draws.html",
        place="scoring",
        list=listing("/scoring/draws", COLUMNS, asked, rows, lambda one: one.draw.first.isoformat()),
        asked=asked,
        score=score,
        may_export=ctx.actor.may(P.QUALITY_DECIDE),
    )


async def export(ctx: Context, asked: DrawExport) -> web.StreamResponse:
    """The draws of the filter as a workbook."""
    async with ctx.parts.database.session() as session:
        rows = [_cells(one) for one in await draws(session, ctx.actor, asked.wanted, None, MOST_ROWS + 1)]
        what = Taking("质检抽样记录", "ZC", "scoring.draws", HEADS, rows, asked.days | searched(asked.search))
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"质检抽样记录{today():%Y%m%d}-{done.number}")


def score(average: float | None) -> str:
    """`86.5`."""
    return "—" if average is None else f"{average:.1f}"


def _cells(one: Drawn) -> list[str]:
    made = one.draw
    counts = [str(one.calls), str(one.told), score(one.average)]
    return [one.period.label, *counts, made.drawn_by_name, exact(made.drawn_at), str(made.seed)]
