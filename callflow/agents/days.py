"""Agents' days: each change of what an agent means or a telephone does is kept, and read back as one line of states."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent, AgentState
from callflow.agents.timeline import Point, Side, Span, timeline
from callflow.current import line_policy
from core import clock
from core.db import Database, among

CLEAN_EVERY_S = 86_400.0


async def note(session: AsyncSession, side: Side, states: Mapping[UUID, str], at: datetime) -> None:
    """From `at` on these agents are in these states; what is no change leaves no row."""
    await _note(session, _BY_USER, side, states, at)


async def note_devices(session: AsyncSession, states: Mapping[str, str], at: datetime) -> None:
    """The same of telephones, by extension."""
    await _note(session, _BY_EXTENSION, Side.DEVICE, states, at)


_NOTE = (
    "INSERT INTO line_agent_states (user_id, side, state, at)"
    " SELECT agent.user_id, CAST(:side AS text), one.state, :at"
    " FROM unnest(CAST(:keys AS {type}[]), CAST(:states AS text[])) AS one (key, state)"
    " JOIN line_agents AS agent ON agent.{column} = one.key"
    " WHERE one.state IS DISTINCT FROM (SELECT last.state FROM line_agent_states AS last"
    " WHERE last.user_id = agent.user_id AND last.side = CAST(:side AS text)"
    " ORDER BY last.at DESC, last.id DESC LIMIT 1)"
    " ORDER BY agent.user_id"
)
_BY_USER = text(_NOTE.format(column="user_id", type="uuid"))
_BY_EXTENSION = text(_NOTE.format(column="extension", type="text"))


async def _note(
    session: AsyncSession, statement: TextClause, side: Side, states: Mapping[Any, str], at: datetime
) -> None:
    if states:
        await session.flush()
        values = {"side": side.value, "keys": list(states), "states": list(states.values()), "at": at}
        await session.execute(statement, values)


async def latest(session: AsyncSession, user_ids: Collection[UUID], before: datetime) -> dict[UUID, dict[Side, Point]]:
    """What each side last said of these agents before an instant."""
    found: dict[UUID, dict[Side, Point]] = {user_id: {} for user_id in user_ids}
    for side in Side:
        of = (AgentState.user_id == Agent.user_id, AgentState.side == side, AgentState.at < before)
        last_id = select(AgentState.id).where(*of).order_by(AgentState.at.desc(), AgentState.id.desc()).limit(1)
        wanted = select(AgentState).join(Agent, AgentState.id == last_id.correlate(Agent).scalar_subquery())
        for one in await session.scalars(wanted.where(among(Agent.user_id, user_ids))):
            found[one.user_id][side] = Point(side, one.state, one.at)
    return found


async def clean(db: Database) -> int:
    """Delete what is older than the bureau keeps it -> how many states."""
    day = clock.today()
    before = clock.midnight(date(day.year - line_policy().agent_states_years, day.month, min(day.day, 28)))
    async with db.session() as session:
        return await forget(session, before)


async def forget(session: AsyncSession, before: datetime) -> int:
    """Delete states from before this instant -> how many. What each side said last of them stays: the first day that
    is kept begins with it."""
    gone = 0
    for user_id in await session.scalars(select(Agent.user_id).order_by(Agent.user_id)):
        for side in Side:
            of = (AgentState.user_id == user_id, AgentState.side == side)
            last = select(AgentState.id).where(*of, AgentState.at < before)
            last = last.order_by(AgentState.at.desc(), AgentState.id.desc()).limit(1)
            old = delete(AgentState).where(*of, AgentState.at < before, AgentState.id != last.scalar_subquery())
            gone += len((await session.scalars(old.returning(AgentState.id))).all())
    return gone


async def spans(
    session: AsyncSession, user_ids: Collection[UUID], first: datetime, last: datetime
) -> dict[UUID, list[Span]]:
    """The lines of these agents between two instants."""
    points = {user_id: list(found.values()) for user_id, found in (await latest(session, user_ids, first)).items()}
    inside = (
        select(AgentState)
        .where(among(AgentState.user_id, user_ids), AgentState.at >= first, AgentState.at < last)
        .order_by(AgentState.at, AgentState.id)
    )
    for one in await session.scalars(inside):
        points[one.user_id].append(Point(Side(one.side), one.state, one.at))
    return {user_id: timeline(found, first, last) for user_id, found in points.items()}
