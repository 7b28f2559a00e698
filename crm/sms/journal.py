"""Changing a message's state: always with its event and a hint, always on a locked row."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM, Actor
from core.clock import now
from core.live import hint
from core.locks import lock
from crm.sms.models import Sms, SmsEvent, SmsReceipt
from crm.sms.port import Report
from crm.sms.rules import SmsState, after_report

TOPIC = "sms"


async def one_at_a_time(session: AsyncSession, *keys: str) -> None:
    """A report and the response or crash that it answers are taken one after the other, so that neither misses
    the other's uncommitted row."""
    await lock(session, *(f"sms:{key}" for key in keys))


async def locked(session: AsyncSession, sms_id: UUID) -> Sms | None:
    """The message, its row locked."""
    found: Sms | None = await session.scalar(select(Sms).where(Sms.id == sms_id).with_for_update())
    return found


def line(session: AsyncSession, sms: Sms, kind: str, detail: str, actor: Actor = SYSTEM) -> None:
    """One more line in the message's history, written when the session next writes, after the message itself."""
    event = SmsEvent(sms_id=sms.id, sms=sms, kind=kind, detail=detail, actor_id=actor.user_id, actor_name=actor.name)
    session.add(event)
    hint(session, TOPIC, sms.id)


async def note(session: AsyncSession, sms: Sms, kind: str, detail: str, actor: Actor = SYSTEM) -> None:
    """One more line in the message's history, written now with whatever else was changed."""
    line(session, sms, kind, detail, actor)
    await session.flush()


async def become(session: AsyncSession, sms: Sms, state: SmsState, detail: str, actor: Actor = SYSTEM) -> None:
    """A new state, why, and by whom."""
    sms.state, sms.reason = state, detail
    if state is SmsState.SUBMITTED:
        sms.submitted_at = now()
    if state is SmsState.DELIVERED:
        sms.delivered_at = sms.delivered_at or now()
    if state is not SmsState.UNKNOWN:
        sms.person_asked_at = None
    await note(session, sms, state, detail, actor)


async def adopt(session: AsyncSession, sms: Sms, receipt: SmsReceipt) -> None:
    """This report is about this message."""
    receipt.sms_id = sms.id
    sms.gateway_id = sms.gateway_id or receipt.gateway_id
    after = after_report(SmsState(sms.state), receipt.status)
    said = f"网关回执：{receipt.status}" + (f"（{receipt.error}）" if receipt.error else "")
    if after != sms.state:
        await become(session, sms, after, said)
    else:
        await note(session, sms, "report", said)


async def keep(session: AsyncSession, report: Report) -> SmsReceipt | None:
    """Store a report; None when the gateway sent it before."""
    made = await session.execute(
        insert(SmsReceipt)
        .values(
            gateway=report.gateway,
            gateway_id=report.gateway_id,
            phone=report.phone,
            status=report.status,
            error=report.error,
            at=now(),
        )
        .on_conflict_do_nothing()
        .returning(SmsReceipt.id)
    )
    found = made.scalar_one_or_none()
    return None if found is None else await session.get_one(SmsReceipt, found)
