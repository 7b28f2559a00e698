"""A month's dispatch quality as a workbook."""

import asyncio
from datetime import date
from typing import IO

from core.actor import Actor
from core.db import Database
from core.errors import Invalid
from core.ledger import record
from core.permissions import Permission
from crm.installed import installed
from crm.queries.dispatching import Month, Quality, month, share
from crm.search.taking import mark_of, number_of
from crm.search.workbook import Sheet, write

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


def row_of(one: Quality) -> list[str]:
    """A line of the page and of the sheet."""
    known = installed().county.matters.get(one.matter)
    name = known.name if known else one.matter or "未确定事项"
    counts = [str(one.dispatched), str(one.returned), one.accuracy, str(one.settled), str(one.suggested)]
    return [name, *counts, str(one.first), one.top_1, str(one.three), one.top_3]


async def export(db: Database, actor: Actor, first: date, *, title: str) -> IO[bytes]:
    """The month's table, on record in the ledger. Raises Denied, Invalid("nothing-to-export")."""
    actor.require(Permission.ORDER_EXPORT)
    number = number_of("PD")
    async with db.session() as session:
        found = await month(session, first)
        if not found.total.dispatched:
            raise Invalid("nothing-to-export", "这个月没有派发过工单。")
        await record(session, actor, "dispatch-quality.export", "export", number, count=found.total.dispatched)
    mark = mark_of(title, f"{first:%Y年%m月}派单质量", actor, number)
    return await asyncio.to_thread(write, Sheet("派单质量", mark, HEADS, _rows(found)))


def _rows(found: Month) -> list[list[str]]:
    total = ["合计", *row_of(found.total)[1:]]
    blank = [""] * (len(HEADS) - 3)
    several = [["派给多个单位", str(found.several), "", *blank]]
    cited = [[f"其中依据{one.label}", str(n), share(n, found.several), *blank] for one, n in found.cited.items()]
    none = [["其中未引用依据", str(found.without), share(found.without, found.several), *blank]]
    return [total, *map(row_of, found.matters), *several, *cited, *none]
