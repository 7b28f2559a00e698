"""What an object has to stand in its day's seal, from the moment that it comes into a catalogue."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import SYSTEM
from core.ledger.service import record_each
from recordings.archived import Archived
from recordings.proof.models import ArchiveSeal
from recordings.proof.statement import archived, leaf_digest


async def arrival(session: AsyncSession) -> datetime:
    """Now, but never within a day that is sealed: a clock that was set back over midnight is no tampering."""
    sealed = await session.scalar(select(func.max(ArchiveSeal.day)))
    return max(clock.now(), clock.midnight(sealed + timedelta(days=1))) if sealed else clock.now()


async def note(session: AsyncSession, rows: Sequence[Archived], at: datetime) -> None:
    """What the day's seal will say of each of these rows of one kind, which came `at` then, is in the ledger at once:
    until that seal, too, nobody changes them."""
    if rows:
        what = rows[0].what
        said: dict[object, dict[str, str]] = {row.id: {"leaf": leaf_digest(row)} for row in rows}
        await record_each(session, SYSTEM, archived(what), what, at, said)
