"""The rows that could not be imported, as they came, with the reason in a column of its own."""

import asyncio
from typing import IO
from uuid import UUID

from core.actor import Actor
from core.clock import local, now
from core.db import Database
from core.errors import Invalid
from core.ledger import record
from core.permissions import Permission
from crm.city.importing import one, rows_of, unpacked
from crm.city.judging import Verdict
from crm.sheets.workbook import Sheet, write

REASON = "不能导入的原因"


async def workbook(db: Database, actor: Actor, import_id: UUID) -> tuple[int, IO[bytes]]:
    """How many there are, and the file at its beginning. Raises NotFound, Invalid("nothing-to-export")."""
    actor.require(Permission.CITY_EXCHANGE)
    async with db.session() as session:
        made = await one(session, import_id)
        rows = [row for row in await rows_of(session, import_id) if row.verdict == Verdict.BAD]
        if not rows:
            raise Invalid("nothing-to-export", "这个文件没有有问题的行。")
        await record(session, actor, "city.bad-rows", "city-import", made.id, count=len(rows))
    width = len(made.titles)
    cells = []
    for row in rows:
        given = unpacked(row.cells)
        cells.append([str(row.n), row.reason, *(given + [""] * width)[:width]])
    at = local(now())
    when = f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}"
    mark = f"{made.file_name} 不能导入的行 · {actor.name} · {when} · 内部资料，不得外传"
    heads = [("原文件行号", 12), (REASON, 48), *((str(title), 18) for title in made.titles)]
    return len(rows), await asyncio.to_thread(write, Sheet("问题行", mark, heads, cells))
