"""受理核对: every call that was taken has one ending, and those of a day add up (A12.1-2)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from callflow.models import Call
from callflow.rules import Direction
from callflow.rules import Outcome as CallOutcome
from core.actor import Actor
from core.clock import midnight, now
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket
from crm.tickets.states import State


class Ending(StrEnum):
    """What a taken call comes to: one of these, however many orders it was split into; the first that any of them came
    to, in this order."""

    ORDER = "order"
    ANSWERED = "answered"
    REFUSED = "refused"
    MERGED = "merged"
    TRANSFERRED = "transferred"
    WITHDRAWN = "withdrawn"
    VOID = "void"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _LABELS[self]


_LABELS = {
    Ending.ORDER: "工单",
    Ending.ANSWERED: "即时办结",
    Ending.REFUSED: "不予受理",
    Ending.MERGED: "并单",
    Ending.TRANSFERRED: "转接",
    Ending.WITHDRAWN: "撤回",
    Ending.VOID: "无效呼叫",
}
_EARLY = {
    State.REFUSED: Ending.REFUSED,
    State.MERGED: Ending.MERGED,
    State.TRANSFERRED: Ending.TRANSFERRED,
    State.VOID: Ending.VOID,
}
_PRECEDENCE = tuple(Ending)
ANSWERED_KIND, WITHDRAWN_KIND = "answered", "withdrawn"
RECENT = timedelta(days=1)
"""How long an agent is reminded of the own calls; the day's page lists them for good."""
MOST_REMINDED = 20


@dataclass(frozen=True)
class Made:
    """One order of a call, as far as its ending goes."""

    id: UUID
    number: str
    state: State
    dispatched: bool = False
    close_kind: str | None = None
    known: bool = True
    """Whether the reader may know of it."""

    @property
    def ending(self) -> Ending | None:
        """None while nobody has accepted, answered, refused or dropped it.

        What a unit has had stays an order, however it ends afterwards; what was answered at once stays so through its
        follow-up.
        """
        if self.state is State.DRAFT:
            return None
        if self.dispatched:
            return Ending.ORDER
        if self.state is State.ANSWERED or self.close_kind == ANSWERED_KIND:
            return Ending.ANSWERED
        if self.close_kind == WITHDRAWN_KIND:
            return Ending.WITHDRAWN
        return _EARLY.get(self.state, Ending.ORDER)


@dataclass(frozen=True)
class Taken:
    """One call that somebody took, or a message that was left. `orders`: its own first, then what was split off; a 举报
    that was split off is linked with nothing (第二十八条(八)) and not among them."""

    call_id: UUID
    at: datetime
    agent_id: UUID | None
    agent: str
    talking: bool
    message: bool = False
    orders: Sequence[Made] = ()

    @property
    def ending(self) -> Ending | None:
        """None while it is unfinished: it has no order, or one of them has no ending."""
        endings = [one.ending for one in self.orders]
        found = [one for one in endings if one is not None]
        return min(found, key=_PRECEDENCE.index) if found and len(found) == len(endings) else None

    @property
    def waits(self) -> Made | None:
        """The order that has no ending."""
        return next((one for one in self.orders if one.ending is None), None)


@dataclass
class Line:
    """One agent's day: how many were taken, and what they came to."""

    agent: str
    taken: int = 0
    endings: Counter[Ending] = field(default_factory=Counter)

    @property
    def difference(self) -> int:
        """Zero once every call has its ending."""
        return self.taken - self.endings.total()


@dataclass(frozen=True)
class Day:
    """A day's calls. `unfinished`: those without an ending, the oldest first."""

    lines: Sequence[Line]
    total: Line
    unfinished: Sequence[Taken]


def reconcile(taken: Iterable[Taken]) -> Day:
    """The day's table. Pure."""
    lines: dict[object, Line] = {}
    total, unfinished = Line("合计"), []
    for one in taken:
        key: object = "message" if one.message else one.agent_id or one.agent
        name = "留言" if one.message else one.agent or "未记录"
        for line in (lines.setdefault(key, Line(name)), total):
            line.taken += 1
            if one.ending:
                line.endings[one.ending] += 1
        if one.ending is None:
            unfinished.append(one)
    return Day(sorted(lines.values(), key=lambda line: (-line.taken, line.agent)), total, unfinished)


First = aliased(Ticket)
"""The order of the call itself; `Ticket` is it, or was split off it."""
_REACHED = (
    Call.direction == Direction.INBOUND,
    or_(Call.connected_at.is_not(None), Call.outcome == CallOutcome.MESSAGE),
)


async def calls_of(session: AsyncSession, actor: Actor, day: date) -> list[Taken]:
    """Calls of citizens that arrived on this day in Shanghai and reached somebody, or left a message."""
    begins = midnight(day)
    rows = await session.execute(
        select(
            Call.id,
            Call.arrived_at,
            Call.agent_id,
            Call.agent_name,
            Call.ended_at,
            Call.outcome,
            Ticket.id.label("ticket_id"),
            Ticket.number,
            Ticket.state,
            Ticket.first_dispatched_at,
            Ticket.close_kind,
            visible_to(actor).label("known"),
        )
        .outerjoin(First, First.call_id == Call.id)
        .outerjoin(Ticket, or_(Ticket.id == First.id, Ticket.split_from == First.id))
        .where(Call.arrived_at >= begins, Call.arrived_at < begins + timedelta(days=1), *_REACHED)
        .order_by(Call.arrived_at, Call.id, Ticket.split_from.is_not(None), Ticket.number)
    )
    found: dict[UUID, Taken] = {}
    for row in rows:
        one = found.get(row.id) or Taken(
            row.id,
            row.arrived_at,
            row.agent_id,
            row.agent_name or "",
            row.ended_at is None,
            row.outcome == CallOutcome.MESSAGE,
        )
        if row.ticket_id:
            dispatched = row.first_dispatched_at is not None
            made = Made(row.ticket_id, row.number, State(row.state), dispatched, row.close_kind, bool(row.known))
            one = replace(one, orders=(*one.orders, made))
        found[row.id] = one
    return list(found.values())


async def unfinished_of(session: AsyncSession, user_id: UUID) -> Sequence[UUID]:
    """The calls that this agent took lately and that are over but have no ending, the oldest first."""
    wanted = (
        select(Call.id)
        .outerjoin(First, First.call_id == Call.id)
        .where(
            Call.agent_id == user_id,
            Call.arrived_at >= now() - RECENT,
            Call.ended_at.is_not(None),
            *_REACHED,
            or_(First.id.is_(None), First.state == State.DRAFT, _part_waits()),
        )
        .order_by(Call.arrived_at, Call.id)
        .limit(MOST_REMINDED)
    )
    return (await session.scalars(wanted)).all()


def _part_waits() -> ColumnElement[bool]:
    return select(Ticket.id).where(Ticket.split_from == First.id, Ticket.state == State.DRAFT).exists()
