"""Reading emergencies: the board, one event with its orders and time line, the signs of an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import midnight
from core.db import among, paged
from core.errors import NotFound
from crm.emergencies.models import EmergencyEntry, EmergencyEvent, EmergencyOrder, EmergencySign
from crm.emergencies.rules import Standing, Targets, targets
from crm.emergencies.service import kind_of
from crm.emergencies_policy import EmergencyPolicy
from crm.installed import installed
from crm.tickets.access import visible_to
from crm.tickets.models import Assignment, Ticket

MOST_ORDERS = 500
MOST_ENTRIES = 500


@dataclass(frozen=True)
class Wanted:
    """Which events; each of `words` stands in number or place, or is the number of one of its orders."""

    words: Sequence[str] = ()
    kind: str = ""
    state: Standing | None = None
    first: date | None = None
    last: date | None = None
    oldest_first: bool = False


@dataclass(frozen=True)
class Row:
    """An event and how many orders belong to it, and may belong to it."""

    event: EmergencyEvent
    linked: int
    suggested: int


@dataclass(frozen=True)
class Member:
    """An order of an event: when it was dispatched and signed for, against D30."""

    row: EmergencyOrder
    ticket: Ticket
    targets: Targets
    signed_at: datetime | None

    @property
    def dispatch_late(self) -> bool:
        """Whether its dispatch came after the target."""
        at = self.ticket.first_dispatched_at
        return at is not None and at > self.targets.dispatch_by

    @property
    def sign_by(self) -> datetime | None:
        """None until it was dispatched."""
        at = self.ticket.first_dispatched_at
        return self.targets.sign_by(at) if at else None

    @property
    def sign_late(self) -> bool:
        """Whether it was signed for after the target."""
        return self.signed_at is not None and self.sign_by is not None and self.signed_at > self.sign_by


async def events(
    session: AsyncSession, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row]:
    """A page of the board, from behind `after` on."""
    of = EmergencyEvent
    query = _narrowed(select(of), wanted).limit(limit)
    rows = (await session.scalars(paged(query, of.began_at, of.id, after, oldest_first=wanted.oldest_first))).all()
    counts = await _counts(session, [one.id for one in rows])
    return [Row(one, counts.get((one.id, "linked"), 0), counts.get((one.id, "suggested"), 0)) for one in rows]


def _narrowed(query: Select[EmergencyEvent], wanted: Wanted) -> Select[EmergencyEvent]:
    of = EmergencyEvent
    for word in wanted.words:
        by_order = select(EmergencyOrder.event_id).join(Ticket, Ticket.id == EmergencyOrder.ticket_id)
        told = (one.contains(word, autoescape=True) for one in (of.number, of.place, of.answer))
        query = query.where(or_(*told, of.id.in_(by_order.where(Ticket.number == word))))
    if wanted.kind:
        query = query.where(of.kind == wanted.kind)
    if wanted.state:
        query = query.where(of.state == wanted.state)
    if wanted.first:
        query = query.where(of.began_at >= midnight(wanted.first))
    if wanted.last:
        query = query.where(of.began_at < midnight(wanted.last + timedelta(days=1)))
    return query


async def _counts(session: AsyncSession, ids: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    of = EmergencyOrder
    counted = select(of.event_id, of.state, func.count()).where(among(of.event_id, set(ids)))
    rows = await session.execute(counted.group_by(of.event_id, of.state))
    return {(event, state): count for event, state, count in rows}


async def event(session: AsyncSession, event_id: UUID) -> EmergencyEvent:
    """One event. Raises NotFound."""
    found = await session.get(EmergencyEvent, event_id)
    if found is None:
        raise NotFound("no-emergency", "没有这个突发事件。")
    return found


async def members(session: AsyncSession, actor: Actor, of: EmergencyEvent) -> Sequence[Member]:
    """Its orders that the actor may know of, in the order in which they came; one more than are shown."""
    held = select(EmergencyOrder, Ticket).join(Ticket, Ticket.id == EmergencyOrder.ticket_id)
    mine = held.where(EmergencyOrder.event_id == of.id, EmergencyOrder.state != "removed", visible_to(actor))
    rows = (await session.execute(mine.order_by(Ticket.opened_at, Ticket.id).limit(MOST_ORDERS + 1))).all()
    first = select(Assignment.ticket_id, func.min(Assignment.signed_at))
    within = first.where(among(Assignment.ticket_id, {ticket.id for _, ticket in rows}))
    signed = {row[0]: row[1] for row in await session.execute(within.group_by(Assignment.ticket_id))}
    policy, level = installed().policy[EmergencyPolicy], kind_of(of.kind).level
    return [
        Member(row, ticket, targets(policy, level, ticket.opened_at), signed.get(ticket.id)) for row, ticket in rows
    ]


async def entries(session: AsyncSession, event_id: UUID) -> Sequence[EmergencyEntry]:
    """Its time line, the newest first; one more than is shown."""
    of = EmergencyEntry
    wanted = select(of).where(of.event_id == event_id).order_by(of.at.desc(), of.id.desc())
    return (await session.scalars(wanted.limit(MOST_ENTRIES + 1))).all()


@dataclass(frozen=True)
class Noticed:
    """A sign of an order with the event to which the order belongs or may belong."""

    sign: EmergencySign
    event: EmergencyEvent | None


async def of_order(session: AsyncSession, ticket_id: UUID) -> Sequence[Noticed]:
    """What was noticed in one order, the undecided first."""
    wanted = select(EmergencySign).where(EmergencySign.ticket_id == ticket_id)
    signs = (await session.scalars(wanted.order_by(EmergencySign.state == "dismissed", EmergencySign.found_at))).all()
    of = select(EmergencyEvent).join(EmergencyOrder, EmergencyOrder.event_id == EmergencyEvent.id)
    held = of.where(EmergencyOrder.ticket_id == ticket_id, EmergencyOrder.state != "removed")
    by_kind = {one.kind: one for one in await session.scalars(held)}
    known = installed().county.emergencies
    return [Noticed(sign, by_kind.get(sign.kind)) for sign in signs if known.of(sign.kind)]
