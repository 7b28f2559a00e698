"""Hints that something changed: (topic, id), may be lost, carry no state; pages fetch again after them."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import RV, PQGen
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.log import get

log = get(__name__)
CHANNEL = "hotline_"
"""What the name of a topic's channel begins with: a listener is woken by its own topics alone."""
RECONNECT_S = 1.0
LOOK_S = 1.0
RESYNC = "resync"
"""Topic of the hint after a lost connection: whatever you show, fetch it again."""
DESK = "desk"
"""Topic of what concerns one person's own desk: the id is the user's, and nobody else is told."""


@dataclass(frozen=True)
class Hint:
    """What changed; `id` may be empty."""

    topic: str
    id: str = ""


_HINTS = "live hints"
_NOTIFY = text(
    f"SELECT pg_notify('{CHANNEL}' || topic, id)"
    " FROM unnest(CAST(:topics AS text[]), CAST(:ids AS text[])) AS hint (topic, id)"
)


def hint(session: AsyncSession, topic: str, id: object = "") -> None:
    """Tell listeners, once this transaction commits; saying it again in the same one adds nothing."""
    session.info.setdefault(_HINTS, {})[topic, str(id)] = None


async def tell(session: AsyncSession) -> None:
    """Send what this transaction hinted at, in one statement; `Database.session` does it before it commits."""
    if hints := session.info.pop(_HINTS, None):
        topics, ids = zip(*hints, strict=True)
        await session.execute(_NOTIFY, {"topics": list(topics), "ids": list(ids)})


class Listener(psycopg.AsyncConnection[Any]):
    """A connection that sleeps until the server speaks, and looks up now and then. psycopg's own does it ten times a
    second, for a Ctrl-C that an event loop learns of by itself."""

    async def wait(self, gen: PQGen[RV], interval: float = LOOK_S, timeout: float | None = None) -> RV:
        return await super().wait(gen, interval, timeout)


async def listen(dsn: str, topics: Collection[str]) -> AsyncIterator[Hint]:
    """Hints of these topics for ever; a lost connection is made anew and followed by a `resync` hint."""
    wanted = sql.SQL("; ").join(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL + topic)) for topic in topics)
    first = True
    while True:
        connection: Listener | None = None
        try:
            connection = await Listener.connect(dsn, autocommit=True, connect_timeout=5)
            await connection.execute(wanted)
            if not first:
                yield Hint(RESYNC)
            first = False
            async for notify in connection.notifies():
                yield Hint(notify.channel.removeprefix(CHANNEL), notify.payload)
        except psycopg.OperationalError:
            log.warning("live.reconnecting")
            first = False
        finally:
            if connection is not None:
                await connection.close()
        await asyncio.sleep(RECONNECT_S)
