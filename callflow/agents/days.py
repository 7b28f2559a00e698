"""Agents' days: each change of what an agent means or a telephone does is kept, and read back as one line of states."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent, AgentState
from callflow.agents.timeline import Point, Side, Span, timeline
from core.db import among


async def note(session: AsyncSession, side: Side, states: Mapping[UUID, str], at: datetime) -> None:
    """From `at` on these agents are in these states; what is no change leaves no row."""
    if not states:
        return
    of = (AgentState.user_id == Agent.user_id, AgentState.side == side)
    last = select(AgentState.state).where(*of).order_by(AgentState.at.desc(), AgentState.id.desc()).limit(1)
    wanted = select(Agent.user_id, last.scalar_subquery()).where(among(Agent.user_id, states))
    before = {row[0]: row[1] for row in await session.execute(wanted)}
    session.add_all(
        AgentState(user_id=user_id, side=side, state=state, at=at)
        for user_id, state in sorted(states.items())
        if before.get(user_id) != state
    )


async def note_devices(session: AsyncSession, states: Mapping[str, str], at: datetime) -> None:
    """The same of telephones, by extension."""
    if not states:
        return
    rows = await session.execute(select(Agent.user_id, Agent.extension).where(among(Agent.extension, states)))
    await note(session, Side.DEVICE, {user_id: states[extension] for user_id, extension in rows}, at)


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
