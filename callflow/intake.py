"""Where facts enter PostgreSQL, and where lines that nobody could read are kept.

Asterisk's journals are what outlives everything: a fact that PostgreSQL cannot take now stays with its reader or is
read from there again, so nothing is kept twice, and the line never waits for the database.
"""

import asyncio
import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import Counter

from callflow import store
from callflow.facts import Fact
from callflow.fold import State
from callflow.spoken import service as spoken
from callflow.spoken.rules import is_spoken
from core.db import Database
from core.errors import Unavailable
from core.health import Health
from core.log import get

log = get(__name__)

BATCH = 200
REMEMBERED = 2000
"""Calls whose state is remembered: what journals repeat of them costs no statement."""

SAVED = Counter("hotline_line_facts_saved", "Facts written to PostgreSQL")
KNOWN = Counter("hotline_line_facts_known", "Facts that said nothing new, such as those of journals that repeat others")
POSTPONED = Counter(
    "hotline_line_facts_postponed", "Facts that PostgreSQL could not take, at every attempt: tried again until it does"
)
ASIDE = Counter("hotline_line_facts_set_aside", "Facts and journal lines that nobody could read or store")


class Intake:
    """The line role's one door for facts. `aside`: the file of those that a person has to look at."""

    name = "fact-intake"

    def __init__(self, db: Database, aside: Path) -> None:
        self._db = db
        self._aside = aside
        self._disk = threading.Lock()
        self._states: OrderedDict[store.Key, State] = OrderedDict()
        self._away = False

    async def health(self) -> Health:
        """Well while PostgreSQL takes what comes and nothing was set aside."""
        if lines := await asyncio.to_thread(self._lines_aside):
            return Health(self.name, False, f"有 {lines} 行记录无法识别。", f"请查看 {self._aside}。")
        if self._away:
            return Health(self.name, False, "通话记录暂未写入数据库。", "数据库恢复后自动补录，请检查数据库。")
        return Health(self.name, True, "运行正常")

    async def save(self, facts: Sequence[Fact]) -> None:
        """Store facts; one that PostgreSQL refuses is set aside and costs the others nothing.

        Raises Unavailable when the database is away: the journals still have them.
        """
        for start in range(0, len(facts), BATCH):
            part = self._news(facts[start : start + BATCH])
            if not part:
                continue
            try:
                await self._store(part)
            except Unavailable:
                POSTPONED.inc(len(facts) - start)
                self._away = True
                raise
            except Exception:
                log.exception("facts.refused", count=len(part))
                await self._one_by_one(part)

    async def set_aside(self, lines: Sequence[str]) -> None:
        """Keep unreadable lines for a person. Raises OSError when the disk does not take them."""
        ASIDE.inc(len(lines))
        await asyncio.to_thread(self._append, [line.replace("\n", " ") for line in lines])

    def _news(self, facts: Sequence[Fact]) -> list[Fact]:
        """Those of calls about which they say something new."""
        by_call: dict[store.Key, list[Fact]] = {}
        for fact in facts:
            by_call.setdefault((fact.node, fact.linkedid), []).append(fact)
        news = [told for key, told in by_call.items() if not store.unchanged(self._states.get(key), told)]
        found = [fact for told in news for fact in told]
        KNOWN.inc(len(facts) - len(found))
        return found

    async def _store(self, facts: Sequence[Fact]) -> None:
        async with self._db.session() as session:
            states = await store.save(session, [one for one in facts if not is_spoken(one.linkedid)])
            await spoken.save(session, [one for one in facts if is_spoken(one.linkedid)])
        self._away = False
        SAVED.inc(len(facts))
        for key, state in states.items():
            self._states[key] = state
            self._states.move_to_end(key)
        while len(self._states) > REMEMBERED:
            self._states.popitem(last=False)

    async def _one_by_one(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            try:
                await self._store([fact])
            except Unavailable:
                raise
            except Exception:
                log.exception("facts.set-aside", kind=fact.kind, linkedid=fact.linkedid)
                await self.set_aside([fact.model_dump_json(exclude={"data"})])

    def _append(self, lines: Sequence[str]) -> None:
        self._aside.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._disk, os.fdopen(os.open(self._aside, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())

    def _lines_aside(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return sum(1 for _ in self._aside.open("rb"))
        return 0
