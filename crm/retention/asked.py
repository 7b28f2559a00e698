"""删除 that citizens asked for and that was granted: what stands on lists, what the law still keeps, what is gone.

What is over stands on the ordinary list by itself; here it gets the request's number beside it, so that who reviews and
who approves sees why it matters, and the request learns what became of it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM
from core.clock import now
from core.db import among
from crm.datarequests.models import DataRequest
from crm.datarequests.queries import proposed_for_disposal
from crm.datarequests.rules import Act
from crm.datarequests.service import note
from crm.retention.holds import held
from crm.retention.models import DisposalItem
from crm.retention.objects import KINDS, Objects
from crm.retention.rules import Item
from crm.tickets.models import Ticket


@dataclass(frozen=True)
class Asked:
    """A granted request, and how many objects of its number or of its orders stand where."""

    row: DataRequest
    listed: int
    held: int
    kept: int
    """Not on a list and not held: still protected, of an order that somebody works on, or taken off a list."""
    until: date | None
    """The latest last protected day of these."""
    destroyed: int

    @property
    def left(self) -> int:
        """How many still have a file."""
        return self.listed + self.held + self.kept


def belongs(kind: Objects, row: DataRequest) -> ColumnElement[bool]:
    """Whether an object is among what the request asks for."""
    if row.orders:
        return kind.of_orders(among(Ticket.number, row.orders), Ticket.caller_phone.matches(row.phone))
    return kind.of_phone(row.phone)


async def asked(session: AsyncSession) -> list[Asked]:
    """All that were granted and are not carried out wholly, the oldest first."""
    return [await _asked(session, row) for row in await proposed_for_disposal(session)]


async def _asked(session: AsyncSession, row: DataRequest) -> Asked:
    listed = select(DisposalItem.object_id).where(DisposalItem.state == Item.LISTED)
    counts, until = dict.fromkeys(("listed", "held", "kept", "destroyed"), 0), list[date]()
    for kind in KINDS.values():
        table, its = kind.table, belongs(kind, row)
        rest = (its, kind.living(), table.id.not_in(listed))
        holds = await held(session, kind)
        wanted = {
            "listed": (its, kind.living(), table.id.in_(listed)),
            "held": (*rest, holds),
            "kept": (*rest, ~holds),
            "destroyed": (its, table.destroyed_at.is_not(None)),
        }
        for name, where in wanted.items():
            counts[name] += await session.scalar(select(func.count()).select_from(table).where(*where)) or 0
        if last := await session.scalar(select(func.max(table.protected_until)).where(*wanted["kept"])):
            until.append(last)
    return Asked(row, until=max(until, default=None), **counts)


async def mark(session: AsyncSession, list_id: UUID, number: str) -> list[str]:
    """Write the requests beside what they ask for on this list, and the list into each request -> their numbers."""
    told = []
    for row in await proposed_for_disposal(session):
        ids: list[UUID] = []
        for kind in KINDS.values():
            ids += await session.scalars(select(kind.table.id).where(belongs(kind, row), kind.living()))
        mine = (DisposalItem.list_id == list_id, DisposalItem.state == Item.LISTED, among(DisposalItem.object_id, ids))
        marked = update(DisposalItem).where(*mine, DisposalItem.request_id.is_(None)).values(request_id=row.id)
        count = len((await session.scalars(marked.returning(DisposalItem.object_id))).all())
        if count:
            await note(session, SYSTEM, row, Act.LIST, f"{count} 份，销毁清单 {number}", list=number, objects=count)
            told.append(row.number)
    return told


async def answered(session: AsyncSession, list_id: UUID, number: str) -> None:
    """What this executed list destroyed of each request is told in it; once nothing is left, it is carried out."""
    of_list = select(DisposalItem.request_id, DisposalItem.state, func.count()).where(
        DisposalItem.list_id == list_id, DisposalItem.request_id.is_not(None)
    )
    counts: dict[UUID, dict[str, int]] = {}
    for id, state, count in await session.execute(of_list.group_by(DisposalItem.request_id, DisposalItem.state)):
        if id:
            counts.setdefault(id, {})[state] = count
    for id, states in counts.items():
        row = await session.get_one(DataRequest, id, with_for_update=True)
        gone, stopped = states.get(Item.DESTROYED, 0), states.get(Item.STOPPED, 0)
        left = (await _asked(session, row)).left
        said = [f"销毁 {gone} 份，销毁证书 {number}"] if gone else []
        said += [f"{stopped} 份因冻结或保存期延长没有销毁"] if stopped else []
        said += [f"尚有 {left} 份在保存"] if left else []
        if not said:
            continue
        if not left:
            row.destroyed_at = now()
        about: dict[str, Any] = {"certificate": number, "objects": gone, "left": left}
        await note(session, SYSTEM, row, Act.DESTROY, "；".join(said), **about)


async def of_items(session: AsyncSession, items: Collection[DisposalItem]) -> dict[UUID, str]:
    """The numbers of the requests beside these items, by the request's id."""
    ids = {one.request_id for one in items if one.request_id}
    found = await session.execute(select(DataRequest.id, DataRequest.number).where(among(DataRequest.id, ids)))
    return {row.id: row.number for row in found} if ids else {}
