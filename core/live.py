"""Hints that something changed: (topic, id), may be lost, carry no state; pages fetch again after them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.log import get

log = get(__name__)
CHANNEL = "hotline_live"
RECONNECT_S = 1.0
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
_NOTIFY = text("SELECT pg_notify(:channel, payload) FROM unnest(CAST(:payloads AS text[])) AS payload")


def hint(session: AsyncSession, topic: str, id: object = "") -> None:
    """Tell listeners, once this transaction commits; saying it again in the same one adds nothing."""
    session.info.setdefault(_HINTS, {})[f"{topic} {id}"] = None


async def tell(session: AsyncSession) -> None:
    """Send what this transaction hinted at, in one statement; `Database.session` does it before it commits."""
    if hints := session.info.pop(_HINTS, None):
        await session.execute(_NOTIFY, {"channel": CHANNEL, "payloads": list(hints)})


async def listen(dsn: str) -> AsyncIterator[Hint]:
    """Hints for ever; a lost connection is made anew and followed by a `resync` hint."""
    first = True
    while True:
        connection: psycopg.AsyncConnection[Any] | None = None
        try:
            connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=5)
            await connection.execute(f"LISTEN {CHANNEL}")
            if not first:
                yield Hint(RESYNC)
            first = False
            async for notify in connection.notifies():
                topic, _, id = notify.payload.partition(" ")
                yield Hint(topic, id)
        except psycopg.OperationalError:
            log.warning("live.reconnecting")
            first = False
        finally:
            if connection is not None:
                await connection.close()
        await asyncio.sleep(RECONNECT_S)
