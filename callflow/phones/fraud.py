"""Calls out to numbers that the bureau does not allow: one may be a slip, several smell of a stolen telephone."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.incidents.models import Incident
from callflow.incidents.service import note_trouble
from callflow.models import Call
from callflow.phones.calls_out import REFUSED
from callflow.rules import Direction, Outcome
from core.ledger.models import LedgerEntry

KIND = "toll-fraud"
SPAN = timedelta(minutes=10)
REPEATED = 3


async def watch(session: AsyncSession, at: datetime) -> Incident | None:
    """Count the minute of `at` while several were refused in the last ten; the open incident, if there is one."""
    asked = await session.scalar(select(func.count()).where(LedgerEntry.action == REFUSED, LedgerEntry.at > at - SPAN))
    dialled = await session.scalar(
        select(func.count()).where(
            Call.direction == Direction.OUTBOUND, Call.outcome == Outcome.REFUSED, Call.arrived_at > at - SPAN
        )
    )
    return await note_trouble(session, KIND, at, present=(asked or 0) + (dialled or 0) >= REPEATED)
