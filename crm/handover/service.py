"""The handover log 交接班日志 (F07-1): matters stay open until closed; one hands a shift over, another receives it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.board.models import HelpRequest
from callflow.callbacks.models import CallbackTask
from callflow.incidents.models import Incident
from callflow.models import Call
from callflow.rules import Direction, Outcome
from core.actor import Actor
from core.clock import now
from core.db import paged
from core.errors import Conflict, Invalid, NotFound
from core.identity.models import User
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission, Role
from crm.handover.models import Handover, Matter
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket
from crm.tickets.states import OPEN

TOPIC = "handovers"
S = TypeVar("S")
FIRST_SPAN = timedelta(hours=12)
"""The first handover counts this long back."""
FIGURES = {
    "calls": "来电",
    "connected": "接通",
    "abandoned": "未接通",
    "messages": "留言",
    "callbacks": "待回拨",
    "incidents": "值守事件",
    "emergencies": "未派突发工单",
    "help": "未处理求助",
}


async def open_matters(session: AsyncSession) -> Sequence[Matter]:
    """What is not closed, the oldest first."""
    return (await session.scalars(select(Matter).where(Matter.closed_at.is_(None)).order_by(Matter.opened_at))).all()


@dataclass(frozen=True)
class Wanted:
    """Which handovers or closed matters; each of `words` stands in what was told, or is a name or a shift's."""

    words: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    oldest_first: bool = False

    def narrow(self, query: Select[S], told: Sequence[Any], at: Any) -> Select[S]:
        """`query` with these words in one of `told`, in this span of `at`."""
        for word in self.words:
            query = query.where(or_(*(one.contains(word, autoescape=True) for one in told)))
        if self.since:
            query = query.where(at >= self.since)
        if self.until:
            query = query.where(at < self.until)
        return query


async def closed_matters(
    session: AsyncSession, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Matter]:
    """A page of what was settled, by the instant at which it was, from behind `after` on."""
    told = (Matter.text, Matter.result, Matter.opened_by_name, Matter.owner_name, Matter.closed_by_name)
    query = wanted.narrow(select(Matter).where(Matter.closed_at.is_not(None)).limit(limit), told, Matter.closed_at)
    ordered = paged(query, Matter.closed_at, Matter.id, after, oldest_first=wanted.oldest_first)
    return (await session.scalars(ordered)).all()


async def handovers(
    session: AsyncSession, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Handover]:
    """A page of the log, from behind `after` on."""
    told = (Handover.summary, Handover.remark, Handover.shift, Handover.handed_by_name, Handover.received_by_name)
    query = wanted.narrow(select(Handover).limit(limit), told, Handover.handed_at)
    ordered = paged(query, Handover.handed_at, Handover.id, after, oldest_first=wanted.oldest_first)
    return (await session.scalars(ordered)).all()


async def carried(session: AsyncSession, matters: Sequence[Matter]) -> dict[UUID, int]:
    """Over how many handovers each of these has been carried."""
    found = {}
    for one in matters:
        wanted = select(func.count()).select_from(Handover).where(Handover.handed_at > one.opened_at)
        found[one.id] = await session.scalar(wanted) or 0
    return found


async def unassigned(session: AsyncSession) -> Sequence[Ticket]:
    """A07-1: 突发 orders that no unit has and nobody of this log sees to."""
    seen_to = select(Matter.ticket_id).where(Matter.closed_at.is_(None), Matter.ticket_id.is_not(None))
    wanted = select(Ticket).where(Ticket.emergency, Ticket.state.in_(OPEN), Ticket.id.not_in(seen_to))
    return (await session.scalars(wanted.order_by(Ticket.number))).all()


async def owners(session: AsyncSession) -> list[tuple[UUID, str]]:
    """Who may see to a matter: leads, dispatchers and the director."""
    roles = [Role.SHIFT_LEAD, Role.DISPATCHER, Role.DIRECTOR]
    wanted = select(User.id, User.name).where(User.active, User.roles.overlap(roles)).order_by(User.name)
    return [(row[0], row[1]) for row in await session.execute(wanted)]


async def figures(session: AsyncSession, since: datetime) -> dict[str, int]:
    """What the line did since then, and what waits now."""
    inbound = select(
        func.count(),
        func.count(Call.connected_at),
        func.count().filter(Call.outcome.in_((Outcome.ABANDONED, Outcome.KEPT))),
        func.count().filter(Call.outcome == Outcome.MESSAGE),
    ).where(Call.direction == Direction.INBOUND, Call.arrived_at >= since)
    calls, connected, abandoned, messages = (await session.execute(inbound)).one()
    waiting = {
        "callbacks": select(func.count()).select_from(CallbackTask).where(CallbackTask.done_at.is_(None)),
        "incidents": select(func.count()).select_from(Incident).where(Incident.last_minute_at >= since),
        "emergencies": select(func.count()).select_from(Ticket).where(Ticket.emergency, Ticket.state.in_(OPEN)),
        "help": select(func.count()).select_from(HelpRequest).where(HelpRequest.closed_at.is_(None)),
    }
    counted = {name: await session.scalar(statement) or 0 for name, statement in waiting.items()}
    return {"calls": calls, "connected": connected, "abandoned": abandoned, "messages": messages} | counted


async def since_last(session: AsyncSession) -> datetime:
    """When the last shift was handed over."""
    last = await session.scalar(select(func.max(Handover.handed_at)))
    return last or now() - FIRST_SPAN


async def add_matter(session: AsyncSession, actor: Actor, text: str, owner_id: UUID, order: str = "") -> Matter:
    """A matter that the next shift must know of; `order`: the number of the order that it is about."""
    actor.require(Permission.LINE_LEAD)
    owner = next((name for user_id, name in await owners(session) if user_id == owner_id), None)
    if owner is None:
        raise Invalid("no-owner", "请选择负责人。", fields={"owner_id": "请选择负责人"})
    ticket_id = None
    if order:
        wanted = select(Ticket.id).where(Ticket.number == order.strip().upper(), visible_to(actor))
        ticket_id = await session.scalar(wanted)
        if ticket_id is None:
            raise Invalid("no-such-order", "没有这张工单。", fields={"order": "没有这张工单"})
    row = Matter(
        text=text,
        ticket_id=ticket_id,
        opened_at=now(),
        opened_by=actor.user_id,
        opened_by_name=actor.name,
        owner_id=owner_id,
        owner_name=owner,
    )
    session.add(row)
    await session.flush()
    await record(session, actor, "handover.matter.open", "handover", row.id, text=text, owner_id=str(owner_id))
    hint(session, TOPIC)
    return row


async def close_matter(session: AsyncSession, actor: Actor, matter_id: UUID, result: str) -> Matter:
    """It is settled; how, is said."""
    actor.require(Permission.LINE_LEAD)
    row = await session.get(Matter, matter_id, with_for_update=True)
    if row is None:
        raise NotFound("no-matter", "没有这件事项。")
    if row.closed_at:
        raise Conflict("matter-closed", f"{row.closed_by_name}已办结这件事项。")
    row.closed_at, row.closed_by, row.closed_by_name, row.result = now(), actor.user_id, actor.name, result
    await record(session, actor, "handover.matter.close", "handover", matter_id, result=result)
    hint(session, TOPIC)
    return row


async def hand_over(session: AsyncSession, actor: Actor, shift: str, summary: str) -> Handover:
    """交班. A07-1: refused while a 突发 order has neither a unit nor somebody who sees to it."""
    actor.require(Permission.LINE_LEAD)
    await lock(session, "handover")
    if left := await unassigned(session):
        numbers = "、".join(one.number for one in left[:10])
        sentence = f"有 {len(left)} 张突发工单尚未派发，也没有列为未了事项落实负责人，不能交班：{numbers}。"
        raise Invalid("emergencies-unassigned", sentence, fields={"summary": "请先落实突发工单"})
    since = await since_last(session)
    matters = [str(one.id) for one in await open_matters(session)]
    row = Handover(
        shift=shift,
        since=since,
        handed_at=now(),
        handed_by=actor.user_id,
        handed_by_name=actor.name,
        summary=summary,
        figures=await figures(session, since),
        matters=matters,
    )
    session.add(row)
    await session.flush()
    await record(session, actor, "handover.hand", "handover", row.id, shift=shift, matters=len(matters))
    hint(session, TOPIC)
    return row


async def receive(session: AsyncSession, actor: Actor, handover_id: UUID, remark: str = "") -> Handover:
    """接班, by another person than who handed over."""
    actor.require(Permission.LINE_LEAD)
    row = await session.get(Handover, handover_id, with_for_update=True)
    if row is None:
        raise NotFound("no-handover", "没有这次交班。")
    if row.received_at:
        raise Conflict("handover-received", f"{row.received_by_name}已接班。")
    if row.handed_by == actor.user_id:
        raise Conflict("own-handover", "交班人不能自己接班，请由接班的班长确认。")
    row.received_at, row.received_by, row.received_by_name, row.remark = now(), actor.user_id, actor.name, remark
    await record(session, actor, "handover.receive", "handover", handover_id, remark=remark)
    hint(session, TOPIC)
    return row
