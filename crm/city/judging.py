"""What a row of the city's means here: a new order, one that is here already, a change of one, or nothing usable."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import local
from core.db import among
from crm.city.models import CityOrder
from crm.city.reading import Incoming, Read
from crm.tickets.models import Ticket


class Verdict(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    PRESENT = "present"
    CHANGED = "changed"
    BAD = "bad"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"new": "新工单", "present": "已有", "changed": "有变更", "bad": "有问题"}[self.value]


@dataclass(frozen=True)
class Known:
    """An upstream order that is here."""

    ticket: Ticket
    order: CityOrder | None


@dataclass(frozen=True)
class Judged:
    """A row with its verdict; `reason` beside it."""

    row: Read
    verdict: Verdict
    reason: str = ""
    known: Known | None = None


async def judge(session: AsyncSession, rows: Sequence[Read]) -> list[Judged]:
    """Every row against what is here now."""
    known = await known_under(session, (row.number for row in rows if row.incoming))
    return [_judged(row, known.get(row.number)) for row in rows]


async def known_under(session: AsyncSession, numbers: Iterable[str]) -> dict[str, Known]:
    """The orders with these upstream numbers, by number."""
    wanted = set(numbers)
    if not wanted:
        return {}
    found = await session.execute(
        select(Ticket, CityOrder)
        .outerjoin(CityOrder, CityOrder.ticket_id == Ticket.id)
        .where(among(Ticket.upstream_number, wanted))
    )
    return {str(row[0].upstream_number): Known(row[0], row[1]) for row in found}


def _judged(row: Read, known: Known | None) -> Judged:
    if row.incoming is None:
        return Judged(row, Verdict.BAD, "；".join(row.wrong))
    if known is None:
        return Judged(row, Verdict.NEW)
    if said := differences(row.incoming, known):
        return Judged(row, Verdict.CHANGED, "；".join(said), known)
    return Judged(row, Verdict.PRESENT, known=known)


def differences(incoming: Incoming, known: Known) -> list[str]:
    """What the city's row says now and did not say before."""
    found, ticket, order = [], known.ticket, known.order
    if ticket.upstream_due_at != incoming.due_at:
        before = f"{local(ticket.upstream_due_at):%Y-%m-%d %H:%M}" if ticket.upstream_due_at else "无"
        found.append(f"市级时限由 {before} 改为 {local(incoming.due_at):%Y-%m-%d %H:%M}")
    if order is not None and order.state_word != incoming.state_word:
        found.append(f"市级状态由“{order.state_word or '空'}”改为“{incoming.state_word or '空'}”")
    if order is not None and order.fingerprint != fingerprint(incoming):
        found.append("市级改动了诉求内容，请核对原件，本县工单内容不自动覆盖")
    return found


def fingerprint(incoming: Incoming) -> str:
    """SHA-256 over what the city wrote of the matter; its due and its state are compared by themselves."""
    told = [incoming.number, incoming.given.model_dump(mode="json"), incoming.phone, incoming.upstream_type]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
