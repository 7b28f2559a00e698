"""知识库准确率: all draws with their rates, searched, narrowed, sorted, paged, taken along; and the next draw."""

from datetime import date

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import today
from crm.accuracy import queries, service
from crm.accuracy.queries import Drawn
from crm.sampling import SEEDS, newest
from crm.search.export import searched
from crm.search.taking import MOST_ROWS, Taking, take
from web.context import Context
from web.draws import DrawExport, DrawList
from web.files import send_sheet
from web.lists import Column, listing
from web.paging import PAGE
from web.render import exact
from web.route import Asks, Route

COLUMNS = (
    Column("周期", ("newest", "oldest")),
    *(Column(label, css="right") for label in ("条目已核对", "知识库准确率", "答复已核对", "答复准确率")),
    *map(Column, ("抽样人", "抽样时间")),
)
HEADS = (
    ("周期", 28), ("抽查条目（条）", 14), ("已核对（条）", 14), ("准确（条）", 12), ("有误（条）", 12),
    ("过期（条）", 12), ("存疑（条）", 12), ("知识库准确率", 14), ("抽查答复（次）", 14), ("已核对（次）", 14),
    ("准确（次）", 12), ("答复准确率", 14), ("抽样人", 12), ("抽样时间", 22), ("种子", 24),
)  # fmt: skip
PERIODS_OFFERED = 8


class ToDraw(Asks):
    """The first day of the period to draw, and the seed where the bureau wants it given."""

    first: date = Field(ge=date(2020, 1, 1), le=date(2100, 1, 1))
    seed: int | None = Field(None, ge=0, le=SEEDS - 1)


async def index(ctx: Context, asked: DrawList) -> web.Response:
    """A page of the draws."""
    rows = await queries.draws(ctx.session, ctx.actor, asked.wanted, asked.after, PAGE + 1)
    plan = service.policy()
    return await ctx.page(
        "accuracy_draws.html",
        place="accuracy",
        list=listing("/knowledge/accuracy", COLUMNS, asked, rows, lambda one: one.draw.first.isoformat()),
        asked=asked,
        plan=plan,
        offered=await _offered(ctx.session, plan.period),
    )


async def _offered(session: AsyncSession, kind: str) -> list[tuple[str, str]]:
    """The newest periods that are over and have no draw."""
    over = newest(today(), kind, PERIODS_OFFERED)
    drawn = await queries.drawn(session, over)
    return [(one.first.isoformat(), one.label) for one in over if one not in drawn]


async def draw(ctx: Context, asked: ToDraw) -> web.Response:
    """Draw a period's sample."""
    made = await service.make_draw(ctx.session, ctx.actor, asked.first, asked.seed)
    drawn = service.again(made)
    told = f"已抽取 {len(drawn.items)} 条条目、{len(drawn.answers)} 次答复，种子 {made.seed}。"
    return ctx.redirect(f"/knowledge/accuracy/draws/{made.id}", told)


async def export(ctx: Context, asked: DrawExport) -> web.StreamResponse:
    """The draws of the filter as a workbook."""
    async with ctx.parts.database.session() as session:
        rows = [_cells(one) for one in await queries.draws(session, ctx.actor, asked.wanted, None, MOST_ROWS + 1)]
        what = Taking("知识库准确率", "ZQ", "accuracy.draws-export", HEADS, rows, asked.days | searched(asked.search))
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"知识库准确率{today():%Y%m%d}-{done.number}")


def _cells(one: Drawn) -> list[str]:
    made, items, answers = one.draw, one.items, one.answers
    of_items = (items.drawn, items.checked, items.accurate, items.wrong, items.outdated, items.doubtful)
    of_answers = (answers.drawn, answers.checked, answers.accurate)
    return [
        one.period.label, *map(str, of_items), items.rate, *map(str, of_answers), answers.rate,
        made.drawn_by_name, exact(made.drawn_at), str(made.seed),
    ]  # fmt: skip


ROUTES = (
    Route("GET", "/knowledge/accuracy", service.NEEDS, DrawList, index, "知识库准确率"),
    Route(
        "POST", "/knowledge/accuracy/draw", service.NEEDS, ToDraw, draw, "抽取知识库样本",
        ("no-period", "period-runs", "already-drawn", "nothing-to-draw", "no-seed", "seed-not-asked"),
    ),
    Route(
        "POST", "/knowledge/accuracy/export", service.NEEDS, DrawExport, export, "导出知识库准确率",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
