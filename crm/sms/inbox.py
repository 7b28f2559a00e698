"""Reports and replies from the gateway, kept before they are acknowledged."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Database
from core.live import hint
from core.personal import blind
from crm.sms.journal import adopt, keep, one_at_a_time
from crm.sms.models import Sms, SmsReply
from crm.sms.port import Reply, Report
from crm.sms.rules import SmsState

LONGEST_REPLY = 2_000


class DatabaseInbox:
    """An `Inbox` in our own tables, one transaction each."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def report(self, report: Report) -> None:
        """Keep a delivery report and apply it to its message."""
        async with self._db.session() as session:
            await take_report(session, report)

    async def reply(self, reply: Reply) -> None:
        """Keep a citizen's reply beside the last message to that number."""
        async with self._db.session() as session:
            await take_reply(session, reply)


async def take_report(session: AsyncSession, report: Report) -> None:
    """By the gateway's id; else it settles the one message of unknown outcome to that number, if it is one."""
    await one_at_a_time(session, report.gateway_id, *([blind(report.phone)] if report.phone else []))
    receipt = await keep(session, report)
    if receipt is None:
        return
    by_id = select(Sms).where(Sms.gateway == report.gateway, Sms.gateway_id == report.gateway_id)
    sms = await session.scalar(by_id.with_for_update())
    if sms is None and report.phone:
        unknown = (
            await session.scalars(
                select(Sms)
                .where(Sms.state == SmsState.UNKNOWN, Sms.gateway == report.gateway, Sms.gateway_id.is_(None))
                .where(Sms.to.matches(report.phone))
                .with_for_update()
            )
        ).all()
        sms = unknown[0] if len(unknown) == 1 else None
    if sms is not None:
        await adopt(session, sms, receipt)


async def take_reply(session: AsyncSession, reply: Reply) -> None:
    """Store it; the order page shows it with the order that it most likely answers."""
    last = await session.scalar(
        select(Sms).where(Sms.to.matches(reply.phone)).order_by(Sms.created_at.desc(), Sms.id.desc()).limit(1)
    )
    row = SmsReply(
        gateway=reply.gateway,
        phone=reply.phone,
        text=reply.text[:LONGEST_REPLY].replace("\x00", ""),
        sms_id=last.id if last else None,
        ticket_id=last.ticket_id if last else None,
    )
    session.add(row)
    await session.flush()
    hint(session, "sms", row.id)
