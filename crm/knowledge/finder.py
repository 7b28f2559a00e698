"""Finds items while one types: the index of this process, in step with what is published and retired.

The database counts every publication and retirement, and each item keeps the count of its last one; whoever searches
compares the counter first, so that no lost hint shows an old answer. The hint only makes the process read before
anybody asks.
"""

import asyncio
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import today
from core.db import Database
from core.health import Health
from core.log import get
from core.woken import WokenLoop
from crm.installed import Installation, installed
from crm.knowledge.engine import Engine, Entry, Hit, Narrow
from crm.knowledge.models import KnowledgeCounter, KnowledgeItem, KnowledgeVersion
from crm.knowledge.service import TOPIC
from crm.knowledge.sounds import Cut
from crm.knowledge.wordings import Wordings
from crm.lexicon import lexicon_of

log = get(__name__)
LOOK_EVERY_S = 5.0
MOST_AT_ONCE = 200
"""More changes than these are read into a new index, off the event loop; the old one answers meanwhile."""
MOST_DEAD = 0.3
Changed = tuple[KnowledgeItem, KnowledgeVersion | None]


@dataclass(frozen=True)
class Seen:
    """Up to where an index is: the counter of which database."""

    n: int = 0
    epoch: UUID | None = None


def cut_of(installation: Installation) -> Cut:
    """The county's segmenter. Making it takes most of a second: make it off the event loop."""
    lexicon = lexicon_of(installation)
    return lambda run: [word for word, _ in lexicon.words(run)]


def engine_for(installation: Installation) -> Engine:
    """An empty index of a county. Makes the segmenter, too."""
    return Engine(cut_of(installation), Wordings(installation.county.knowledge.words))


class Finder:
    """One database's items in this process's memory."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._county: object = None
        self._seen = Seen()
        self._reading = asyncio.Lock()

    async def search(self, session: AsyncSession, text: str, narrow: Narrow, limit: int) -> list[Hit]:
        """The best items that are in force and valid today, best first."""
        engine = await self.current(session)
        return engine.search(text, narrow, today(), limit)

    def reading(self, text: str) -> tuple[dict[str, float], Cut]:
        """What a search asks for, and the segmenter by which it was read: for marking what was found."""
        engine = self._engine
        return (engine.asked(text), engine.cut) if engine else ({}, list)

    async def current(self, session: AsyncSession) -> Engine:
        """The index, in step with the database as this session sees it."""
        seen = await _counted(session)
        engine = self._engine
        if engine is None or seen != self._seen or self._county is not installed().county:
            async with self._reading:
                engine = await self._read(session, await _counted(session))
        return engine

    async def _read(self, session: AsyncSession, seen: Seen) -> Engine:
        engine = self._engine
        if engine is not None and seen == self._seen and self._county is installed().county:
            return engine
        afresh = (
            engine is None
            or seen.epoch != self._seen.epoch
            or seen.n < self._seen.n
            or self._county is not installed().county
            or engine.dead_share > MOST_DEAD
        )
        changed = await _changed(session, 0 if afresh else self._seen.n)
        if engine is None or afresh or len(changed) > MOST_AT_ONCE:
            rows = changed if afresh else await _changed(session, 0)
            engine = await asyncio.to_thread(_built, installed(), rows)
        else:
            for row in changed:
                _put(engine, row)
        self._engine, self._seen, self._county = engine, seen, installed().county
        log.info("knowledge.indexed", items=len(engine), counter=seen.n, changed=len(changed))
        return engine


def _built(installation: Installation, rows: list[Changed]) -> Engine:
    engine = engine_for(installation)
    for row in rows:
        _put(engine, row)
    return engine


def _put(engine: Engine, row: Changed) -> None:
    item, version = row
    if version is None:
        engine.drop(str(item.id))
    else:
        engine.put(entry_of(item, version))


def entry_of(item: KnowledgeItem, version: KnowledgeVersion) -> Entry:
    """A version as the index keeps it."""
    questions = (version.question, *version.other_ways, *filter(None, [" ".join(version.keywords)]))
    return Entry(
        str(item.id), item.number, version.n, questions, version.answer, version.kind or "", str(item.unit_id),
        version.area or "", version.valid_from, version.valid_to,
    )  # fmt: skip


async def _counted(session: AsyncSession) -> Seen:
    row = (await session.execute(select(KnowledgeCounter.n, KnowledgeCounter.epoch))).one_or_none()
    return Seen(row.n, row.epoch) if row else Seen()


async def _changed(session: AsyncSession, since: int) -> list[Changed]:
    """Items published or retired since, each with the version that answers, in their order."""
    of = (KnowledgeVersion.item_id == KnowledgeItem.id) & (KnowledgeVersion.n == KnowledgeItem.in_force)
    wanted = select(KnowledgeItem, KnowledgeVersion).outerjoin(KnowledgeVersion, of)
    rows = await session.execute(wanted.where(KnowledgeItem.changed > since).order_by(KnowledgeItem.number))
    return [(item, version) for item, version in rows]


_FINDERS: "WeakKeyDictionary[Database, Finder]" = WeakKeyDictionary()


def finder_of(db: Database) -> Finder:
    """The one of this process for a database."""
    found = _FINDERS.get(db)
    if found is None:
        found = _FINDERS[db] = Finder()
    return found


class FinderService:
    """Keeps the index of this process in step before anybody asks: a service of the web role."""

    name = "知识库检索"

    def __init__(self, db: Database) -> None:
        self._db = db
        self._loop = WokenLoop(self.name, LOOK_EVERY_S, self.look, db.dsn, TOPIC)

    async def start(self) -> None:
        """Read, then listen."""
        await self._loop.start()

    async def stop(self) -> None:
        """End it."""
        await self._loop.stop()

    async def health(self) -> Health:
        """Well while it can read."""
        return await self._loop.health()

    async def look(self) -> None:
        """Read what changed."""
        async with self._db.session() as session:
            await finder_of(self._db).current(session)
