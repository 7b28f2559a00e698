"""Reading the linkage register: the list, what an order or an event has of it, what an agent still owes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from callflow.models import Call
from callflow.phones.models import CallLeg
from callflow.phones.passing import answered_at
from callflow.phones.rules import Became
from core.actor import Actor
from core.clock import midnight
from core.db import paged
from crm.emergencies.models import EmergencyOrder
from crm.linkages.models import Linkage
from crm.linkages.rules import IN, OUT, Reach, Result, Way, reach
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket

OPEN = "open"
"""As a result to look for: those that have none."""
MOST = 200
Found = Select[Linkage, Ticket, CallLeg, Call, Call]
ASKED = aliased(Call)
"""The call in which the other line was asked."""


@dataclass(frozen=True)
class Wanted:
    """Which records; each of `words` stands in line, number, receiver, reference or note, or is an order's number."""

    words: Sequence[str] = ()
    line: str = ""
    direction: str = ""
    result: str = ""
    first: date | None = None
    last: date | None = None
    oldest_first: bool = False


@dataclass(frozen=True)
class Row:
    """A record with its order, and what the telephone knows of it."""

    linkage: Linkage
    ticket: Ticket
    reach: Reach | None
    """None where no telephone of ours called."""
    answered_at: datetime | None
    asked: UUID | None
    """The call with the other line alone."""
    talk: UUID | None = None
    """The call that will say whether the line answered; None while nothing is known of it."""

    @property
    def way(self) -> Way:
        """方式."""
        return Way(self.linkage.way)

    @property
    def result(self) -> Result | None:
        """结果."""
        return Result(self.linkage.result) if self.linkage.result else None

    @property
    def open(self) -> bool:
        """待登记联动结果: nobody has said what came of it."""
        return self.linkage.done_at is None


def _all(actor: Actor) -> Found:
    return (
        select(Linkage, Ticket, CallLeg, Call, ASKED)
        .join(Ticket, Ticket.id == Linkage.ticket_id)
        .outerjoin(CallLeg, CallLeg.id == Linkage.leg_id)
        .outerjoin(Call, (Call.node == CallLeg.node) & (Call.linkedid == CallLeg.linkedid))
        .outerjoin(ASKED, (ASKED.node == CallLeg.node) & (ASKED.linkedid == CallLeg.leg))
        .where(visible_to(actor))
    )


async def _rows(session: AsyncSession, query: Found) -> Sequence[Row]:
    return [_row(*found) for found in await session.execute(query)]


def _row(linkage: Linkage, ticket: Ticket, leg: CallLeg | None, call: Call | None, asked: Call | None) -> Row:
    if leg is None:
        return Row(linkage, ticket, None, None, None)
    at, talk = answered_at(leg, call, asked), asked or call
    over = leg.result in (Became.BACK, Became.DROPPED) or (talk is not None and talk.ended_at is not None)
    waits = asked if leg.leg else call
    return Row(linkage, ticket, reach(at, over=over), at, asked.id if asked else None, waits.id if waits else None)


async def linkages(
    session: AsyncSession, actor: Actor, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row]:
    """A page of the register, from behind `after` on."""
    query = _narrowed(_all(actor), wanted).limit(limit)
    of = Linkage
    return await _rows(session, paged(query, of.started_at, of.id, after, oldest_first=wanted.oldest_first))


def _narrowed(query: Found, wanted: Wanted) -> Found:
    of = Linkage
    for word in wanted.words:
        written = (of.line, of.number, of.receiver, of.reference, of.note, of.agent_name)
        told = (one.icontains(word, autoescape=True) for one in written)
        query = query.where(or_(*told, func.upper(Ticket.number) == word.upper()))
    if wanted.line:
        query = query.where(of.line == wanted.line)
    if wanted.direction in (IN, OUT):
        query = query.where((of.way == Way.RECEIVED) == (wanted.direction == IN))
    if wanted.result == OPEN:
        query = query.where(of.done_at.is_(None))
    elif wanted.result:
        query = query.where(of.result == wanted.result)
    if wanted.first:
        query = query.where(of.started_at >= midnight(wanted.first))
    if wanted.last:
        query = query.where(of.started_at < midnight(wanted.last + timedelta(days=1)))
    return query


async def names(session: AsyncSession) -> Sequence[str]:
    """The lines that stand in the register."""
    return (await session.scalars(select(Linkage.line).distinct().order_by(Linkage.line))).all()


async def of_order(session: AsyncSession, actor: Actor, ticket_id: UUID) -> Sequence[Row]:
    """Of one order: what still lacks its result first, then the newest."""
    of = Linkage
    mine = _all(actor).where(of.ticket_id == ticket_id)
    return await _rows(session, mine.order_by(of.done_at.is_not(None), of.started_at.desc(), of.id.desc()).limit(MOST))


async def of_event(session: AsyncSession, actor: Actor, event_id: UUID) -> Sequence[Row]:
    """Of all orders of an emergency, the newest first; one more than are shown."""
    of = Linkage
    held = select(EmergencyOrder.ticket_id).where(
        EmergencyOrder.event_id == event_id, EmergencyOrder.state != "removed"
    )
    mine = _all(actor).where(of.ticket_id.in_(held)).order_by(of.started_at.desc(), of.id.desc())
    return await _rows(session, mine.limit(MOST + 1))


async def owed_by(session: AsyncSession, user_id: UUID) -> int:
    """How many records of this person have no result yet."""
    counted = select(func.count()).select_from(Linkage).where(Linkage.agent_id == user_id, Linkage.done_at.is_(None))
    return (await session.execute(counted)).scalar_one()
