"""The sealer as a service: it chains what was written, and remembers where the chain ended.

A chain that was cut at its end, or made anew, is whole by itself; the next day's seal knows better, and until then
whoever chained it.
"""

from sqlalchemy import select

from core.actor import SYSTEM
from core.db import Database
from core.health import Health
from core.ledger.models import LedgerEntry
from core.ledger.service import Link, head, record, seal
from core.log import get
from core.service import Loop

log = get(__name__)
EVERY_S = 1.0
CHAINING = "审计封存"
"""Part of the health board."""


class Sealer:
    """Runs in the worker; several may run at once. What one found stays told until it is started anew."""

    name = CHAINING

    def __init__(self, db: Database) -> None:
        self._db = db
        self._loop = Loop(self.name, EVERY_S, self.step)
        self._known = Link()
        self._cut = ""

    async def start(self) -> None:
        """Begin with what is not chained yet."""
        await self._loop.start()

    async def stop(self) -> None:
        """What is not chained yet is chained by the next."""
        await self._loop.stop()

    async def step(self) -> None:
        """Look whether the chain still leads where it led, then lengthen it."""
        async with self._db.session() as session:
            there = select(LedgerEntry.digest).where(LedgerEntry.seal == self._known.place)
            if self._known.place and await session.scalar(there) != self._known.digest:
                self._cut = f"第 {self._known.place} 条或其后的审计日志被改动、删除，链尾已不是封存时的样子"
                log.error("ledger.cut", place=self._known.place)
                await record(session, SYSTEM, "ledger.cut", "ledger", self._known.place, digest=self._known.digest)
        await seal(self._db)
        async with self._db.session() as session:
            self._known = await head(session)

    async def health(self) -> Health:
        """Not well since the end of the chain was not where this had left it."""
        if not self._cut:
            return await self._loop.health()
        mend = "请保留现场，运行 hotline ledger verify，并立即通知责任人和审计管理员。"
        return Health(CHAINING, False, self._cut, mend)
