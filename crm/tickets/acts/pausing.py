"""Whether the clock stands still while a return is under review (第十二条(三), D9): by default it does not."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import local
from crm.procedure import ReturnsPolicy
from crm.tickets.case import Case
from crm.tickets.dues import last_day, move
from crm.tickets.models import ReturnRequest


async def resume(session: AsyncSession, case: Case, request: ReturnRequest | None) -> dict[str, object]:
    """Where the bureau reads it so, the working days from the lead's application to its refusal did not count.

    What the history keeps of it; nothing by default, or where both were on one day.
    """
    if request is None or not case.policy[ReturnsPolicy].stops_clock or case.handling.due_at is None:
        return {}
    stood = days_between(case, request.requested_at, case.at)
    if not stood:
        return {}
    ends = case.rules.extended(last_day(case), stood)
    await move(session, case, ends, "suspension", f"退回审核期间停止计时{stood}个工作日（解释口径 D9）")
    return {"due_at": ends.at.isoformat(), "suspended_days": stood}


def days_between(case: Case, since: datetime, until: datetime) -> int:
    """Working days after the day of `since` up to that of `until`."""
    first, last = local(since).date(), local(until).date()
    days = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
    return sum(case.rules.calendar.kind(day).works for day in days)
