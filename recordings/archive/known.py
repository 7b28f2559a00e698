"""What the database knows of what lies in a spool: the calls, and what of it is archived already."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.rules import Direction
from core.db import among
from recordings.archive.catalogue import RECORDINGS
from recordings.archive.spool import Raw
from recordings.models import Kind


@dataclass(frozen=True)
class Archived:
    """A stored sound of the same call and kind."""

    key: str
    seconds: float


@dataclass(frozen=True)
class Known:
    """By linkedid; a call that is unknown yet is in neither of the first two."""

    ended: dict[str, bool]
    directions: dict[str, Direction]
    archived: dict[tuple[str, Kind], list[Archived]]


async def known(session: AsyncSession, node: str, raws: list[Raw]) -> Known:
    """What is known of these."""
    archived: dict[tuple[str, Kind], list[Archived]] = defaultdict(list)
    if not raws:
        return Known({}, {}, archived)
    linkedids = {raw.take.linkedid for raw in raws}
    of_calls = select(Call.linkedid, Call.ended_at, Call.direction)
    calls = (await session.execute(of_calls.where(Call.node == node, among(Call.linkedid, linkedids)))).all()
    mine = (RECORDINGS.c.node == node, among(RECORDINGS.c.linkedid, linkedids), RECORDINGS.c.digest != "")
    of_rows = select(RECORDINGS.c.linkedid, RECORDINGS.c.kind, RECORDINGS.c.store_key, RECORDINGS.c.seconds)
    for row in await session.execute(of_rows.where(*mine).order_by(RECORDINGS.c.id)):
        archived[row.linkedid, row.kind].append(Archived(row.store_key, row.seconds))
    ended = {call.linkedid: call.ended_at is not None for call in calls}
    return Known(ended, {call.linkedid: Direction(call.direction) for call in calls}, archived)
