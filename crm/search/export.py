"""A list of orders as a workbook that says who took it along, when, why and under which number.

Nobody's export holds the caller of a 举报 or of a confidential order, nor the text of a 举报 or of an order with a
level of secrecy; other callers, numbers in texts and doors are masked. The act is in the ledger before the first byte
leaves.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any
from uuid import UUID

from sqlalchemy import and_, case, null, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import phone
from core.actor import Actor
from core.clock import local
from core.db import Database
from core.errors import Invalid
from core.identity.models import Unit
from core.ledger import record
from core.permissions import Permission
from core.personal import mask_name
from crm.county.categories import LABELS, Category
from crm.installed import installed
from crm.policy import OrdersPolicy
from crm.search.filter import OrderFilter, understand
from crm.search.footnotes import footnotes
from crm.search.narrow import narrow
from crm.search.stretches import stretches
from crm.search.taking import MOST_ROWS, mark_of, number_of
from crm.search.walk import Rows, walk
from crm.sheets.workbook import Sheet, write
from crm.tickets.masking import mask_address, mask_numbers
from crm.tickets.models import Ticket
from crm.tickets.states import State

ACTION = "orders.export"
SEALED_TEXT = "（举报内容不随表导出，请在系统内查看）"
SECRET_TEXT = "（已定保密级别，内容不随表导出，请在系统内查看）"
HEADS = (
    ("工单编号", 20),
    ("类别", 8),
    ("状态", 10),
    ("标题", 36),
    ("诉求内容", 60),
    ("地点", 24),
    ("属地", 14),
    ("诉求人", 12),
    ("电话", 16),
    ("主办单位", 20),
    ("受理时间", 18),
    ("首次派发时间", 18),
    ("办理时限", 18),
    ("办结时间", 18),
)
_OPEN = and_(Ticket.sealed.is_(False), Ticket.confidential.is_(False))
_COLUMNS = (
    Ticket.number,
    Ticket.category,
    Ticket.state,
    Ticket.title,
    case((Ticket.sealed, SEALED_TEXT), (Ticket.secrecy != "none", SECRET_TEXT), else_=Ticket.content),
    Ticket.address,
    Ticket.area,
    Ticket.sealed,
    case((_OPEN, Ticket.caller_name), else_=null()),
    case((_OPEN, Ticket.caller_phone), else_=null()),
    Ticket.confidential,
    Ticket.lead_unit_id,
    Ticket.opened_at,
    Ticket.first_dispatched_at,
    Ticket.closed_at,
)


@dataclass(frozen=True)
class Exported:
    """The workbook, at its beginning, to be closed by who reads it; its number is in the ledger."""

    number: str
    count: int
    content: IO[bytes]


async def export(db: Database, actor: Actor, wanted: OrderFilter, reason: str, *, title: str) -> Exported:
    """All orders of the filter that the actor may see.

    Raises Denied, Invalid("no-reason"), Invalid("too-many-rows"), Invalid("nothing-to-export").
    """
    actor.require(Permission.ORDER_EXPORT)
    if len(reason.strip()) < 2:
        raise Invalid("no-reason", "请填写导出原因。", fields={"reason": "请填写导出原因"})
    number = number_of("DC")
    async with db.session() as session:
        rows = await _rows(session, actor, wanted)
        notes = await footnotes(session, [row[-1] for row in rows])
        units = {row.id: row.name for row in await session.execute(select(Unit.id, Unit.name))}
        await record(
            session, actor, ACTION, "export", number, reason=reason.strip(), count=len(rows), filter=told(wanted)
        )
    cells = [_cells(row, units) for row in rows]
    sheet = Sheet("工单", mark_of(title, "工单导出", actor, number), HEADS, cells, notes)
    return Exported(number, len(rows), await asyncio.to_thread(write, sheet))


async def _rows(session: AsyncSession, actor: Actor, wanted: OrderFilter) -> Rows:
    found = await narrow(actor, wanted)
    read = await walk(session, _COLUMNS, found, stretches(wanted, found), None, MOST_ROWS)
    if read.more:
        sentence = f"符合条件的工单超过 {MOST_ROWS} 张，请缩小范围（例如按受理日期分段）后再导出。"
        raise Invalid("too-many-rows", sentence)
    if not read.rows:
        raise Invalid("nothing-to-export", "没有符合条件的工单可以导出。")
    return read.rows


def told(wanted: OrderFilter) -> dict[str, Any]:
    """The filter as the ledger keeps it: telephone numbers masked."""
    return wanted.model_dump(mode="json", exclude_defaults=True) | searched(wanted.search)


def searched(search: str) -> dict[str, str]:
    """What was looked for, its telephone numbers masked; empty for nothing."""
    if not search:
        return {}
    asked = understand(search, installed().policy[OrdersPolicy].number_prefix)
    phones = [phone.mask(one) for one in asked.phones] + [f"尾号{one}" for one in asked.last_fours]
    return {"search": " ".join(filter(None, (*asked.numbers, *phones, asked.words)))}


def _cells(row: Sequence[Any], units: dict[UUID, str]) -> list[str]:
    number, category, state, title, content, address, area, sealed, name, telephone, confidential = row[:11]
    lead, opened, dispatched, closed, due, _, _ = row[11:]
    areas = installed().county.units
    if sealed or confidential:
        caller = called = "举报人信息已密封" if sealed else "诉求人要求保密"
    else:
        caller, called = mask_name(name or ""), phone.mask(telephone) if telephone else ""
    return [
        number,
        LABELS[Category(category)] if category else "",
        State(state).label,
        mask_numbers(title),
        mask_numbers(content),
        mask_address(address),
        areas[area].name if area in areas else "",
        caller,
        called,
        units.get(lead, "") if lead else "",
        _when(opened),
        _when(dispatched),
        _when(due - timedelta(seconds=1)) if due else "",
        _when(closed),
    ]


def _when(at: datetime | None) -> str:
    return f"{local(at):%Y-%m-%d %H:%M}" if at else ""
