"""The month's refusals as a workbook: what the page counts, row by row, with who took it along."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import IO

from core.actor import Actor
from core.clock import local
from core.db import Database
from core.errors import Invalid
from core.ledger import record
from core.permissions import Permission
from crm.queries.refusals import Entry, of_month
from crm.search.export import SEALED_TEXT
from crm.search.taking import mark_of, number_of
from crm.sheets.workbook import Sheet, write
from crm.tickets.acts.refusing import ITEMS

ACTION = "refusals.export"
HEADS = (
    ("第十条所列情形", 40),
    ("决定时间", 18),
    ("工单编号", 20),
    ("依据", 36),
    ("向诉求人所作的解释", 48),
    ("转接去向", 36),
    ("是否告知", 20),
    ("登记人", 12),
    ("复核人", 12),
)


async def export(db: Database, actor: Actor, month: date, reason: str, *, title: str) -> tuple[str, int, IO[bytes]]:
    """Number, how many rows, and the file at its beginning. Raises Denied, Invalid("no-reason")."""
    actor.require(Permission.ORDER_EXPORT)
    actor.require(Permission.ORDER_VIEW)
    if len(reason.strip()) < 2:
        raise Invalid("no-reason", "请填写导出原因。", fields={"reason": "请填写导出原因"})
    number = number_of("BY")
    async with db.session() as session:
        entries = await of_month(session, actor, month)
        what = {"count": len(entries), "month": f"{month:%Y-%m}"}
        await record(session, actor, ACTION, "export", number, reason=reason.strip(), **what)
    mark = mark_of(title, f"{month.year}年{month.month}月不予受理登记簿", actor, number)
    sheet = Sheet("不予受理", mark, HEADS, rows(entries))
    return number, len(entries), await asyncio.to_thread(write, sheet)


def rows(entries: Sequence[Entry]) -> list[list[str]]:
    """The list without its mark: the same whenever and by whomever of the same rights it is made."""
    return [_cells(one) for one in entries]


def _cells(one: Entry) -> list[str]:
    said = one.refusal
    sealed = one.ticket.sealed
    return [
        f"（{'一二三四五六七'[said.item - 1]}）{ITEMS[said.item]}",
        f"{local(one.at):%Y-%m-%d %H:%M}",
        one.ticket.number if one.known else "举报工单",
        SEALED_TEXT if sealed else said.basis,
        SEALED_TEXT if sealed else said.explanation,
        SEALED_TEXT if sealed else said.referral,
        "已告知" if said.told else "未告知" if sealed else f"未告知：{said.not_told_reason}",
        one.by,
        one.second,
    ]
