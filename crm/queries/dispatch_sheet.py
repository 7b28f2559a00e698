"""A month's dispatch quality as a workbook, and the dispatches to several units that cite nothing."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local
from core.permissions import Permission
from core.rates import per_cent
from crm.installed import installed
from crm.queries.behind import Page
from crm.queries.dispatching import Month, Quality, month, uncited
from crm.search.export import searched
from crm.search.taking import Taken, Taking, take
from crm.tickets.masking import mask_numbers
from crm.tickets.states import State

HEADS = (
    ("诉求事项", 28),
    ("派发（次）", 10),
    ("同意退回（次）", 14),
    ("派单准确率", 12),
    ("承办单位已定（次）", 18),
    ("有建议（次）", 12),
    ("首选命中（次）", 14),
    ("首选命中率", 12),
    ("前三命中（次）", 14),
    ("前三命中率", 12),
)
UNCITED_HEADS = (("工单编号", 20), ("标题", 40), ("派发时间", 18), ("状态", 10))


def row_of(one: Quality) -> list[str]:
    """A line of the page and of the sheet."""
    known = installed().county.matters.get(one.matter)
    name = known.name if known else one.matter or "未确定事项"
    counts = [str(one.dispatched), str(one.returned), one.accuracy, str(one.settled), str(one.suggested)]
    return [name, *counts, str(one.first), one.top_1, str(one.three), one.top_3]


async def export(session: AsyncSession, actor: Actor, first: date, reason: str, *, title: str) -> Taken:
    """The month's table. Raises as `take`, and Denied."""
    actor.require(Permission.ORDER_EXPORT)
    found = await month(session, first)
    asked = {"month": f"{first:%Y-%m}"}
    what = Taking(
        f"{first.year}年{first.month}月派单质量",
        "PD",
        "dispatch-quality.export",
        HEADS,
        [row_of(one) for one in found.matters],
        asked,
        foot=_foot(found),
    )
    return await take(session, actor, what, reason, title=title)


def _foot(found: Month) -> list[list[str]]:
    total = ["合计", *row_of(found.total)[1:]]
    blank = [""] * (len(HEADS) - 3)
    several = ["派给多个单位", str(found.several), "", *blank]
    cited = [[f"其中依据{one.label}", str(n), per_cent(n, found.several), *blank] for one, n in found.cited.items()]
    none = ["其中未引用依据", str(found.without), per_cent(found.without, found.several), *blank]
    return [total, several, *cited, none]


async def export_uncited(
    session: AsyncSession, actor: Actor, first: date, page: Page, reason: str, *, title: str
) -> Taken:
    """The dispatches of `uncited`. Raises as `take` and as `behind`, and Denied."""
    actor.require(Permission.ORDER_EXPORT)
    rows = [
        [
            ticket.number,
            mask_numbers(ticket.title),
            f"{local(part.dispatched_at):%Y-%m-%d %H:%M}",
            State(ticket.state).label,
        ]
        for part, ticket in await uncited(session, actor, first, page)
    ]
    name, asked = f"{first.year}年{first.month}月未引用依据的派发", {"month": f"{first:%Y-%m}"} | searched(page.search)
    what = Taking(name, "PD", "dispatch-quality.uncited", UNCITED_HEADS, rows, asked)
    return await take(session, actor, what, reason, title=title)
