"""How calls sound, as the agents' pages measure it."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.phones.models import CallSound
from core.live import hint

SOUNDS = cast(Table, CallSound.__table__)
GOOD_LOSS, FAIR_LOSS = 0.01, 0.05
GOOD_JITTER_MS, FAIR_JITTER_MS = 20, 40
GOOD_RTT_MS, FAIR_RTT_MS = 150, 300
"""ITU-T G.114: up to 150 ms one way is not noticed; concealment hides some per cent of lost packets (G.107)."""


def judged(loss: float, jitter_ms: int, rtt_ms: int | None) -> str:
    """好, 一般 or 差: the worst of the three."""
    rtt = rtt_ms or 0
    if loss <= GOOD_LOSS and jitter_ms <= GOOD_JITTER_MS and rtt <= GOOD_RTT_MS:
        return "好"
    if loss <= FAIR_LOSS and jitter_ms <= FAIR_JITTER_MS and rtt <= FAIR_RTT_MS:
        return "一般"
    return "差"


async def note(
    session: AsyncSession, node: str, linkedid: str, user_id: UUID, stretch: UUID, **measured: object
) -> None:
    """Write a stretch, or what it has become; one of somebody else's stays as it is."""
    statement = insert(SOUNDS).values(id=stretch, node=node, linkedid=linkedid, user_id=user_id, **measured)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_=measured,
            where=(SOUNDS.c.user_id == user_id) & (SOUNDS.c.linkedid == linkedid),
        )
    )
    call = await session.scalar(select(Call.id).where(Call.node == node, Call.linkedid == linkedid))
    if call:
        hint(session, "call", call)


async def of_call(session: AsyncSession, call: Call) -> Sequence[CallSound]:
    """The stretches of a call in their order."""
    found = await session.scalars(
        select(CallSound)
        .where(CallSound.node == call.node, CallSound.linkedid == call.linkedid)
        .order_by(CallSound.began_at, CallSound.id)
    )
    return found.all()
