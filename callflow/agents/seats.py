"""Seats 坐席: which person has which extension and serves which queues, as an administrator sets it."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent, AgentQueue
from callflow.agents.rules import parse_places, write_places
from callflow.agents.service import enrol
from callflow.line_files import EXTENSION
from callflow.numbers.service import TOPIC
from callflow.queues.models import Queue
from core.actor import Actor
from core.errors import Conflict, Invalid, NotFound
from core.identity.models import User
from core.ledger import record
from core.live import hint
from core.permissions import Permission


@dataclass(frozen=True)
class Seat:
    """One agent's place. `seen` goes to the page and comes back: the state of the agent may change meanwhile."""

    user_id: UUID
    name: str
    active: bool
    extension: str
    queues: dict[str, int]
    """Queue -> penalty."""
    in_page: bool
    """Whether the telephone is the one in the page 网页话机, or stands on the desk 桌面话机."""

    @property
    def seen(self) -> str:
        """What an editor must have seen."""
        return shown(self.extension, self.queues, self.in_page)


def shown(extension: str, queues: dict[str, int], in_page: bool) -> str:
    """A seat in one line."""
    return f"{extension}:{','.join(write_places(queues))}:{'page' if in_page else 'desk'}"


async def seats(session: AsyncSession) -> list[Seat]:
    """All seats by extension."""
    rows = await session.execute(
        select(Agent, User.active).join(User, User.id == Agent.user_id).order_by(Agent.extension)
    )
    served: dict[UUID, dict[str, int]] = {}
    for one in await session.scalars(select(AgentQueue).order_by(AgentQueue.penalty, AgentQueue.queue)):
        served.setdefault(one.user_id, {})[one.queue] = one.penalty
    return [
        Seat(agent.user_id, agent.name, active, agent.extension, served.get(agent.user_id, {}), agent.webrtc)
        for agent, active in rows
    ]


async def save_seat(
    session: AsyncSession,
    actor: Actor,
    user_id: UUID,
    extension: str,
    queues: Iterable[str],
    seen: str = "",
    *,
    in_page: bool = False,
) -> None:
    """Give a user a seat (`seen` empty) or change the one that the person saw. `queues` as `hotline` or, where
    callers come to this agent later, `dialect:5`: 涉企 and 方言 seats are penalties within one pool."""
    actor.require(Permission.LINE_ADMIN)
    user = await session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("no-such-user", "没有这个用户。")
    now = next((one for one in await seats(session) if one.user_id == user_id), None)
    if (now.seen if now else "") != seen:
        raise Conflict("changed-meanwhile", "这个坐席已被他人修改，您的修改没有保存。")
    if not EXTENSION.fullmatch(extension):
        sentence = "分机号为 1 至 8 开头的四位数字。"
        raise Invalid("bad-extension", sentence, fields={"extension": sentence})
    taken = await session.scalar(select(Agent.name).where(Agent.extension == extension, Agent.user_id != user_id))
    if taken is not None:
        sentence = f"分机 {extension} 已分配给{taken}。"
        raise Invalid("extension-taken", sentence, fields={"extension": sentence})
    wanted = parse_places(queues)
    if not wanted or set(wanted) - set(await session.scalars(select(Queue.name))):
        sentence = "请至少选择一个已有的队列。"
        raise Invalid("no-queue", sentence, fields={"queues": sentence})
    await enrol(session, actor, user_id, extension, user.name, wanted, in_page=in_page)
    before = now.seen if now else None
    await record(session, actor, "line.seat.edit", "agent", user_id, seat=[before, shown(extension, wanted, in_page)])
    hint(session, TOPIC)


async def renew_secret(session: AsyncSession, actor: Actor, user_id: UUID) -> tuple[str, str]:
    """A new SIP password, to be typed into the telephone -> (extension, password); the old one ends at once."""
    actor.require(Permission.LINE_ADMIN)
    agent = await session.get(Agent, user_id, with_for_update=True)
    if agent is None:
        raise NotFound("no-agent", "该用户没有分配坐席分机。")
    if agent.webrtc:
        raise Conflict("page-phone", "网页话机的口令由系统在登录时发放，无需设置。")
    agent.sip_secret = secrets.token_urlsafe(24)
    await record(session, actor, "line.seat.secret", "agent", user_id)
    hint(session, TOPIC)
    return agent.extension, agent.sip_secret
