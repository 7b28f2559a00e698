"""The reconciliation 对账 as a workbook, to be settled with the city's hotline centre line by line."""

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local
from core.permissions import Permission
from crm.city.board import statement
from crm.city.reconciling import Standing
from crm.county.city import Kind
from crm.search.taking import MOST_ROWS, Taken, Taking, take

HEADS = (
    ("市级编号", 22),
    ("本县工单", 20),
    ("回写事项", 10),
    ("办理时间", 18),
    ("状态", 12),
    ("核对时间", 18),
    ("差异", 60),
)


async def export(
    session: AsyncSession,
    actor: Actor,
    standing: Standing,
    number: str,
    reason: str,
    *,
    title: str,
    oldest_first: bool = False,
) -> Taken:
    """What stands so: numbers, times and differences, nothing of any matter. Raises as `take`."""
    actor.require(Permission.CITY_EXCHANGE)
    found = await session.execute(statement(standing, number, oldest_first=oldest_first).limit(MOST_ROWS + 1))
    rows = [
        [
            ticket.upstream_number or "",
            ticket.number,
            Kind(report.kind).label,
            f"{local(report.at):%Y-%m-%d %H:%M}",
            standing.label,
            f"{local(report.checked_at):%Y-%m-%d %H:%M}" if report.checked_at else "",
            report.difference,
        ]
        for report, ticket in found
    ]
    asked = {"standing": standing.label} | ({"search": number.strip()} if number.strip() else {})
    what = Taking("市级工单对账", "DZ", "city.reconciliation-export", HEADS, rows, asked)
    return await take(session, actor, what, reason, title=title)
