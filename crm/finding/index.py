"""Keeps the index in step: reads every recording that has the mark, a few at a time, and takes the mark away.

The mark is the catalogue row's own (`recordings.finding`). Whoever sets it waits for the row while it is read here, so
nothing that changes meanwhile is missed.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core import clock
from core.db import Database, among
from core.service import Loop
from crm.finding import facts
from crm.installed import installed
from crm.search.index import anonymous, searchable
from crm.tickets.belonging import orders_of
from crm.tickets.models import Assignment, Ticket
from recordings.models import Recording
from recordings.said import SaidLine, said

BATCH = 100
"""So few that whoever changes an order waits for a moment only."""
EVERY_S = 2.0
NAME = "录音检索"

_WRITE = text(
    "INSERT INTO recording_words (recording_id, started_at, words)"
    " SELECT id, started_at, array_to_tsvector(string_to_array(kept, ' '))"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:started AS timestamptz[]), CAST(:kept AS text[]))"
    " AS one (id, started_at, kept)"
    " ON CONFLICT (recording_id) DO UPDATE SET words = excluded.words"
    " WHERE recording_words.words IS DISTINCT FROM excluded.words"
)


def indexer(db: Database) -> Loop:
    """The service that does."""
    return Loop(NAME, EVERY_S, lambda: index_due(db))


async def index_due(db: Database) -> int:
    """Read all recordings that have the mark -> how many."""
    done = 0
    while True:
        async with db.session() as session:
            read = await _batch(session)
        done += read
        if read < BATCH:
            return done


async def many_wait(session: AsyncSession) -> bool:
    """Whether more wait than are read at once, as after an upgrade: what is found may lack some."""
    waiting = select(Recording.id).where(Recording.indexed_at.is_(None)).limit(1).offset(BATCH)
    return await session.scalar(waiting) is not None


async def _batch(session: AsyncSession) -> int:
    due = select(Recording).where(Recording.indexed_at.is_(None)).order_by(Recording.id.desc()).limit(BATCH)
    rows = (await session.scalars(due.with_for_update(skip_locked=True))).all()
    if not rows:
        return 0
    calls = {row.call_id for row in rows if row.call_id}
    spoken: dict[UUID, list[SaidLine]] = defaultdict(list)
    for line in await said(session, calls):
        spoken[line.call_id].append(line)
    talked = await session.execute(select(Call.id, Call.agent_id).where(among(Call.id, calls)))
    agents = {row.id: row.agent_id for row in talked}
    orders, units = await _orders(session, calls)
    kept = []
    for row in rows:
        of_call = orders.get(row.call_id, ()) if row.call_id else ()
        found = facts.kept(
            of=(row.kind, row.state, row.seconds),
            day=row.started_at.astimezone(UTC).date(),
            agent_id=agents.get(row.call_id) if row.call_id else None,
            units={unit for order in of_call for unit in units[order.id]},
            said=[line.text for line in (spoken[row.call_id] if row.call_id else ()) if line.lies_in(row)],
            order=[text for order in of_call for text in _texts(order)],
            openers=[order.opened_by for order in of_call if order.sealed],
        )
        kept.append(" ".join(sorted(found)))
    ids = [row.id for row in rows]
    await session.execute(_WRITE, {"ids": ids, "started": [row.started_at for row in rows], "kept": kept})
    await session.execute(update(Recording).where(among(Recording.id, ids)).values(indexed_at=clock.now()))
    return len(rows)


async def _orders(
    session: AsyncSession, calls: Collection[UUID]
) -> tuple[dict[UUID, list[Ticket]], dict[UUID, list[UUID]]]:
    """The orders of these calls by their call, and the units of each."""
    of_call = await orders_of(session, calls)
    ids = {id for some in of_call.values() for id in some}
    found = {one.id: one for one in await session.scalars(select(Ticket).where(among(Ticket.id, ids)))}
    units: dict[UUID, list[UUID]] = defaultdict(list)
    parts = select(Assignment.ticket_id, Assignment.unit_id)
    for row in await session.execute(parts.where(among(Assignment.ticket_id, ids))):
        units[row.ticket_id].append(row.unit_id)
    return {call: [found[id] for id in sorted(some)] for call, some in of_call.items()}, units


def _texts(order: Ticket) -> list[str]:
    """Title and matter, once a person has touched the order."""
    if not searchable(order):
        return []
    matter = installed().county.matters.get(order.matter or "")
    return [anonymous(order, order.title), matter.name if matter else ""]
