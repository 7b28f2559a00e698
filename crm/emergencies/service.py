"""What people decide: a sign is an emergency or none; an event is confirmed, its orders are linked, it is closed with
one answer to all callers (第十四条)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now
from core.edits import require_seen
from core.errors import Conflict, Denied, Invalid, NotFound
from core.events import publish
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission
from crm.county.categories import Category
from crm.county.emergencies import EmergencyKind
from crm.emergencies.events import EmergencyChanged
from crm.emergencies.models import EmergencyEvent, EmergencyOrder, EmergencySign
from crm.emergencies.proposals import begin, event_lock, going, place_of, tell
from crm.emergencies.rules import GOING, Spot, Standing, category_stays, other_category
from crm.emergencies_policy import EmergencyPolicy
from crm.installed import installed
from crm.sms.service import EXAMPLE, queue
from crm.tickets.access import get, several
from crm.tickets.history import append
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import correct
from crm.tickets.states import OPEN, Act, State

ARTICLE = "第十四条"


def kind_of(code: str) -> EmergencyKind:
    """The kind of the county's file. Raises NotFound where the county has dropped it."""
    found = installed().county.emergencies.of(code)
    if found is None:
        raise NotFound("no-emergency-kind", "本县的突发事件种类中没有这一种。")
    return found


async def confirm(
    session: AsyncSession, actor: Actor, sign_id: UUID, category: Category = Category.HELP
) -> EmergencyEvent:
    """确认为突发事件: the order stands in the event of its place. What was dismissed only a lead overrules.

    An order that is neither 求助 nor 举报 takes `category`, as long as the centre forms it (D30); it is never refused.
    """
    sign, ticket = await _sign(session, actor, sign_id)
    if sign.state == "confirmed":
        raise Conflict("sign-decided", f"{sign.decided_by_name}已确认为突发事件。")
    if sign.state == "dismissed":
        _lead(actor, "已被认定为不是突发事件，只有班长等负责人可以改判。")
    place, kind = place_of(ticket) or Spot("地点待查", ticket.area), kind_of(sign.kind)
    sign.place = place.name
    _decide(sign, actor, "confirmed", "")
    await lock(session, event_lock(sign.kind, place.name))
    event = await event_of(session, ticket.id) or await going(session, sign.kind, place.name)
    if event is None:
        event = await begin(session, sign.kind, place, Standing.OPEN, f"{ticket.number} 确认为{kind.name}", actor.name)
        event.confirmed_at, event.confirmed_by_name = now(), actor.name
    elif event.state == Standing.SUGGESTED:
        await _open(session, actor, event)
    await _link(session, actor, event, [ticket])
    stays = await _categorise(session, actor, ticket, category)
    told = "；".join(filter(None, (f"确认为突发事件：{kind.name}，{place.name}", stays)))
    await _mark(session, actor, ticket, told, emergency=True)
    await record(session, actor, "emergency.confirm", "order", ticket.id, kind=sign.kind, event=event.number)
    await publish(session, EmergencyChanged(event_id=event.id))
    return event


async def _categorise(session: AsyncSession, actor: Actor, ticket: Ticket, category: Category) -> str:
    """D30: the order becomes a 求助 or a 举报 by a correction of its own -> why it does not, where it cannot."""
    state = State(ticket.state)
    if other_category(ticket.category) and state in OPEN:
        await correct(session, actor, ticket.id, ticket.version, Correction(category=category))
    return category_stays(ticket.category, state)


async def dismiss(session: AsyncSession, actor: Actor, sign_id: UUID, reason: str) -> EmergencySign:
    """不是突发事件: said with its reason. What was confirmed only a lead overrules."""
    sign, ticket = await _sign(session, actor, sign_id)
    if sign.state == "dismissed":
        raise Conflict("sign-decided", f"{sign.decided_by_name}已认定为不是突发事件。")
    confirmed = sign.state == "confirmed"
    if confirmed:
        _lead(actor, "已确认为突发事件，只有班长等负责人可以改判。")
    _decide(sign, actor, "dismissed", reason)
    event = await event_of(session, ticket.id)
    if event is not None and event.kind == sign.kind:
        await _take_out(session, actor, event, ticket, reason)
        await publish(session, EmergencyChanged(event_id=event.id))
    if confirmed:
        await _mark(session, actor, ticket, f"改判为不是突发事件：{reason}", emergency=False)
    hint(session, "order", ticket.id)
    await record(session, actor, "emergency.dismiss", "order", ticket.id, kind=sign.kind, reason=reason)
    return sign


async def confirm_event(session: AsyncSession, actor: Actor, event_id: UUID) -> EmergencyEvent:
    """What was suggested is one event; the orders that were suggested with it are linked."""
    event = await _event(session, actor, event_id, Standing.SUGGESTED)
    await _open(session, actor, event)
    await record(session, actor, "emergency.event-confirm", "emergency", event.id, number=event.number)
    await publish(session, EmergencyChanged(event_id=event.id))
    return event


async def dismiss_event(session: AsyncSession, actor: Actor, event_id: UUID, reason: str) -> EmergencyEvent:
    """The orders do not belong together, or it is no emergency; an open one only a lead gives up."""
    event = await _event(session, actor, event_id, *GOING)
    if event.state == Standing.OPEN:
        _lead(actor, "事件已确认，只有班长等负责人可以撤销。")
    event.state, event.version = Standing.DISMISSED, event.version + 1
    for ticket in await _orders(session, actor, event, "suggested", "linked"):
        await _take_out(session, actor, event, ticket, reason)
    tell(session, event, f"认定为不是突发事件：{reason}", actor.name)
    await record(session, actor, "emergency.event-dismiss", "emergency", event.id, number=event.number, reason=reason)
    await publish(session, EmergencyChanged(event_id=event.id))
    return event


async def link(session: AsyncSession, actor: Actor, event_id: UUID, numbers: Sequence[str]) -> int:
    """Orders by number belong to the event -> how many were linked. Raises Invalid for one that nobody knows."""
    event = await _event(session, actor, event_id, Standing.OPEN)
    ids = {row[0]: row[1] for row in await session.execute(_by_number(numbers))}
    found = await several(session, actor, ids.values())
    unknown = [number for number in numbers if ids.get(number) not in found]
    if unknown:
        raise Invalid("no-such-order", "没有这张工单。", fields={"orders": f"没有工单：{'、'.join(unknown[:5])}"})
    held = {one: await event_of(session, one) for one in found}
    if elsewhere := [other for other in held.values() if other is not None and other.id != event.id]:
        sentence = f"工单已关联事件 {elsewhere[0].number}，请先从那里移出。"
        raise Conflict("order-of-another-event", sentence)
    await _link(session, actor, event, list(found.values()))
    await record(session, actor, "emergency.link", "emergency", event.id, orders=list(numbers))
    await publish(session, EmergencyChanged(event_id=event.id))
    return len(found)


async def take_out(session: AsyncSession, actor: Actor, event_id: UUID, ticket_id: UUID, reason: str) -> None:
    """移出: the order is not about this event."""
    event = await _event(session, actor, event_id, *GOING)
    ticket = await get(session, actor, ticket_id)
    await _take_out(session, actor, event, ticket, reason)
    await record(session, actor, "emergency.take-out", "emergency", event.id, order=ticket.number, reason=reason)
    await publish(session, EmergencyChanged(event_id=event.id))


async def note(session: AsyncSession, actor: Actor, event_id: UUID, text: str) -> None:
    """处置进展: what was done or learnt, at its time."""
    event = await _event(session, actor, event_id, *GOING)
    tell(session, event, text, actor.name)
    await record(session, actor, "emergency.note", "emergency", event.id, number=event.number)


async def close(session: AsyncSession, actor: Actor, event_id: UUID, version: int, answer: str) -> int:
    """办结: one answer to every caller, by SMS and on the record of each order -> how many orders.

    The orders themselves go on to their own end: an answer to the event is no 办结 of an order (第十二条).
    """
    _lead(actor, "只有班长等负责人可以办结突发事件。")
    event = await _event(session, actor, event_id, Standing.OPEN)
    require_seen(event, version)
    linked = select(EmergencyOrder.ticket_id).where(
        EmergencyOrder.event_id == event.id, EmergencyOrder.state == "linked"
    )
    wanted = select(Ticket).where(Ticket.id.in_(linked)).order_by(Ticket.id)
    locked = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
    orders = (await session.scalars(locked)).all()
    policy = installed().policy[EmergencyPolicy]
    event.state, event.closed_at, event.closed_by_name = Standing.CLOSED, now(), actor.name
    event.answer, event.version = answer, event.version + 1
    for ticket in orders:
        said = f"突发事件 {event.number} 已办结，答复：{answer}"
        await _mark(session, actor, ticket, said, emergency=ticket.emergency)
        key = f"emergency:{event.id}:{ticket.id}"
        text = policy.answered.format(number=ticket.number, answer=answer)
        why_not = EXAMPLE if ticket.example else ""
        to = None if ticket.anonymous else ticket.caller_phone
        await queue(session, key=key, ticket_id=ticket.id, to=to, text=text, why="突发事件办结答复", why_not=why_not)
    tell(session, event, f"已办结，答复 {len(orders)} 件诉求：{answer}", actor.name)
    await record(session, actor, "emergency.close", "emergency", event.id, number=event.number, orders=len(orders))
    await publish(session, EmergencyChanged(event_id=event.id))
    return len(orders)


async def _sign(session: AsyncSession, actor: Actor, sign_id: UUID) -> tuple[EmergencySign, Ticket]:
    actor.require(Permission.ORDER_EDIT)
    sign = await session.get(EmergencySign, sign_id)
    if sign is None:
        raise NotFound("no-emergency-sign", "没有这条突发事件提示。")
    found = await several(session, actor, {sign.ticket_id}, lock=True)
    if sign.ticket_id not in found:
        raise NotFound("no-emergency-sign", "没有这条突发事件提示。")
    await session.refresh(sign, with_for_update=True)
    return sign, found[sign.ticket_id]


def _decide(sign: EmergencySign, actor: Actor, state: str, reason: str) -> None:
    sign.state, sign.reason, sign.decided_at = state, reason, now()
    sign.decided_by, sign.decided_by_name = actor.user_id, actor.name


def _lead(actor: Actor, sentence: str) -> None:
    if not actor.may(Permission.EMERGENCY_LEAD):
        raise Denied("emergency-lead-only", sentence)


async def _event(session: AsyncSession, actor: Actor, event_id: UUID, *states: Standing) -> EmergencyEvent:
    actor.require(Permission.ORDER_EDIT)
    event = await session.get(EmergencyEvent, event_id, with_for_update=True, populate_existing=True)
    if event is None:
        raise NotFound("no-emergency", "没有这个突发事件。")
    if event.state not in states:
        raise Conflict("emergency-wrong-state", f"事件{Standing(event.state).label}，不能这样办理。")
    return event


async def _open(session: AsyncSession, actor: Actor, event: EmergencyEvent) -> None:
    event.state, event.version = Standing.OPEN, event.version + 1
    event.confirmed_at, event.confirmed_by_name = now(), actor.name
    tell(session, event, "确认为一个突发事件", actor.name)
    await _link(session, actor, event, await _orders(session, actor, event, "suggested"))


async def _orders(session: AsyncSession, actor: Actor, event: EmergencyEvent, *states: str) -> list[Ticket]:
    held = select(EmergencyOrder.ticket_id).where(EmergencyOrder.event_id == event.id, EmergencyOrder.state.in_(states))
    return list(await session.scalars(select(Ticket).where(Ticket.id.in_(held)).order_by(Ticket.id)))


async def _link(session: AsyncSession, actor: Actor, event: EmergencyEvent, tickets: Sequence[Ticket]) -> None:
    """Without an event in each order's history: its agent may be typing in it (docs/decisions/0035)."""
    for ticket in tickets:
        row = await session.get(EmergencyOrder, (event.id, ticket.id))
        if row is None:
            row = EmergencyOrder(event_id=event.id, ticket_id=ticket.id)
            session.add(row)
        elif row.state == "linked":
            continue
        row.state, row.since, row.by_name = "linked", now(), actor.name
        ticket.emergency = True
        hint(session, "order", ticket.id)
        tell(session, event, f"关联工单 {ticket.number}", actor.name)
    await session.flush()


async def _take_out(session: AsyncSession, actor: Actor, event: EmergencyEvent, ticket: Ticket, reason: str) -> None:
    row = await session.get(EmergencyOrder, (event.id, ticket.id))
    if row is None or row.state == "removed":
        return
    row.state, row.since, row.by_name = "removed", now(), actor.name
    ticket.emergency = False
    hint(session, "order", ticket.id)
    tell(session, event, f"移出工单 {ticket.number}：{reason}", actor.name)


async def _mark(session: AsyncSession, actor: Actor, ticket: Ticket, reason: str, *, emergency: bool) -> None:
    """On the order's own record."""
    before: dict[str, Any] = {"emergency": ticket.emergency} if ticket.emergency != emergency else {}
    ticket.emergency, ticket.version = emergency, ticket.version + 1
    after = {"emergency": emergency} if before else {}
    await append(
        session, ticket, actor, Act.EMERGENCY, origin="desk", article=ARTICLE, reason=reason, before=before, after=after
    )


async def event_of(session: AsyncSession, ticket_id: UUID) -> EmergencyEvent | None:
    """The event to which the order belongs, or may belong."""
    wanted = select(EmergencyEvent).join(EmergencyOrder, EmergencyOrder.event_id == EmergencyEvent.id)
    held = wanted.where(EmergencyOrder.ticket_id == ticket_id, EmergencyOrder.state != "removed")
    found: EmergencyEvent | None = await session.scalar(held.where(EmergencyEvent.state.in_(GOING)))
    return found


def _by_number(numbers: Sequence[str]) -> Any:
    return select(Ticket.number, Ticket.id).where(func.upper(Ticket.number).in_([one.upper() for one in numbers]))
