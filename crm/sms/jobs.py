"""Submitting one message: once for certain, or marked as unknown; never silently twice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now
from core.db import Database
from core.errors import Unavailable
from core.jobs import JobContext, Retry, job
from core.personal import blind
from crm.sms.journal import adopt, become, locked, note, one_at_a_time
from crm.sms.models import Sms, SmsReceipt
from crm.sms.outlet import SmsOutlet
from crm.sms.port import NotSent, Refused, Uncertain
from crm.sms.rules import SmsState

RECORD_WAITS_S = (0.5, 1, 2, 4, 8, 16, 30)
"""A response that is known must be written down: an outage of the database is waited for."""

UNPROVEN = "提交后未收到网关应答，是否发出不明；等待网关回执"


@dataclass(frozen=True)
class Claimed:
    """A message that this job, and no other, submits now."""

    sms_id: UUID
    to: str
    text: str


@job("sms.submit", queue="sms", retry=Retry(attempts=2_000, base_s=2, cap_s=120))
async def submit(ctx: JobContext, sms_id: str) -> None:
    """Submit `sms_id` through the process's outlet. Raises NotSent, upon which the job is tried again."""
    outlet = ctx.service(SmsOutlet)
    outlet.require_ready()
    claimed = await _claim(ctx.db, UUID(sms_id), outlet.gateway.name)
    if claimed is None:
        return
    try:
        gateway_id = await outlet.submit(claimed.sms_id, claimed.to, claimed.text)
    except NotSent as error:
        why = error.message
        await _record(ctx.db, claimed.sms_id, lambda session, sms: _not_sent(session, sms, why))
        raise
    except Refused as error:
        reason = str(error)
        await _record(ctx.db, claimed.sms_id, lambda session, sms: become(session, sms, SmsState.FAILED, reason))
    except Uncertain:
        await _record(ctx.db, claimed.sms_id, unproven)
    else:
        await _record(ctx.db, claimed.sms_id, lambda session, sms: _submitted(session, sms, gateway_id))


async def _claim(db: Database, sms_id: UUID, gateway: str) -> Claimed | None:
    """Mark the message as being submitted, in a transaction of its own, before anything goes out.

    Found in that state already: an earlier process died between submit and response.
    """
    async with db.session() as session:
        sms = await locked(session, sms_id)
        if sms is not None and sms.state == SmsState.SUBMITTING:
            await unproven(session, sms)
        if sms is None or sms.state != SmsState.QUEUED or sms.to is None:
            return None
        sms.gateway, sms.gateway_id = gateway, None
        sms.attempts += 1
        sms.submitting_at = now()
        await become(session, sms, SmsState.SUBMITTING, f"第{sms.attempts}次提交")
        return Claimed(sms.id, sms.to, sms.text)


async def _record(db: Database, sms_id: UUID, change: Callable[[AsyncSession, Sms], Awaitable[None]]) -> None:
    for wait in (*RECORD_WAITS_S, None):
        try:
            async with db.session() as session:
                sms = await locked(session, sms_id)
                if sms is not None and sms.state == SmsState.SUBMITTING:
                    await change(session, sms)
            return
        except Unavailable:
            if wait is None:
                raise
            await asyncio.sleep(wait)


async def _submitted(session: AsyncSession, sms: Sms, gateway_id: str) -> None:
    sms.gateway_id = gateway_id
    await become(session, sms, SmsState.SUBMITTED, "网关已接收")
    await one_at_a_time(session, gateway_id)
    early = await session.scalars(
        select(SmsReceipt)
        .where(SmsReceipt.gateway == sms.gateway, SmsReceipt.gateway_id == gateway_id, SmsReceipt.sms_id.is_(None))
        .order_by(SmsReceipt.at)
    )
    for receipt in early:
        await adopt(session, sms, receipt)


async def _not_sent(session: AsyncSession, sms: Sms, reason: str) -> None:
    sms.state, sms.reason = SmsState.QUEUED, reason
    await note(session, sms, "not-sent", reason)


async def unproven(session: AsyncSession, sms: Sms) -> None:
    """No response: unknown, unless exactly one report to that number since then tells."""
    await become(session, sms, SmsState.UNKNOWN, UNPROVEN)
    if sms.to is None or sms.submitting_at is None:
        return
    await one_at_a_time(session, blind(sms.to))
    since = await session.scalars(
        select(SmsReceipt)
        .where(SmsReceipt.gateway == sms.gateway, SmsReceipt.sms_id.is_(None), SmsReceipt.at >= sms.submitting_at)
        .where(SmsReceipt.phone.matches(sms.to))
    )
    receipts = since.all()
    if len({receipt.gateway_id for receipt in receipts}) == 1:
        for receipt in receipts:
            await adopt(session, sms, receipt)
