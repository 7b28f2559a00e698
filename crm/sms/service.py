"""Commands about messages: queue the receipt, ask a person about the unknown, carry out what the person decides."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core import ledger
from core.actor import Actor
from core.clock import now
from core.db import Database
from core.errors import Conflict, Invalid, NotFound
from core.jobs import defer
from core.permissions import Permission
from core.phone import is_mobile
from core.service import Loop
from crm.policy import SmsPolicy
from crm.sms.jobs import submit
from crm.sms.journal import TOPIC, become, line, locked, note
from crm.sms.models import Sms
from crm.sms.rules import SmsState, resolutions

ASK_EVERY_S = 60.0
NO_NUMBER = "来电号码未显示或来电人匿名，请口头告知工单编号和查询码"
LANDLINE = "来电号码不能接收短信，请口头告知工单编号和查询码"
EXAMPLE = "演示工单，不向外发送"


async def queue_receipt(
    session: AsyncSession, *, ticket_id: UUID, to: str | None, anonymous: bool, text: str, example: bool = False
) -> Sms:
    """The 受理短信 of an order, in the dispatch's own transaction (第十三条); once per order however often asked."""
    key, unreachable = f"receipt:{ticket_id}", NO_NUMBER if to is None or anonymous else ""
    why_not = EXAMPLE if example else unreachable
    return await queue(session, key=key, ticket_id=ticket_id, to=to, text=text, why="已随派发生成", why_not=why_not)


async def queue(
    session: AsyncSession,
    *,
    key: str,
    ticket_id: UUID | None,
    to: str | None,
    text: str,
    why: str,
    why_not: str = "",
    at: datetime | None = None,
) -> Sms:
    """A message, once for each `key`, submitted now or `at`; kept as not applicable where no mobile takes it, or for
    the reason that `why_not` gives."""
    if not why_not and (to is None or not is_mobile(to)):
        why_not = NO_NUMBER if to is None else LANDLINE
    state = SmsState.NOT_APPLICABLE if why_not else SmsState.QUEUED
    made = insert(Sms).values(key=key, ticket_id=ticket_id, to=to, text=text, state=state, reason=why_not)
    sms: Sms | None = await session.scalar(made.on_conflict_do_nothing(index_elements=["key"]).returning(Sms))
    if sms is None:
        return (await session.scalars(select(Sms).where(Sms.key == key))).one()
    line(session, sms, state, why_not or why)
    if why_not:
        return sms
    await defer(session, submit, at=at, lock=f"sms:{sms.id}", sms_id=str(sms.id))
    return sms


async def resolve(session: AsyncSession, actor: Actor, sms_id: UUID, outcome: str, reason: str) -> Sms:
    """A person settles an unknown or failed message: `delivered`, `failed`, or `resend`.

    Raises Conflict when it has settled itself meanwhile, Invalid without a reason.
    """
    actor.require(Permission.SMS_RESOLVE)
    if not 0 < len(reason.strip()) <= 200:
        raise Invalid("no-reason", "请填写处理依据。", fields={"reason": "请填写处理依据，不超过200字"})
    sms = await locked(session, sms_id)
    if sms is None:
        raise NotFound("no-such-sms", "没有这条短信。")
    state = SmsState(sms.state)
    if outcome not in ("delivered", "failed", "resend"):
        raise Invalid("bad-outcome", "请选择处理结果。", fields={"outcome": "请选择处理结果"})
    if outcome not in resolutions(state):
        raise Conflict("sms-settled", f"短信状态已为“{state.label}”，不能这样处理。")
    if outcome == "resend":
        sms.gateway_id = None
        await become(session, sms, SmsState.QUEUED, f"人工决定重发：{reason.strip()}", actor)
        await defer(session, submit, lock=f"sms:{sms.id}", sms_id=str(sms.id))
    else:
        await become(session, sms, SmsState(outcome), f"人工确认：{reason.strip()}", actor)
    await ledger.record(session, actor, "sms.resolve", "sms", sms.id, reason=reason.strip(), outcome=outcome)
    return sms


async def doubt_unsent(session: AsyncSession) -> int:
    """After a backup was brought back: what waited then may have been sent since, and is not sent again -> how many."""
    waiting = select(Sms).where(Sms.state.in_((SmsState.QUEUED, SmsState.SUBMITTING))).with_for_update()
    doubted = 0
    for sms in await session.scalars(waiting):
        await become(session, sms, SmsState.UNKNOWN, "系统自备份恢复：备份之后是否已经发出不明")
        sms.person_asked_at = now()
        doubted += 1
    return doubted


async def ask_people(session: AsyncSession, policy: SmsPolicy) -> int:
    """Put unknown messages whose report did not come in time before a person -> how many."""
    overdue = await session.scalars(
        select(Sms)
        .where(Sms.state == SmsState.UNKNOWN, Sms.person_asked_at.is_(None))
        .where(Sms.updated_at < now() - timedelta(hours=policy.unknown_wait_hours))
        .with_for_update(skip_locked=True)
    )
    asked = 0
    for sms in overdue:
        sms.person_asked_at = now()
        await note(session, sms, "person-asked", "未等到网关回执，请值班人员处理")
        asked += 1
    return asked


def sweeper(db: Database, policy: Callable[[], SmsPolicy]) -> Loop:
    """The worker's service that asks people in time."""

    async def step() -> None:
        async with db.session() as session:
            await ask_people(session, policy())

    return Loop("短信结果核对", ASK_EVERY_S, step)


__all__ = ["TOPIC", "ask_people", "queue", "queue_receipt", "resolve", "sweeper"]
