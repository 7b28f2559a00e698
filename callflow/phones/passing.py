"""A citizen's call passed on: somebody is asked 咨询, joins 三方通话 or takes over 转交; or it is transferred 转接.

Asterisk decides what is possible, through `Handset`; here stands who may be reached, and what is kept of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent
from callflow.fold import Field
from callflow.models import Call
from callflow.phones.calls_out import Target, target
from callflow.phones.models import CallLeg
from callflow.phones.rules import Became, Way
from callflow.queries import call_by_linkedid
from callflow.queues.models import Queue
from callflow.sources.channels import TRUNK, endpoint
from core.actor import Actor
from core.clock import now
from core.db import among, new_id
from core.errors import Invalid, NotFound
from core.ledger import record
from core.live import hint

SEAT, OUTSIDE, QUEUE = "seat", "outside", "queue"
"""Extensions of `[hotline-pass]`."""


@dataclass(frozen=True)
class To:
    """Whom the citizen's call goes to: `how` and `dial` as the dialplan takes them, `shown` as everybody may see it."""

    how: str
    dial: str
    shown: str
    outside: Target | None = None
    """What must be allowed; None for a colleague or a queue."""


async def whom(session: AsyncSession, actor: Actor, to: str, number: str) -> To:
    """`to`: `seat:1002`, `queue:hotline`, `unit:<id>`, or empty for `number`. Raises NotFound, Invalid."""
    kind, _, name = to.partition(":")
    if kind == SEAT:
        agent = await session.scalar(select(Agent).where(Agent.extension == name))
        if agent is None:
            raise NotFound("no-agent", "该用户没有分配坐席分机。")
        if agent.user_id == actor.user_id:
            raise Invalid("own-seat", "不能转给自己。", fields={"to": "不能转给自己"})
        return To(SEAT, name, f"{agent.name}（{name}）")
    if kind == QUEUE:
        queue = await session.get(Queue, name)
        if queue is None or not queue.active:
            raise NotFound("no-queue", "没有这个队列。")
        return To(QUEUE, name, queue.title)
    unit = UUID(name) if kind == "unit" else None
    outside = await target(session, actor, callback=None, unit=unit, typed=number)
    return To(OUTSIDE, outside.digits, outside.shown, outside)


async def keep(
    session: AsyncSession, actor: Actor, way: Way, node: str, linkedid: str, to: To, leg: str | None = None
) -> CallLeg:
    """Write down that somebody is asked, or gets the citizen."""
    assert actor.user_id
    kept = CallLeg(
        id=new_id(), node=node, linkedid=linkedid, leg=leg, kind=way, how=to.how, shown=to.shown[:80],
        asked_by=actor.user_id, asked_by_name=actor.name[:40], asked_at=now(),
    )  # fmt: skip
    session.add(kept)
    await session.flush()
    await _record(session, actor, f"line.{way}", node, linkedid, to=to.shown)
    return kept


async def settle(session: AsyncSession, actor: Actor, node: str, linkedid: str, became: Became) -> UUID | None:
    """Write down what became of who was asked last -> that `CallLeg`."""
    leg = await _became(session, node, linkedid, became)
    await _record(session, actor, f"line.{became}", node, linkedid)
    return leg


async def came_back(session: AsyncSession, node: str, linkedids: Iterable[str]) -> None:
    """Nobody took these citizens, says the dialplan: they are with their agents again."""
    for linkedid in linkedids:
        await _became(session, node, linkedid, Became.BACK)
        if call := await call_by_linkedid(session, node, linkedid):
            hint(session, "call", call.id)


async def _became(session: AsyncSession, node: str, linkedid: str, became: Became) -> UUID | None:
    newest = select(CallLeg.id).where(CallLeg.node == node, CallLeg.linkedid == linkedid)
    newest = newest.order_by(CallLeg.asked_at.desc(), CallLeg.id.desc()).limit(1)
    of_newest = update(CallLeg).where(CallLeg.id.in_(newest.scalar_subquery()))
    at = now()
    joined = {"joined_at": at} if became is Became.JOINED else {}
    changed = of_newest.values(result=became, done_at=at, **joined).returning(CallLeg.id)
    found: UUID | None = (await session.execute(changed)).scalar()
    return found


async def _record(session: AsyncSession, actor: Actor, action: str, node: str, linkedid: str, **detail: str) -> None:
    call = await call_by_linkedid(session, node, linkedid)
    await record(session, actor, action, "call", str(call.id) if call else linkedid, **detail)
    if call:
        hint(session, "call", call.id)


async def of_call(session: AsyncSession, call: Call) -> list[tuple[CallLeg, Call | None]]:
    """Who was asked and who got the citizen, in order, each with the call in which somebody was asked."""
    own = and_(Call.node == CallLeg.node, Call.linkedid == CallLeg.leg)
    wanted = select(CallLeg, Call).outerjoin(Call, own)
    wanted = wanted.where(CallLeg.node == call.node, CallLeg.linkedid == call.linkedid)
    rows = await session.execute(wanted.order_by(CallLeg.asked_at, CallLeg.id))
    return [(leg, asked) for leg, asked in rows]


def answered_at(leg: CallLeg, call: Call | None, asked: Call | None) -> datetime | None:
    """When who is outside answered: in a call of their own, or, given the citizen at once, in the citizen's `call`,
    whose other side is the trunk from then on. Pure."""
    if asked is not None:
        return asked.connected_at
    _, at, channel = (call.evidence.get(Field.AGENT_CHANNEL) if call else None) or (0, "", "")
    if leg.how != OUTSIDE or endpoint(str(channel)) != TRUNK or leg.leg is not None:
        return None
    since = datetime.fromisoformat(at)
    return since if since >= leg.asked_at else None


async def same_talk(session: AsyncSession, node: str, linkedids: Iterable[str]) -> frozenset[str]:
    """What else these are called: the calls in which somebody is asked about them, and those that are asked about."""
    known = set(linkedids)
    either = or_(among(CallLeg.linkedid, known), among(CallLeg.leg, known))
    wanted = select(CallLeg.linkedid, CallLeg.leg).where(CallLeg.node == node, CallLeg.leg.is_not(None), either)
    return frozenset(name for row in await session.execute(wanted) for name in row) - known
