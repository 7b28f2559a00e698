"""What pages ask of the check and of the seals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import among
from recordings.archived import Archived, catalogues
from recordings.proof.models import ArchiveLeaf, ArchiveSeal


@dataclass(frozen=True)
class Days:
    """Which seals: from a day, to a day, both included; `wrong`: those with a finding alone."""

    first: date | None = None
    last: date | None = None
    wrong: bool = False
    oldest_first: bool = False


async def seals(session: AsyncSession, wanted: Days, after: date | None, limit: int) -> Sequence[ArchiveSeal]:
    """A page of the seals, from behind the day `after` on."""
    day = ArchiveSeal.day
    query = select(ArchiveSeal).order_by(day if wanted.oldest_first else day.desc()).limit(limit)
    if after:
        query = query.where(day > after if wanted.oldest_first else day < after)
    if wanted.first:
        query = query.where(day >= wanted.first)
    if wanted.last:
        query = query.where(day <= wanted.last)
    if wanted.wrong:
        query = query.where(ArchiveSeal.finding != "")
    return (await session.scalars(query)).all()


async def wrong_objects(session: AsyncSession, limit: int) -> list[tuple[Archived, datetime]]:
    """What the check found other than it was, with when it was archived; recordings first, the oldest first."""
    found: list[tuple[Archived, datetime]] = []
    for table in catalogues():
        wanted = select(table, table.came()).where(table.finding != "").order_by(table.id).limit(limit - len(found))
        found += [(row, came) for row, came in await session.execute(wanted)]
    return found


async def sealed_on(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, date]:
    """Object -> the day in whose seal it stands; of those that stand in one."""
    if not ids:
        return {}
    leaves = select(ArchiveLeaf).where(among(ArchiveLeaf.object_id, list(ids)))
    return {one.object_id: one.day for one in await session.scalars(leaves)}


async def held(session: AsyncSession, day: date) -> str:
    """What the seal of a day holds, for its paper: `录音 12 份、附件 3 份`."""
    of_day = select(ArchiveLeaf.what, func.count()).where(ArchiveLeaf.day == day).group_by(ArchiveLeaf.what)
    counts = {row[0]: row[1] for row in await session.execute(of_day)}
    return "、".join(f"{table.called} {counts.get(table.what, 0)} 份" for table in catalogues())
