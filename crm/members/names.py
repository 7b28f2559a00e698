"""What units were called at a moment: history keeps old names (第八条(一))."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import among
from core.identity.models import Unit
from crm.members.models import FormerProfile


class UnitNames:
    """Names of units through time."""

    def __init__(self, present: dict[UUID, str], former: dict[UUID, list[tuple[datetime, str]]]) -> None:
        self._present, self._former = present, former

    def at(self, unit_id: UUID | None, moment: datetime) -> str:
        """The name at that moment; empty where there is no such unit."""
        if unit_id is None:
            return ""
        before = next((name for until, name in self._former.get(unit_id, ()) if moment < until), None)
        return before or self._present.get(unit_id, "")

    def now(self, unit_id: UUID | None) -> str:
        """The present name."""
        return self._present.get(unit_id, "") if unit_id else ""


async def names_of(session: AsyncSession, unit_ids: Iterable[UUID] | None = None) -> UnitNames:
    """Present and former names of these units, or of all."""
    names = select(Unit.id, Unit.name, FormerProfile.until, FormerProfile.name.label("former"))
    names = names.outerjoin(FormerProfile, FormerProfile.unit_id == Unit.id).order_by(FormerProfile.until)
    if unit_ids is not None:
        names = names.where(among(Unit.id, list(dict.fromkeys(unit_ids))))
    present: dict[UUID, str] = {}
    former: dict[UUID, list[tuple[datetime, str]]] = {}
    for row in await session.execute(names):
        present[row.id] = row.name
        if row.until is not None:
            former.setdefault(row.id, []).append((row.until, row.former))
    return UnitNames(present, former)
