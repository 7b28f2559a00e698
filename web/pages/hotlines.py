"""Statistics by the number that was dialled 原热线 (第十六条, A16-1): calls, service level, orders, their handling."""

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.board import service
from callflow.board.rules import CONNECTED_PER_CENT, WITHIN_S, Level, ServiceLevel
from core.actor import Actor
from core.clock import today
from core.permissions import Permission as P
from core.rates import per_cent
from crm.queries.hotlines import Orders, by_hotline
from crm.queries.statistics import Period
from crm.search.taking import Taking, take
from web.context import Context
from web.files import send_sheet
from web.pages.statistics import Span, period_of, shortcuts
from web.route import Route

NOTHING = ServiceLevel(Level(0, 0, 0), Level(0, 0, 0), None, None, 0, 0)
WITHIN = f"{WITHIN_S} 秒接通率"


@dataclass(frozen=True)
class Column:
    """One column and what it counts, a rate as `part ÷ whole`; `since` tells two of one label apart."""

    label: str
    counted: str
    since: str = ""

    @property
    def head(self) -> str:
        """As it stands alone."""
        return f"{self.label}（{self.since}）" if self.since else self.label


GROUPS = (
    (
        "话务",
        (
            Column("请求人工", "本期来电中请求人工服务的"),
            Column("接通", "其中接通话务员的"),
            Column("接通率", "接通 ÷ 请求人工"),
            Column(WITHIN, f"{WITHIN_S} 秒内接通 ÷ 请求人工", "从来电起"),
            Column(WITHIN, f"{WITHIN_S} 秒内接通 ÷ 进入排队", "从排队起"),
        ),
    ),
    (
        "工单",
        (
            Column("形成工单", "本期来电和留言形成的工单"),
            Column("已派发", "其中已派发给承办单位的"),
            Column("及时签收率", "单位按时签收 ÷ 已签收和逾期未签收"),
            Column("按期办结率", "按期办结 ÷ 已办结和逾期未办结"),
            Column("退回率", "同意退回 ÷ 派发的主办工单"),
            Column("满意率", "非常满意、满意和基本满意 ÷ 全部评价"),
            Column("解决率", "诉求人认为已解决 ÷ 已问明是否解决的评价"),
        ),
    ),
)
NOTES = (
    *(
        f"{group}：{'；'.join(f'{one.head}＝{one.counted}' for one in columns if '÷' in one.counted)}。"
        for group, columns in GROUPS
    ),
    "签收、办结、退回按本期派发的主办工单统计，改派、重办另计一件；同意退回的不计入签收和办结；时限未到、按时提交待审核的暂不计；"
    "系统代为签收的不算按时。满意、解决按本期回访评价统计，更改评价的以最后一次为准；未接通、拒访等没有评价的和按第二十六条"
    "剔除的不计。比率四舍五入保留一位小数；没有件数的显示“—”。",
)
HEADS = (("原热线", 24), *((one.head, 24 if one.since else 18) for _, columns in GROUPS for one in columns))


@dataclass(frozen=True)
class Figure:
    """A count, or a share with its two counts."""

    text: str
    counts: str = ""

    def __str__(self) -> str:
        return f"{self.text}（{self.counts}）" if self.counts else self.text


def share(part: int, whole: int, mark: int = 100) -> Figure:
    """`66.7%` and `2/3`, not rounded up to `mark`; of nothing a dash."""
    return Figure(per_cent(part, whole, mark), f"{part}/{whole}" if whole else "")


class Export(Span):
    """A period that is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


@dataclass(frozen=True)
class Line:
    """One hotline's calls and what came of them."""

    name: str
    level: ServiceLevel
    orders: Orders

    @property
    def figures(self) -> list[Figure]:
        """One for each column of `GROUPS`."""
        calls, queued, orders = self.level.by_invite, self.level.by_queue, self.orders
        rates = (orders.signed, orders.finished, orders.returned, orders.satisfied, orders.solved)
        return [
            Figure(str(calls.asked)),
            Figure(str(calls.connected)),
            share(calls.connected, calls.asked, CONNECTED_PER_CENT),
            share(calls.within, calls.asked),
            share(queued.within, queued.asked),
            Figure(str(orders.formed)),
            Figure(str(orders.dispatched)),
            *(share(rate.part, rate.whole) for rate in rates),
        ]


async def index(ctx: Context, asked: Span) -> web.Response:
    """Every hotline of the period, with its calls and its orders."""
    period = period_of(asked)
    return await ctx.page(
        "hotlines.html",
        place="hotlines",
        period=period,
        lines=await _lines(ctx.session, ctx.actor, period),
        groups=GROUPS,
        notes=NOTES,
        shortcuts=shortcuts(today()),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def _lines(session: AsyncSession, actor: Actor, period: Period) -> list[Line]:
    levels = await service.levels_by_hotline(session, period.since, period.until)
    orders = await by_hotline(session, actor, period)
    return [
        Line(name or "未记录", levels.get(name, NOTHING), orders.get(name, Orders()))
        for name in sorted(levels.keys() | orders.keys())
    ]


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The period's table as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    period = period_of(asked)
    name = f"原热线统计{period.first:%Y%m%d}-{period.last:%Y%m%d}"
    told = {"first": period.first.isoformat(), "last": period.last.isoformat()}
    async with ctx.parts.database.session() as session:
        lines = await _lines(session, ctx.actor, period)
        rows = [[line.name, *map(str, line.figures)] for line in lines]
        what = Taking(name, "RX", "hotlines.export", HEADS, rows, told, notes=NOTES)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"{name}-{done.number}")


SEE = (P.LINE_LEAD, P.ORDER_VERIFY, P.ORDER_OVERSEE)
ROUTES = (
    Route("GET", "/hotlines", SEE, Span, index, "原热线统计", ("bad-span",)),
    Route(
        "POST", "/hotlines/export", SEE, Export, export, "导出原热线统计",
        ("bad-span", "no-reason", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
