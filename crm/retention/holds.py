"""冻结: placed and lifted by named persons; what it covers is never proposed, and stops what was approved already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import midnight, now
from core.db import among
from core.errors import Conflict, Invalid, NotFound
from core.identity.models import Unit
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission
from crm.installed import installed
from crm.policy import OrdersPolicy
from crm.retention.models import LegalHold
from crm.retention.objects import KINDS, RECORDINGS, Objects
from crm.retention.rules import Reason
from crm.tickets.access import visible_to
from crm.tickets.models import Assignment, Ticket
from crm.tickets.numbers import as_written

TOPIC = "retention"
LOCK = "retention"
"""Held by who places a hold, who proposes, and each step of an execution: none of them looks past another."""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scope:
    """What a hold covers; all that is given must be true of a recording or a file."""

    number: str = ""
    """Of an order."""
    phone: str | None = None
    """E.164."""
    unit_id: UUID | None = None
    first: date | None = None
    last: date | None = None


async def place(
    session: AsyncSession, actor: Actor, reason: Reason, document: str, owner: str, scope: Scope
) -> tuple[LegalHold, int]:
    """Hold everything in the scope, also what comes later -> the hold, and how many objects it covers now.

    Raises `Invalid("no-scope" | "bad-period" | "no-such-order" | "no-such-unit")`.
    """
    actor.require(Permission.RETENTION_HOLD)
    ticket_id = await _order(session, actor, scope.number) if scope.number else None
    if not (ticket_id or scope.phone or scope.unit_id or scope.first or scope.last):
        raise Invalid("no-scope", "请至少填写一项冻结范围：工单、电话、单位或期间。")
    if (scope.first is None) != (scope.last is None) or (scope.first and scope.last and scope.first > scope.last):
        raise Invalid("bad-period", "期间的起止日期须都填写，且起始日不晚于截止日。", fields={"last": "请核对起止日期"})
    if scope.unit_id and await session.get(Unit, scope.unit_id) is None:
        raise Invalid("no-such-unit", "没有这个单位。", fields={"unit": "请选择单位"})
    assert actor.user_id is not None  # a person: the system holds nothing
    await lock(session, LOCK)
    row = LegalHold(reason=reason, document=document, owner=owner, ticket_id=ticket_id, phone=scope.phone)
    row.unit_id, row.first, row.last = scope.unit_id, scope.first, scope.last
    row.placed_at, row.placed_by, row.placed_name = now(), actor.user_id, actor.name
    session.add(row)
    await session.flush()
    count = await covered(session, row)
    about: dict[str, Any] = {"ground": reason.label, "document": document, "owner": owner, "objects": count}
    await record(session, actor, "retention.hold", "hold", row.id, **about)
    hint(session, TOPIC)
    return row, count


async def _order(session: AsyncSession, actor: Actor, number: str) -> UUID:
    written = as_written(number, installed().policy[OrdersPolicy])
    found = await session.scalar(select(Ticket.id).where(Ticket.number == written, visible_to(actor)))
    if found is None:
        raise Invalid("no-such-order", "没有这张工单。", fields={"order": "没有这张工单，请核对编号"})
    return found


async def lift(session: AsyncSession, actor: Actor, hold_id: UUID, why: str) -> LegalHold:
    """End it.

    Raises `NotFound("no-hold")`, `Conflict("hold-lifted" | "hold-of-restriction")`, `Invalid("no-reason")`.
    """
    actor.require(Permission.RETENTION_HOLD)
    row = await session.get(LegalHold, hold_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("no-hold", "没有这项冻结。")
    if row.restriction_id:
        raise Conflict("hold-of-restriction", "这项冻结随个人信息限制处理产生，请在“个人信息申请”中解除限制。")
    if row.lifted_at:
        raise Conflict("hold-lifted", f"{row.lifted_name}已解除这项冻结。")
    if len(why.strip()) < 4:
        raise Invalid("no-reason", "请写明解除冻结的依据。", fields={"reason": "请写明依据，不少于4个字"})
    row.lifted_at, row.lifted_by, row.lifted_name, row.lifted_why = now(), actor.user_id, actor.name, why.strip()
    await record(session, actor, "retention.lift", "hold", row.id, reason=row.lifted_why)
    hint(session, TOPIC)
    return row


def covers(hold: LegalHold, kind: Objects) -> ColumnElement[bool]:
    """Whether an object of this kind is in the hold's scope."""
    parts: list[ColumnElement[bool]] = []
    if hold.ticket_id:
        parts.append(kind.of_orders(Ticket.id == hold.ticket_id))
    if hold.phone:
        parts.append(kind.of_phone(hold.phone))
    if hold.unit_id:
        part = select(Assignment.ticket_id).where(Assignment.unit_id == hold.unit_id)
        parts.append(kind.of_orders(or_(Ticket.lead_unit_id == hold.unit_id, Ticket.id.in_(part))))
    if hold.first and hold.last:
        parts.append(kind.at >= midnight(hold.first))
        parts.append(kind.at < midnight(hold.last + DAY))
    return and_(*parts)


async def covered(session: AsyncSession, hold: LegalHold) -> int:
    """How many objects it covers now."""
    counted = (
        select(func.count()).select_from(kind.table).where(covers(hold, kind), kind.living()) for kind in KINDS.values()
    )
    return sum([await session.scalar(one) or 0 for one in counted])


async def present(session: AsyncSession) -> Sequence[LegalHold]:
    """Those that hold now, the oldest first."""
    return (
        await session.scalars(select(LegalHold).where(LegalHold.lifted_at.is_(None)).order_by(LegalHold.placed_at))
    ).all()


async def held(session: AsyncSession, kind: Objects = RECORDINGS) -> ColumnElement[bool]:
    """Whether any present hold covers an object of this kind."""
    holds = await present(session)
    return or_(false(), *(covers(one, kind) for one in holds))


async def on(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[LegalHold]]:
    """The present holds of each of these objects, of whatever kind; of those that none covers nothing."""
    found: dict[UUID, list[LegalHold]] = {}
    for hold in await present(session) if ids else ():
        for kind in KINDS.values():
            id = kind.table.id
            wanted = select(id).where(among(id, list(ids)), covers(hold, kind), kind.living())
            for one in await session.scalars(wanted):
                found.setdefault(one, []).append(hold)
    return found


def said(hold: LegalHold) -> str:
    """Why an object stays, in a line: `冻结（诉讼、复议）：弋法传〔2029〕12号，负责人 县司法局 张某`."""
    return f"冻结（{Reason(hold.reason).label}）：{hold.document}，负责人 {hold.owner}"
