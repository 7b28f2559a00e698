"""日常考核 of agents in a month (F07-4): each figure with the calls and orders behind it (A07-4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent, AgentState
from callflow.agents.rules import PauseReason
from callflow.agents.timeline import Side
from callflow.models import Call
from core.actor import Actor
from core.clock import now
from core.permissions import Permission
from core.rates import per_cent
from crm.queries.dispatching import month_of
from crm.scoring.models import Sample
from crm.scoring.rules import COUNTS
from crm.search.taking import Taken, Taking, take
from crm.tickets.access import visible_to
from crm.tickets.models import Assignment, Round, Ticket
from crm.tickets.parts import Outcome
from crm.tickets.states import By

NONE = timedelta(0)
EVE = timedelta(days=1)
"""A wrap-up that reaches into the month began at most so long before it."""
HEADS = (
    ("话务员", 12),
    ("接听（次）", 10),
    ("通话时长（分）", 14),
    ("平均通话（秒）", 14),
    ("话后整理（分）", 14),
    ("平均整理（秒）", 14),
    ("质检（通）", 10),
    ("质检平均分", 12),
    ("派发（次）", 10),
    ("同意退回（次）", 14),
    ("错派率", 10),
)


@dataclass(frozen=True)
class Card:
    """One agent's month."""

    user_id: UUID
    name: str
    answered: int = 0
    talked: timedelta = NONE
    wrapped: timedelta = NONE
    """话后整理, as the agent meant it."""
    scored: int = 0
    average: float | None = None
    """Of the scores that count, of calls of this month."""
    dispatched: int = 0
    """To a lead unit; reworks are no choice of a unit."""
    returned: int = 0
    """Of these, sent back with consent."""

    @property
    def misdispatched(self) -> str:
        """错派率: accepted returns of the agent's own dispatches."""
        return per_cent(self.returned, self.dispatched)

    @property
    def talk_s(self) -> float | None:
        """Seconds of talk in each call; None without one."""
        return self.talked.total_seconds() / self.answered if self.answered else None

    @property
    def wrap_s(self) -> float | None:
        """Seconds of wrap-up after each."""
        return self.wrapped.total_seconds() / self.answered if self.answered else None


@dataclass(frozen=True)
class Day:
    """One day of an agent: what 我的今日 lists call by call."""

    day: date
    answered: int
    talked: timedelta


@dataclass(frozen=True)
class Behind:
    """What the figures of a card are made of."""

    days: Sequence[Day]
    scores: Sequence[tuple[Sample, Call]]
    returned: Sequence[tuple[Ticket, Assignment]]
    """As far as the reader may know of the orders."""


async def cards(session: AsyncSession, first: date, only: UUID | None = None) -> list[Card]:
    """The month that begins on `first`: of all agents who have a seat, by extension, or of one."""
    seats = select(Agent.user_id, Agent.name).order_by(Agent.extension)
    people = (await session.execute(seats.where(Agent.user_id == only) if only else seats)).all()
    begins, ends = month_of(first)
    calls = await _by_agent(
        session,
        select(Call.agent_id, func.count(), func.sum(func.coalesce(Call.ended_at, now()) - Call.connected_at))
        .where(*_within(Call.connected_at, begins, ends))
        .group_by(Call.agent_id),
    )
    scores = await _by_agent(
        session,
        select(Sample.agent_id, func.count(), func.avg(Sample.total))
        .join(Call, Call.id == Sample.call_id)
        .where(Sample.state.in_(COUNTS), *_within(Call.connected_at, begins, ends))
        .group_by(Sample.agent_id),
    )
    away = Assignment.outcome.is_not_distinct_from(Outcome.RETURNED)
    sent = await _by_agent(
        session,
        select(Assignment.dispatched_by, func.count(), func.count().filter(away))
        .join(Round, Round.id == Assignment.round_id)
        .where(*_own_choice(begins, ends))
        .group_by(Assignment.dispatched_by),
    )
    wrapped = await _wrap_ups(session, begins, ends)
    found = []
    for user_id, name in people:
        answered, talked = calls.get(user_id, (0, NONE))
        scored, average = scores.get(user_id, (0, None))
        mean = float(average) if average is not None else None
        out = sent.get(user_id, (0, 0))
        found.append(Card(user_id, name, answered, talked, wrapped.get(user_id, NONE), scored, mean, *out))
    return found


async def behind(session: AsyncSession, actor: Actor, user_id: UUID, first: date) -> Behind:
    """Days, scores and returned orders of one agent's month."""
    begins, ends = month_of(first)
    day = func.date(func.timezone("Asia/Shanghai", Call.connected_at))
    rows = await session.execute(
        select(day, func.count(), func.sum(func.coalesce(Call.ended_at, now()) - Call.connected_at))
        .where(Call.agent_id == user_id, *_within(Call.connected_at, begins, ends))
        .group_by(day)
        .order_by(day.desc())
    )
    scores = await session.execute(
        select(Sample, Call)
        .join(Call, Call.id == Sample.call_id)
        .where(Sample.agent_id == user_id, Sample.state.in_(COUNTS), *_within(Call.connected_at, begins, ends))
        .order_by(Call.connected_at.desc())
    )
    returned = await session.execute(
        select(Ticket, Assignment)
        .join(Assignment, Assignment.ticket_id == Ticket.id)
        .join(Round, Round.id == Assignment.round_id)
        .where(
            Assignment.dispatched_by == user_id,
            Assignment.outcome == Outcome.RETURNED,
            *_own_choice(begins, ends),
            visible_to(actor),
        )
        .order_by(Assignment.dispatched_at.desc())
    )
    return Behind(
        [Day(*row) for row in rows],
        [(row[0], row[1]) for row in scores],
        [(row[0], row[1]) for row in returned],
    )


async def export(session: AsyncSession, actor: Actor, first: date, reason: str, *, title: str) -> Taken:
    """The month as a workbook. Raises Denied, Invalid("no-reason"), Invalid("nothing-to-export")."""
    actor.require(Permission.LINE_LEAD)
    rows = [_row(one) for one in await cards(session, first)]
    name, asked = f"{first.year}年{first.month}月话务员考核", {"month": f"{first:%Y-%m}"}
    return await take(session, actor, Taking(name, "KH", "scorecard.export", HEADS, rows, asked), reason, title=title)


def _row(one: Card) -> list[str]:
    def minutes(time: timedelta) -> str:
        return f"{time.total_seconds() / 60:.1f}"

    def plain(value: float | None) -> str:
        return "—" if value is None else f"{value:.1f}"

    calls = [str(one.answered), minutes(one.talked), plain(one.talk_s), minutes(one.wrapped), plain(one.wrap_s)]
    sent = [str(one.dispatched), str(one.returned), one.misdispatched]
    return [one.name, *calls, str(one.scored), plain(one.average), *sent]


def _within(column: Any, begins: datetime, ends: datetime) -> tuple[ColumnElement[bool], ...]:
    return (column >= begins, column < ends)


def _own_choice(begins: datetime, ends: datetime) -> tuple[ColumnElement[bool], ...]:
    return (Assignment.role == By.LEAD, Round.kind != "rework", *_within(Assignment.dispatched_at, begins, ends))


async def _by_agent(session: AsyncSession, statement: Executable) -> dict[UUID, tuple[Any, ...]]:
    rows = await session.execute(statement)
    return {row[0]: tuple(row[1:]) for row in rows if row[0] is not None}


async def _wrap_ups(session: AsyncSession, begins: datetime, ends: datetime) -> dict[UUID, timedelta]:
    """From each change to a wrap-up until the agent's next change, counted in the database: a month has many."""
    until = min(ends, now())
    following = func.lead(AgentState.at).over(partition_by=AgentState.user_id, order_by=(AgentState.at, AgentState.id))
    spans = (
        select(AgentState.user_id, AgentState.state, AgentState.at, following.label("next"))
        .where(AgentState.side == Side.INTENT, *_within(AgentState.at, begins - EVE, ends))
        .subquery()
    )
    first, last = literal(begins), literal(until)
    lasted = func.least(func.coalesce(spans.c.next, last), last) - func.greatest(spans.c.at, first)
    rows = await session.execute(
        select(spans.c.user_id, func.sum(func.greatest(lasted, literal(NONE))))
        .where(spans.c.state == PauseReason.WRAP_UP)
        .group_by(spans.c.user_id)
    )
    return {row[0]: row[1] for row in rows}
