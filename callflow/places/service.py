"""Kept places in the database: promised, entered anew, closed with their call."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.fold import Field
from callflow.models import Call
from callflow.places.models import Place
from core.clock import now
from core.db import among


@dataclass(frozen=True)
class Open:
    """A place that is kept: its row, and what is known of its call."""

    place: Place
    promised: bool
    """Whether the caller was told that the place is kept."""
    called: bool
    """Whether the citizen was called already, once and for all."""


async def promise(session: AsyncSession, place: Place) -> None:
    """Keep the place; a call has one."""
    await session.execute(delete(Place).where(Place.node == place.node, Place.linkedid == place.linkedid))
    session.add(place)
    await session.flush()


async def kept(session: AsyncSession, node: str) -> list[Open]:
    """All open places of a node, in the order in which their citizens arrived; locked."""
    rows = await session.execute(
        select(Place, Call.evidence)
        .outerjoin(Call, (Call.node == Place.node) & (Call.linkedid == Place.linkedid))
        .where(Place.node == node, Place.closed_at.is_(None))
        .order_by(Place.since, Place.id)
        .with_for_update(of=Place)
    )
    return [
        Open(place, Field.KEPT_AT in (evidence or ()), Field.CALLED_AT in (evidence or ())) for place, evidence in rows
    ]


async def close(session: AsyncSession, calls: Collection[tuple[str, str]]) -> None:
    """These calls (node, linkedid) are over, and so are their places."""
    of_nodes: dict[str, list[str]] = {}
    for node, linkedid in calls:
        of_nodes.setdefault(node, []).append(linkedid)
    for node, linkedids in of_nodes.items():
        mine = (Place.node == node, among(Place.linkedid, linkedids), Place.closed_at.is_(None))
        await session.execute(update(Place).where(*mine).values(closed_at=now()))
