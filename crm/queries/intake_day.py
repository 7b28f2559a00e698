"""受理核对: every call that was taken has one ending, and those of a day add up (A12.1-2)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.rules import Direction
from callflow.rules import Outcome as CallOutcome
from core.actor import Actor
from core.clock import SHANGHAI
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket
from crm.tickets.states import State


class Ending(StrEnum):
    """What a taken call comes to. A call has one order at most, and an order is in one state: so it has one ending."""

    ORDER = "order"
    ANSWERED = "answered"
    REFUSED = "refused"
    MERGED = "merged"
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
    Ending.VOID: "无效呼叫",
}
_EARLY = {State.REFUSED: Ending.REFUSED, State.MERGED: Ending.MERGED, State.VOID: Ending.VOID}
ANSWERED_KIND = "answered"


@dataclass(frozen=True)
class Taken:
    """One call that somebody took, or a message that was left; `state` is None while it has no order."""

    call_id: UUID
    at: datetime
    agent_id: UUID | None
    agent: str
    talking: bool
    message: bool = False
    ticket_id: UUID | None = None
    number: str = ""
    state: State | None = None
    dispatched: bool = False
    close_kind: str | None = None
    known: bool = True
    """Whether the reader may know of the order."""

    @property
    def ending(self) -> Ending | None:
        """None while it is unfinished: no order yet, or one that nobody has accepted, answered, refused or dropped.

        What a unit has had stays an order, however it ends afterwards; what was answered at once stays so through its
        follow-up.
        """
        if self.state is None or self.state is State.DRAFT:
            return None
        if self.dispatched:
            return Ending.ORDER
        if self.state is State.ANSWERED or self.close_kind == ANSWERED_KIND:
            return Ending.ANSWERED
        return _EARLY.get(self.state, Ending.ORDER)


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


async def calls_of(session: AsyncSession, actor: Actor, day: date) -> list[Taken]:
    """Calls of citizens that arrived on this day in Shanghai and reached somebody, or left a message."""
    begins = datetime.combine(day, time(), SHANGHAI)
    reached = or_(Call.connected_at.is_not(None), Call.outcome == CallOutcome.MESSAGE)
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
        .outerjoin(Ticket, Ticket.call_id == Call.id)
        .where(
            Call.arrived_at >= begins,
            Call.arrived_at < begins + timedelta(days=1),
            Call.direction == Direction.INBOUND,
            reached,
        )
        .order_by(Call.arrived_at, Call.id)
    )
    return [
        Taken(
            row.id,
            row.arrived_at,
            row.agent_id,
            row.agent_name or "",
            row.ended_at is None,
            row.outcome == CallOutcome.MESSAGE,
            row.ticket_id,
            row.number or "",
            State(row.state) if row.state else None,
            row.first_dispatched_at is not None,
            row.close_kind,
            bool(row.known),
        )
        for row in rows
    ]
