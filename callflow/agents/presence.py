"""What Asterisk says of the agents' telephones, kept where every process can read it."""

from collections.abc import Collection, Iterable

from sqlalchemy import delete, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Presence
from callflow.agents.rules import Place
from callflow.sources.ami import Member
from core.clock import now
from core.live import hint

TALKABLE = frozenset({"idle", "talking", "ringing", "on-hold"})
"""Devices behind which a human may sit."""


async def note(session: AsyncSession, node: str, members: Iterable[Member], gone: Collection[Place] = ()) -> None:
    """Write what these members are now."""
    rows = [
        {
            "node": node,
            "queue": one.queue,
            "extension": one.extension,
            "device": one.device,
            "paused": one.paused,
            "reason": one.reason or None,
            "in_call": one.in_call,
            "calls_taken": one.calls_taken,
            "last_call_at": one.last_call_at,
            "seen_at": now(),
        }
        for one in sorted(members, key=lambda one: (one.queue, one.extension))
    ]
    if rows:
        statement = insert(Presence)
        keys = ("node", "queue", "extension")
        change = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=change), rows)
    if gone:
        place = tuple_(Presence.queue, Presence.extension)
        await session.execute(delete(Presence).where(Presence.node == node, place.in_(list(gone))))
    if rows or gone:
        await hint(session, "agents")


async def replace(session: AsyncSession, node: str, members: Collection[Member]) -> None:
    """These are all members that there are."""
    places = [(one.queue, one.extension) for one in members]
    stale = delete(Presence).where(Presence.node == node)
    if places:
        stale = stale.where(tuple_(Presence.queue, Presence.extension).not_in(places))
    await session.execute(stale)
    await note(session, node, members)
