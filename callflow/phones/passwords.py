"""The password of a telephone in the page: given to one sign-in, and worthless when that ends.

Asterisk reads passwords from a file, and reading it again takes a moment. So the one that waits there is known to
nobody, the next sign-in gets it at once, and it is replaced when that sign-in is over, which nobody waits for.
"""

import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent
from callflow.models import Call
from callflow.numbers.service import TOPIC
from core.clock import now
from core.errors import NotFound
from core.identity.models import User, WebSession
from core.identity.service import SESSIONS, too_old
from core.live import hint


@dataclass(frozen=True)
class Given:
    """What the page registers with."""

    extension: str
    secret: str
    name: str


async def give(session: AsyncSession, user_id: UUID, session_id: UUID) -> Given:
    """The password for this sign-in; one that an earlier sign-in had ends. Raises NotFound("no-page-phone")."""
    agent = await session.get(Agent, user_id, with_for_update=True)
    if agent is None or not agent.webrtc:
        raise NotFound("no-page-phone", "您的坐席没有使用网页话机。")
    if agent.phone_session_id != session_id:
        if agent.phone_session_id is not None:
            _replace(session, agent)
        agent.phone_session_id = session_id
        hint(session, SESSIONS, user_id)  # the telephone of the earlier sign-in looks again
    return Given(agent.extension, agent.sip_secret, agent.name)


async def holds(session: AsyncSession, user_id: UUID, session_id: UUID) -> str | None:
    """The extension whose telephone this sign-in has; None: it has none."""
    found: str | None = await session.scalar(
        select(Agent.extension).where(
            Agent.user_id == user_id, Agent.webrtc.is_(True), Agent.phone_session_id == session_id
        )
    )
    return found


async def end_those_of_ended_sessions(session: AsyncSession) -> int:
    """Replace the passwords whose sign-in has ended, however it did; how many."""
    talking = exists().where(Call.agent_id == Agent.user_id, Call.connected_at.is_not(None), Call.ended_at.is_(None))
    rows = await session.execute(
        select(Agent, WebSession, talking)
        .outerjoin(
            WebSession,
            (WebSession.id == Agent.phone_session_id) & WebSession.revoked_at.is_(None)
            & exists().where(User.id == WebSession.user_id, User.active),
        )
        .where(Agent.phone_session_id.is_not(None))
        .order_by(Agent.user_id)
        .with_for_update(of=Agent, skip_locked=True)
    )  # fmt: skip
    ended = [agent for agent, row, busy in rows if row is None or (too_old(row, now()) and not busy)]
    for agent in ended:
        _replace(session, agent)
        agent.phone_session_id = None
    return len(ended)


def _replace(session: AsyncSession, agent: Agent) -> None:
    agent.sip_secret = secrets.token_urlsafe(24)
    hint(session, TOPIC)
