"""Commands of agents: each changes intent and nothing else; the driver makes Asterisk follow."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents import days
from callflow.agents.models import Agent, AgentQueue
from callflow.agents.rules import BY_HAND, Intent, PauseReason, Place, write_places
from callflow.agents.timeline import OUT, READY, Side
from callflow.current import line_policy
from callflow.queues.models import Queue
from core.actor import SYSTEM, Actor
from core.clock import now
from core.db import among
from core.errors import Conflict, Denied, Invalid, NotFound
from core.identity.models import User
from core.ledger import record
from core.live import DESK, hint
from core.permissions import Permission, Role, granted


async def enrol(
    session: AsyncSession,
    actor: Actor,
    user_id: UUID,
    extension: str,
    name: str,
    queues: Mapping[str, int],
    *,
    in_page: bool = False,
) -> Agent:
    """Give a user a telephone, on the desk or `in_page`, and queues (name -> penalty), or change them; the SIP secret
    is made once, and anew where the kind of telephone changes."""
    actor.require(Permission.LINE_ADMIN)
    taken = await session.scalar(select(Agent.user_id).where(Agent.extension == extension))
    if taken not in (None, user_id):
        raise Conflict("extension-taken", f"分机号 {extension} 已分配给其他坐席。")
    agent = await session.get(Agent, user_id, with_for_update=True)
    if agent is None:
        agent = Agent(user_id=user_id, extension=extension, name=name, sip_secret=secrets.token_urlsafe(24))
        session.add(agent)
    if agent.webrtc is not None and agent.webrtc != in_page:
        agent.sip_secret, agent.phone_session_id = secrets.token_urlsafe(24), None
    agent.extension, agent.name, agent.webrtc = extension, name, in_page
    await session.flush()
    await session.execute(delete(AgentQueue).where(AgentQueue.user_id == user_id))
    session.add_all(AgentQueue(user_id=user_id, queue=queue, penalty=p) for queue, p in queues.items())
    await record(session, actor, action="agent.enrol", subject="agent", subject_id=user_id)
    return await _changed(session, agent)


async def serve(
    session: AsyncSession, actor: Actor, user_id: UUID, queues: Mapping[str, int], version: int | None = None
) -> Agent:
    """调整队列: the lead lets an agent serve these queues (name -> penalty) from now on."""
    actor.require(Permission.LINE_LEAD)
    agent = await _mine(session, actor, user_id, version)
    known = set(await session.scalars(select(Queue.name).where(Queue.active)))
    if not queues or set(queues) - known:
        raise Invalid("no-queue", "请至少选择一个在用的队列。", fields={"queues": "请至少选择一个在用的队列"})
    rows = await session.scalars(select(AgentQueue).where(AgentQueue.user_id == user_id))
    before = {one.queue: one.penalty for one in rows}
    if before == dict(queues):
        return agent
    await session.execute(delete(AgentQueue).where(AgentQueue.user_id == user_id))
    session.add_all(AgentQueue(user_id=user_id, queue=queue, penalty=p) for queue, p in queues.items())
    changes = {"queues": [write_places(before), write_places(queues)]}
    await record(session, actor, "agent.queues", "agent", user_id, changes=changes)
    return await _changed(session, agent)


async def log_in(session: AsyncSession, actor: Actor, user_id: UUID, version: int | None = None) -> Agent:
    """签入: take calls from now on."""
    agent = await _mine(session, actor, user_id, version)
    if agent.logged_in_at:
        raise Conflict("already-logged-in", "您已签入，无需重复签入。")
    agent.logged_in_at = now()
    _pause(agent, None)
    return await _changed(session, agent)


async def log_out(session: AsyncSession, actor: Actor, user_id: UUID, version: int | None = None) -> Agent:
    """签出: no further calls; a talk that is going on is not ended."""
    agent = await _logged_in(session, actor, user_id, version)
    _pause(agent, None)
    agent.logged_in_at = None
    return await _changed(session, agent)


async def pause(session: AsyncSession, actor: Actor, user_id: UUID, reason: str, version: int | None = None) -> Agent:
    """示忙, for one of the reasons that a person may choose."""
    if reason not in BY_HAND:
        raise Invalid("bad-pause-reason", "请选择示忙原因。", fields={"reason": "请选择示忙原因"})
    agent = await _logged_in(session, actor, user_id, version)
    _pause(agent, PauseReason(reason))
    return await _changed(session, agent)


async def resume(session: AsyncSession, actor: Actor, user_id: UUID, version: int | None = None) -> Agent:
    """示闲: take calls again, whatever the pause was for."""
    agent = await _logged_in(session, actor, user_id, version)
    if not agent.paused_at:
        raise Conflict("not-paused", "您已示闲，无需重复操作。")
    _pause(agent, None)
    return await _changed(session, agent)


async def finish_wrap_up(session: AsyncSession, actor: Actor, user_id: UUID, version: int | None = None) -> Agent:
    """End the wrap-up 话后整理 before its time."""
    agent = await _logged_in(session, actor, user_id, version)
    if agent.pause_reason != PauseReason.WRAP_UP:
        raise Conflict("no-wrap-up", "当前不在话后整理状态。")
    _pause(agent, None)
    return await _changed(session, agent)


# ---------------------------------------------------------------------- what Asterisk reports becomes intent


async def completed(session: AsyncSession, talks: Mapping[str, datetime]) -> int:
    """Talks ended (extension -> when): wrap-up, unless the agent paused or logged out meanwhile; how many."""
    limit = line_policy().wrap_up_s
    if not limit:
        return 0
    taking = await _taking_calls(session, talks)
    for agent in taking:
        _pause(agent, PauseReason.WRAP_UP)
        agent.wrap_up_until = talks[agent.extension] + timedelta(seconds=limit)
    return await _all_changed(session, taking)


async def did_not_answer(session: AsyncSession, extensions: Collection[str]) -> int:
    """These telephones rang in vain: paused as 未接听 until their agents come back; how many."""
    taking = await _taking_calls(session, extensions)
    for agent in taking:
        _pause(agent, PauseReason.NO_ANSWER)
    return await _all_changed(session, taking)


async def lift_wrap_ups(session: AsyncSession) -> int:
    """End the wrap-ups whose time is over; how many."""
    due = await session.scalars(
        select(Agent)
        .where(Agent.pause_reason == PauseReason.WRAP_UP, Agent.wrap_up_until <= now())
        .order_by(Agent.user_id)
        .with_for_update(skip_locked=True)
    )
    lifted = due.all()
    for agent in lifted:
        _pause(agent, None)
    return await _all_changed(session, lifted)


async def log_out_barred(session: AsyncSession) -> int:
    """签出 whoever may not sit at the line any more: the account is off, or has no such role; how many. A talk that is
    going on is not ended."""
    here = select(User.id, User.active, User.roles).join(Agent, Agent.user_id == User.id)
    rows = await session.execute(here.where(Agent.logged_in_at.is_not(None)))
    may = {id: active and Permission.LINE_AGENT in granted(frozenset(map(Role, roles))) for id, active, roles in rows}
    barred = [id for id, still in may.items() if not still]
    if not barred:
        return 0
    found = await session.scalars(
        select(Agent)
        .where(among(Agent.user_id, barred), Agent.logged_in_at.is_not(None))
        .order_by(Agent.user_id)
        .with_for_update(skip_locked=True)
    )
    agents = found.all()
    for agent in agents:
        _pause(agent, None)
        agent.logged_in_at = None
        await record(session, SYSTEM, "agent.barred", "agent", agent.user_id)
    return await _all_changed(session, agents)


async def intents(session: AsyncSession) -> dict[Place, Intent]:
    """What every logged-in agent means, by queue and extension."""
    rows = await session.execute(
        select(Agent, AgentQueue)
        .join(AgentQueue, AgentQueue.user_id == Agent.user_id)
        .where(Agent.logged_in_at.is_not(None))
    )
    return {
        (place.queue, agent.extension): Intent(
            PauseReason(agent.pause_reason) if agent.pause_reason else None, place.penalty, agent.changed_at
        )
        for agent, place in rows
    }


# ---------------------------------------------------------------------- common


async def _mine(session: AsyncSession, actor: Actor, user_id: UUID, version: int | None) -> Agent:
    """The agent's row, locked, if the actor may act for that agent and saw its present version."""
    if actor.user_id == user_id:
        actor.require(Permission.LINE_AGENT)
    elif not actor.may(Permission.LINE_LEAD):
        raise Denied("not-permitted", "您只能操作自己的坐席状态。")
    agent = await session.get(Agent, user_id, with_for_update=True)
    if agent is None:
        raise NotFound("no-agent", "该用户没有分配坐席分机。")
    if version is not None and version != agent.version:
        raise Conflict("agent-changed", "坐席状态已变化，请按当前状态再操作。")
    return agent


async def _logged_in(session: AsyncSession, actor: Actor, user_id: UUID, version: int | None) -> Agent:
    agent = await _mine(session, actor, user_id, version)
    if not agent.logged_in_at:
        raise Conflict("not-logged-in", "请先签入。")
    return agent


async def _taking_calls(session: AsyncSession, extensions: Collection[str]) -> Sequence[Agent]:
    """Those who mean to take calls now, locked in one order."""
    if not extensions:
        return []
    found = await session.scalars(
        select(Agent)
        .where(among(Agent.extension, extensions), Agent.logged_in_at.is_not(None), Agent.paused_at.is_(None))
        .order_by(Agent.user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.all()


def _pause(agent: Agent, reason: PauseReason | None) -> None:
    agent.paused_at = now() if reason else None
    agent.pause_reason = reason
    agent.wrap_up_until = None


async def _changed(session: AsyncSession, agent: Agent) -> Agent:
    await _all_changed(session, [agent])
    return agent


async def _all_changed(session: AsyncSession, agents: Sequence[Agent]) -> int:
    for agent in agents:
        agent.version += 1
        agent.changed_at = now()
        hint(session, "agents", agent.user_id)
        hint(session, DESK, agent.user_id)
    await session.flush()
    await days.note(session, Side.INTENT, {agent.user_id: _state(agent) for agent in agents}, now())
    return len(agents)


def _state(agent: Agent) -> str:
    """What the agent means, as a day counts it."""
    if agent.logged_in_at is None:
        return OUT
    return agent.pause_reason or READY
