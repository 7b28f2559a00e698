"""What the machine proposes: a sign in an order's words, and an event where many orders speak of one place (F14-1).

Nothing here changes an order: a person confirms (docs/decisions/0035).
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import local, now
from core.db import new_id
from core.live import hint
from core.locks import lock
from crm.emergencies.detect import Finding, recogniser_of
from crm.emergencies.models import EmergencyEntry, EmergencyEvent, EmergencyOrder, EmergencySign
from crm.emergencies.rules import GOING, Spot, Standing, spot
from crm.emergencies_policy import EmergencyPolicy
from crm.installed import installed
from crm.tickets.models import Ticket
from crm.tickets.states import State

TOPIC = "emergencies"
LONGEST = 200
IGNORED = frozenset({State.VOID})


async def look(session: AsyncSession, ticket: Ticket, words: str) -> None:
    """Read what the order says: new kinds become signs, and signs of one place an event."""
    if ticket.state in IGNORED or not words.strip():
        return
    for found in await asyncio.to_thread(_read, words):
        await _note(session, ticket, found)
    await _place(session, ticket, words)


def _read(words: str) -> list[Finding]:
    return recogniser_of(installed()).read(words)


async def _note(session: AsyncSession, ticket: Ticket, found: Finding) -> None:
    said = "、".join(dict.fromkeys(found.words))[:LONGEST]
    row = {"id": new_id(), "ticket_id": ticket.id, "kind": found.kind.code, "words": said, "place": ""}
    values = row | {"found_at": now(), "state": "open", "decided_by_name": "", "reason": ""}
    made = insert(EmergencySign).values(values).on_conflict_do_nothing(index_elements=["ticket_id", "kind"])
    if (await session.execute(made.returning(EmergencySign.id))).first():
        hint(session, "order", ticket.id)


async def _place(session: AsyncSession, ticket: Ticket, words: str) -> None:
    """Where the signs of this order belong, once that is known, and who else speaks of it there."""
    wanted = select(EmergencySign).where(EmergencySign.ticket_id == ticket.id, EmergencySign.state != "dismissed")
    signs = (await session.scalars(wanted.order_by(EmergencySign.kind).execution_options(populate_existing=True))).all()
    here = place_of(ticket, words) if signs else None
    if here is None:
        return
    await lock(session, *(event_lock(sign.kind, here.name) for sign in signs))
    for sign in signs:
        sign.place = here.name
        await session.flush()
        await gather(session, sign, here)


def place_of(ticket: Ticket, words: str = "") -> Spot | None:
    """The place that calls are counted by."""
    given, county = installed(), installed().county
    return spot(ticket.address, words or ticket.content, ticket.area, given.gazetteer, county)


def event_lock(kind: str, place: str) -> str:
    """One event of a kind at a place: whoever makes or joins it holds this."""
    return f"emergency:{kind}:{place}"


async def gather(session: AsyncSession, sign: EmergencySign, here: Spot) -> None:
    """Join the event that goes on there, or suggest one where enough orders came within the window."""
    if await _has_event(session, sign.ticket_id):
        return
    event = await going(session, sign.kind, here.name)
    if event is not None:
        await suggest(session, event, [sign.ticket_id])
        return
    policy = installed().policy[EmergencyPolicy]
    since = now() - timedelta(minutes=policy.cluster_minutes)
    taken = select(EmergencyOrder.ticket_id).where(EmergencyOrder.state != "removed")
    same = select(EmergencySign.ticket_id).where(
        EmergencySign.kind == sign.kind,
        EmergencySign.place == here.name,
        EmergencySign.state != "dismissed",
        EmergencySign.found_at >= since,
        EmergencySign.ticket_id.not_in(taken),
    )
    orders = (await session.scalars(same.order_by(EmergencySign.found_at))).all()
    if len(orders) >= policy.cluster_orders:
        why = f"{policy.cluster_minutes}分钟内{len(orders)}件诉求说到同一地点，提示为一个事件"
        event = await begin(session, sign.kind, here, Standing.SUGGESTED, why)
        await suggest(session, event, orders)


async def going(session: AsyncSession, kind: str, place: str) -> EmergencyEvent | None:
    """The event of this kind that is suggested or goes on at this place."""
    wanted = select(EmergencyEvent).where(EmergencyEvent.kind == kind, EmergencyEvent.place == place)
    found: EmergencyEvent | None = await session.scalar(wanted.where(EmergencyEvent.state.in_(GOING)))
    return found


async def begin(
    session: AsyncSession, kind: str, here: Spot, state: Standing, why: str, by_name: str = ""
) -> EmergencyEvent:
    """A further event; its number is the day's next."""
    at = now()
    day = f"TF{local(at):%Y%m%d}"
    await lock(session, f"emergency-number:{day}")
    wanted = select(func.count()).select_from(EmergencyEvent).where(EmergencyEvent.number.startswith(day))
    number = f"{day}-{(await session.execute(wanted)).scalar_one() + 1:03d}"
    event = EmergencyEvent(id=new_id(), number=number, kind=kind, place=here.name, area=here.area, state=state)
    event.began_at = at
    session.add(event)
    await session.flush()
    tell(session, event, why, by_name)
    return event


def tell(session: AsyncSession, event: EmergencyEvent, text: str, by_name: str = "") -> None:
    """A line of its time line."""
    session.add(EmergencyEntry(id=new_id(), event_id=event.id, at=now(), by_name=by_name, text=text))
    hint(session, TOPIC, event.id)


async def suggest(session: AsyncSession, event: EmergencyEvent, orders: Sequence[UUID]) -> None:
    """Orders that may belong to it; one that a person took out stays out."""
    rows = [
        {"event_id": event.id, "ticket_id": one, "state": "suggested", "since": now(), "by_name": ""} for one in orders
    ]
    made = insert(EmergencyOrder).values(rows).on_conflict_do_nothing().returning(EmergencyOrder.ticket_id)
    for ticket_id in (await session.scalars(made)).all():
        hint(session, "order", ticket_id)
    hint(session, TOPIC, event.id)


async def _has_event(session: AsyncSession, ticket_id: UUID) -> bool:
    held = select(EmergencyOrder.event_id).where(EmergencyOrder.ticket_id == ticket_id)
    return await session.scalar(held.where(EmergencyOrder.state != "removed")) is not None
