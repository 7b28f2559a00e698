"""Questions about calls and queues: what desks, taps and lists read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent, AgentQueue, Presence
from callflow.models import Call
from callflow.queues.models import Queue
from callflow.rules import Direction
from core.db import paged
from core.errors import NotFound

PAGE = 50


@dataclass(frozen=True)
class ConnectedCall:
    """A call in which two people talk now: what a tap needs."""

    call_id: UUID
    node: str
    citizen_channel: str
    agent_channel: str
    connected_at: datetime


@dataclass(frozen=True)
class AgentStatus:
    """One agent: intent and fact side by side."""

    user_id: UUID
    extension: str
    name: str
    queues: tuple[str, ...]
    logged_in_at: datetime | None
    pause_reason: str | None
    paused_at: datetime | None
    wrap_up_until: datetime | None
    device: str
    version: int


@dataclass(frozen=True)
class QueueStatus:
    """One queue at this moment."""

    name: str
    title: str
    waiting: int
    longest_since: datetime | None
    """When the first of those waiting joined."""
    talking: int
    agents: tuple[AgentStatus, ...]


async def connected_calls(session: AsyncSession) -> list[ConnectedCall]:
    """Calls in which people talk now, the longest first."""
    rows = await session.scalars(
        select(Call).where(Call.ended_at.is_(None), Call.connected_at.is_not(None)).order_by(Call.connected_at)
    )
    return [
        ConnectedCall(c.id, c.node, c.citizen_channel, c.agent_channel, c.connected_at)
        for c in rows
        if c.citizen_channel and c.agent_channel and c.connected_at
    ]


async def live_calls(session: AsyncSession) -> Sequence[Call]:
    """Calls that have not ended, the oldest first."""
    return (await session.scalars(select(Call).where(Call.ended_at.is_(None)).order_by(Call.arrived_at))).all()


async def call(session: AsyncSession, call_id: UUID) -> Call:
    """One call. Raises NotFound("no-call")."""
    found = await session.get(Call, call_id)
    if found is None:
        raise NotFound("no-call", "没有这条通话记录。")
    return found


async def call_by_linkedid(session: AsyncSession, node: str, linkedid: str) -> Call | None:
    """The call with this identity; None while no fact about it has arrived."""
    found: Call | None = await session.scalar(select(Call).where(Call.node == node, Call.linkedid == linkedid))
    return found


async def reached_since(session: AsyncSession, caller: str, since: datetime) -> bool:
    """Whether a call of this number that arrived after `since` has reached a person."""
    wanted = select(Call.id).where(Call.caller.matches(caller), Call.arrived_at > since, Call.connected_at.is_not(None))
    return await session.scalar(wanted.where(Call.direction == Direction.INBOUND).limit(1)) is not None


async def calls(
    session: AsyncSession,
    *,
    before: tuple[datetime, UUID] | None = None,
    where: Sequence[ColumnElement[bool]] = (),
    outcome: str | None = None,
    caller: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    oldest_first: bool = False,
    limit: int = PAGE,
) -> Sequence[Call]:
    """A page of calls, the newest first; `before` is (arrived_at, id) of the last row of the page before."""
    query = select(Call).where(*where).limit(limit)
    query = paged(query, Call.arrived_at, Call.id, before, oldest_first=oldest_first)
    if outcome:
        query = query.where(Call.outcome == outcome)
    if caller:
        query = query.where(Call.caller.matches(caller))
    if since:
        query = query.where(Call.arrived_at >= since)
    if until:
        query = query.where(Call.arrived_at < until)
    return (await session.scalars(query)).all()


async def agents(session: AsyncSession) -> list[AgentStatus]:
    """All agents, by extension."""
    places: dict[UUID, list[str]] = {}
    for place in await session.scalars(select(AgentQueue).order_by(AgentQueue.penalty, AgentQueue.queue)):
        places.setdefault(place.user_id, []).append(place.queue)
    devices: dict[str, str] = {}
    for seen in await session.scalars(select(Presence).order_by(Presence.seen_at)):
        devices[seen.extension] = seen.device
    return [
        AgentStatus(
            a.user_id,
            a.extension,
            a.name,
            tuple(places.get(a.user_id, ())),
            a.logged_in_at,
            a.pause_reason,
            a.paused_at,
            a.wrap_up_until,
            devices.get(a.extension, "unknown"),
            a.version,
        )
        for a in await session.scalars(select(Agent).order_by(Agent.extension))
    ]


async def queue_status(session: AsyncSession) -> list[QueueStatus]:
    """Every queue with who waits and who answers."""
    counts = await session.execute(
        select(
            Call.queue,
            func.count().filter(Call.queued_at.is_not(None), Call.connected_at.is_(None)),
            func.min(Call.queued_at).filter(Call.connected_at.is_(None)),
            func.count(Call.connected_at),
        )
        .where(Call.ended_at.is_(None))
        .group_by(Call.queue)
    )
    by_queue = {queue: (waiting, since, talking) for queue, waiting, since, talking in counts}
    people = await agents(session)
    status = []
    for queue in await session.scalars(select(Queue).where(Queue.active).order_by(Queue.name)):
        waiting, since, talking = by_queue.get(queue.name, (0, None, 0))
        crew = tuple(one for one in people if queue.name in one.queues)
        status.append(QueueStatus(queue.name, queue.title, waiting, since, talking, crew))
    return status
