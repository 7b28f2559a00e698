"""Recordings for people: a page of those that a search means, by a key, the newest or the oldest first.

What is typed says itself what it is: a telephone number or its last four digits, an order number or its beginning, the
name of who talked, else words that were said or that stand in the order. All pieces must match.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import cast, literal, select, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import load_only

from callflow.models import Call
from core import clock
from core.actor import Actor
from core.db import among, paged
from core.ledger.service import record
from core.permissions import Permission
from crm.finding.asked import Search, Understood, Wanted, sealed_from, understand
from crm.finding.hits import Hits, hits
from crm.finding.models import RecordingWords
from crm.search.export import searched
from crm.search.narrow import Narrowed
from crm.search.stretches import Key, Stretch
from crm.search.through import Index, through
from crm.search.windows import windows_of
from crm.tickets.belonging import orders_of
from recordings.models import Recording

PAGE = 50
ACTION, SUBJECT = "recording.search", "recording-search"
INDEX = Index(RecordingWords.started_at, RecordingWords.recording_id, RecordingWords.words, Recording.id)
Rows = list[tuple[Recording, Call | None]]
After = tuple[datetime, UUID] | None
_WITH_CALLS = (
    select(Recording, Call)
    .outerjoin(Call, Call.id == Recording.call_id)
    .options(load_only(Call.id, Call.caller, Call.agent_name, raiseload=True))
)
"""Of a call only what a list of recordings shows."""
_IDS = select(Recording.id).outerjoin(Call, Call.id == Recording.call_id)
"""Rows are found before they are read; PostgreSQL leaves the calls out where nothing is asked of them."""


@dataclass(frozen=True)
class Found:
    """Recordings, each with its call where that is known; how the search was understood; where its words stand."""

    rows: Rows
    understood: Understood
    hits: dict[UUID, Hits]


async def find(
    session: AsyncSession,
    actor: Actor,
    wanted: Wanted,
    *,
    after: After = None,
    limit: int = PAGE,
) -> Found:
    """Who looks for words in what was said is in the ledger with them. Raises Denied, Denied("no-phone-search")."""
    actor.require(Permission.RECORDING_VIEW)
    search = await understand(session, actor, wanted)
    if search.understood.words and after is None:
        await record(session, actor, ACTION, SUBJECT, "", filter=searched(wanted.search))
    way = _through if search.terms and not search.few else _straight
    ids = await way(session, search, wanted, after, limit)
    found = await session.execute(_WITH_CALLS.where(among(Recording.id, ids)))
    by_id: dict[UUID, tuple[Recording, Call | None]] = {row[0].id: (row[0], row[1]) for row in found}
    rows = [by_id[id] for id in ids]
    return Found(rows, search.understood, await _hits(session, actor, rows[:PAGE], search.understood.words))


async def _hits(session: AsyncSession, actor: Actor, rows: Rows, words: Sequence[str]) -> dict[UUID, Hits]:
    """Where the words stand, but for what is sealed from this actor and was found by who talked."""
    if not words or not rows:
        return {}
    calls = [call.id for _, call in rows if call]
    sealed = await orders_of(session, calls, sealed_from(actor))
    return await hits(session, [row for row, _ in rows if row.call_id not in sealed], words)


async def _straight(session: AsyncSession, search: Search, wanted: Wanted, after: After, limit: int) -> Sequence[UUID]:
    """By the catalogue's own indexes; what is asked of the index is asked of each row."""
    query = _IDS.where(*search.where)
    if search.terms:
        asked = cast(literal(search.terms), TSQUERY)
        query = query.join(RecordingWords, RecordingWords.recording_id == Recording.id)
        query = query.where(RecordingWords.words.op("@@")(asked))
    query = paged(query, Recording.started_at, Recording.id, after, oldest_first=wanted.oldest_first)
    if search.few:  # a plan made without knowing the number would be made for none
        await session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    return (await session.scalars(query.limit(limit))).all()


async def _through(session: AsyncSession, search: Search, wanted: Wanted, after: After, limit: int) -> Sequence[UUID]:
    """By the index, in windows of days: a frequent word is read no further than the page needs."""
    part = Stretch(terms=search.terms, newest_first=not wanted.oldest_first)
    # the oldest first there is a known end, up to which windows are opened
    until = search.until or (clock.now() if wanted.oldest_first else None)
    narrowed = Narrowed((), since=search.since, until=until)
    key = Key(0, *after) if after else None
    windows = await windows_of(session, Recording.started_at, narrowed, [part], range(1), key)
    if not windows:
        return []
    page = through(_IDS.where(*search.where), INDEX, part.newest_first, windows, limit)
    return [row[0] for row in await session.execute(page)]
