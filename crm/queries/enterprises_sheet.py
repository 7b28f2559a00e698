"""The month of enterprises as a workbook, marked with who took it along and on record (第五条)."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local
from core.permissions import Permission
from crm.queries.enterprises import Late, Month, OfDepartment, month_of_enterprises
from crm.search.taking import Taken, Taking, take

HEADS = (
    ("主管部门", 26),
    ("企事业单位", 26),
    ("本月应办结", 12),
    ("本月逾期", 10),
    ("逾期工单", 20),
    ("标题", 40),
    ("办理时限", 18),
    ("提交办结", 18),
    ("督办", 10),
)


async def export_month(session: AsyncSession, actor: Actor, month: Month, reason: str, *, title: str) -> Taken:
    """The month as far as this actor may know of it. Raises as `take`, and Denied."""
    actor.require(Permission.ORDER_EXPORT)
    found = await month_of_enterprises(session, actor, month)
    rows = [row for one in found for row in _rows(one)]
    asked = {"month": f"{month.year}-{month.month:02}"}
    what = Taking(f"企业逾期月报 {month.year}年{month.month}月", "QY", "enterprises.export", HEADS, rows, asked)
    return await take(session, actor, what, reason, title=title)


def _rows(one: OfDepartment) -> list[list[str]]:
    """A line for each overdue order, or one for an enterprise without any."""
    head = [one.department, one.enterprise, str(one.due), str(len(one.late))]
    return [head + _order(late) for late in one.late] or [[*head, "无", "", "", "", ""]]


def _order(late: Late) -> list[str]:
    ends = _when(late.due_at - timedelta(seconds=1))
    return [late.number, late.title, ends, _when(late.submitted_at) or "尚未办结", LEVELS[late.level]]


LEVELS = ("", "一级督办", "二级督办")


def _when(at: datetime | None) -> str:
    return f"{local(at):%Y-%m-%d %H:%M}" if at else ""
