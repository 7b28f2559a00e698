"""Reporting a backup, and the lights as they stand now: counts and ages only, nobody's data (F06-3)."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import board
from core.clock import now
from core.errors import Invalid
from core.health import Health
from core.live import hint
from crm.city.writing import waits_since
from crm.operations import rules
from crm.operations.models import BackupReport
from crm.operations.rules import Delivery
from crm.operations_policy import OperationsPolicy
from crm.sms.console import ConsoleGateway
from crm.sms.models import Sms
from crm.sms.rules import SmsState

DAY, WEEK = timedelta(hours=24), timedelta(days=7)
REPORT_WITHIN = timedelta(hours=1)
"""An operator's report that has not come by then counts against the rate until it comes."""
CLOCKS_DIFFER = timedelta(minutes=5)
"""The machine of the backups may be ahead of ours by so much."""
LONGEST_NOTE = 200


async def report_backup(session: AsyncSession, at: datetime, note: str = "") -> BackupReport:
    """A backup was done at `at`. Raises Invalid for the future and for a note that is too long."""
    if at > now() + CLOCKS_DIFFER:
        raise Invalid("backup-in-future", "备份完成的时间不能晚于现在。")
    if len(note.strip()) > LONGEST_NOTE:
        raise Invalid("note-too-long", f"说明不能超过{LONGEST_NOTE}字。")
    made = BackupReport(at=at, note=note.strip())
    session.add(made)
    await session.flush()
    hint(session, board.TOPIC)
    return made


async def deliveries(session: AsyncSession) -> tuple[Delivery, Delivery]:
    """Messages that were made in the last 24 hours and in the last 7 days and given to an operator; what the console
    took went nowhere and does not count."""
    at = now()
    counted = select(*_counts(Sms.created_at > at - DAY, at), *_counts(Sms.created_at > at - WEEK, at))
    given = (Sms.created_at > at - WEEK, Sms.gateway != ConsoleGateway.name)
    found = (await session.execute(counted.where(*given))).one()
    return Delivery(*found[:4]), Delivery(*found[4:])


def _counts(within: Any, at: datetime) -> list[Any]:
    on_the_way = Sms.state.in_((SmsState.SUBMITTING, SmsState.SUBMITTED))
    late = Sms.submitting_at <= at - REPORT_WITHIN
    kinds = (
        Sms.state == SmsState.DELIVERED,
        Sms.state == SmsState.FAILED,
        or_(Sms.state == SmsState.UNKNOWN, and_(on_the_way, late)),
        and_(on_the_way, ~late),
    )
    return [func.count().filter(within, kind) for kind in kinds]


async def lights(session: AsyncSession, policy: OperationsPolicy, delivery: tuple[Delivery, Delivery]) -> list[Health]:
    """Backup, write-back and SMS as the bureau's limits see them."""
    at = now()
    last = await session.scalar(select(BackupReport).order_by(BackupReport.at.desc()).limit(1))
    count, oldest = await waits_since(session)
    return [
        rules.of_backup(last.at if last else None, last.note if last else "", at, policy.backup_hours),
        rules.of_write_back(count, oldest, at, policy.write_back_hours),
        rules.of_delivery(*delivery, policy.sms_rate, policy.sms_least),
    ]
