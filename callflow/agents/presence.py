"""What Asterisk says of the agents' telephones, kept where every process can read it."""

from collections.abc import Collection, Iterable
from typing import Any, cast

from sqlalchemy import Table, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents import days
from callflow.agents.models import Presence
from callflow.agents.rules import Place
from callflow.agents.timeline import QUIET, of_device
from callflow.sources.ami import Member
from core.clock import now
from core.db import among
from core.live import hint
from core.rows import insert_rows

PRESENCE = cast(Table, Presence.__table__)
TALKABLE = frozenset({"idle", "talking", "ringing", "on-hold"})
"""Devices behind which a human may sit."""


async def note(session: AsyncSession, node: str, members: Iterable[Member], gone: Collection[Place] = ()) -> None:
    """Write what these members are now."""
    members = list(members)
    rows = [
        {"node": node, "queue": one.queue, "extension": one.extension, "seen_at": now()} | _shown(one)
        for one in sorted(members, key=lambda one: (one.queue, one.extension))
    ]
    if rows:
        await insert_rows(session, PRESENCE, rows, then=_OR_CHANGE)
    if gone:
        place = tuple_(Presence.queue, Presence.extension)
        await session.execute(delete(Presence).where(Presence.node == node, place.in_(list(gone))))
    if rows or gone:
        await _note_days(session, members, gone)
        hint(session, "agents")


async def _note_days(session: AsyncSession, members: Iterable[Member], gone: Collection[Place]) -> None:
    """What the telephones do, for the agents' days; one that left every queue does nothing that counts."""
    states = {one.extension: of_device(one.device) for one in members}
    left = {extension for _, extension in gone} - states.keys()
    if left:
        left -= set(await session.scalars(select(Presence.extension).where(among(Presence.extension, left))))
    await days.note_devices(session, dict.fromkeys(left, QUIET) | states, now())


async def replace(session: AsyncSession, node: str, members: Collection[Member]) -> None:
    """These are all members that there are; only what differs is written."""
    found = await session.execute(
        select(Presence.queue, Presence.extension, *(getattr(Presence, name) for name in _SHOWN)).where(
            Presence.node == node
        )
    )
    rows = {(row.queue, row.extension): {name: getattr(row, name) for name in _SHOWN} for row in found}
    new = {(one.queue, one.extension): one for one in members}
    await note(
        session, node, [one for place, one in new.items() if rows.get(place) != _shown(one)], rows.keys() - new.keys()
    )


_SHOWN = ("device", "paused", "reason", "in_call", "calls_taken", "last_call_at")
_OR_CHANGE = "ON CONFLICT (node, queue, extension) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in (*_SHOWN, "seen_at")
)


def _shown(one: Member) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _SHOWN} | {"reason": one.reason or None}
