"""The month of enterprises as a workbook, marked with who took it along and on record (第五条)."""

import asyncio
from datetime import datetime, timedelta
from typing import IO

from core.actor import Actor
from core.clock import local
from core.db import Database
from core.errors import Invalid
from core.ledger import record
from core.permissions import Permission
from crm.queries.enterprises import Late, Month, OfDepartment, month_of_enterprises
from crm.search.taking import mark_of, number_of
from crm.search.workbook import Sheet, write

ACTION = "enterprises.export"
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


async def export_month(db: Database, actor: Actor, month: Month, *, title: str) -> tuple[str, IO[bytes]]:
    """Its number and the file, to be closed by who reads it. Raises Denied, Invalid("nothing-to-export")."""
    actor.require(Permission.ORDER_EXPORT)
    number = number_of("QY")
    async with db.session() as session:
        found = await month_of_enterprises(session, actor, month)
        if not found:
            raise Invalid("nothing-to-export", "这个月没有企事业单位应办结的工单。")
        span, count = f"{month.year}-{month.month:02}", sum(len(one.late) for one in found)
        await record(session, actor, ACTION, "export", number, month=span, count=count)
    mark = mark_of(title, f"企业逾期月报 {month.year}年{month.month}月", actor, number)
    rows = [row for one in found for row in _rows(one)]
    return number, await asyncio.to_thread(write, Sheet("企业逾期月报", mark, HEADS, rows))


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
