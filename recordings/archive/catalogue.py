"""The catalogue's rows of what came from the spool: each recording once, and each with its call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core import clock
from core.db import among, new_id
from core.events import publish
from core.live import hint
from core.rows import insert_rows
from recordings.archive.rules import RATE, last_protected_day, offset
from recordings.archive.sound import Encoded
from recordings.archive.spool import Raw
from recordings.events import RecordingStored
from recordings.models import Kind, Recording
from recordings.proof.arrival import arrival, note

RECORDINGS = cast(Table, Recording.__table__)


@dataclass(frozen=True)
class Kept:
    """A recording in the store; one without a sample has neither key nor sound."""

    raw: Raw
    key: str = ""
    encoded: Encoded | None = None
    archived: bool = False
    """It was in the store and in the catalogue before."""


async def catalogue(session: AsyncSession, node: str, kept: list[Kept], protected_years: int) -> None:
    """Write the rows, each once: the same sound again finds its row, another sound under the name gets a new
    part."""
    if not kept:
        return
    linkedids = {one.raw.take.linkedid for one in kept}
    rows = await session.execute(
        select(RECORDINGS.c.linkedid, RECORDINGS.c.kind, RECORDINGS.c.part, RECORDINGS.c.digest)
        .where(RECORDINGS.c.node == node, among(RECORDINGS.c.linkedid, linkedids))
        .order_by(RECORDINGS.c.id)
        .with_for_update()
    )
    known: dict[tuple[str, Kind], dict[int, str]] = {}
    for row in rows:
        known.setdefault((row.linkedid, row.kind), {})[row.part] = row.digest
    of_node = select(Call.linkedid, Call.id, Call.connected_at).where(Call.node == node)
    found = await session.execute(of_node.where(among(Call.linkedid, linkedids)))
    calls = {call.linkedid: call for call in found}
    at = await arrival(session)
    fresh: list[dict[str, Any]] = []
    for one in kept:
        same = known.setdefault((one.raw.take.linkedid, one.raw.take.kind), {})
        if new := _row(node, one, same, calls.get(one.raw.take.linkedid), protected_years):
            same[new["part"]] = new["digest"]
            fresh.append({**new, "catalogued_at": at})
    if fresh:
        await insert_rows(session, RECORDINGS, fresh)
        await note(session, [Recording(**new) for new in fresh], at)
    await _tell(
        session,
        [
            RecordingStored(recording_id=new["id"], call_id=new["call_id"], kind=new["kind"])
            for new in fresh
            if new["call_id"]
        ],
    )


def _row(
    node: str,
    one: Kept,
    known: Mapping[int, str],
    call: Row[str, UUID, datetime | None] | None,
    protected_years: int,
) -> dict[str, Any] | None:
    """The catalogue's row of a recording, `known` being its likes' digests by part; None where it has one, or was
    no recording: a recorder that waited in the queue for an agent in vain leaves empty files, also where the
    citizen kept the place and was recorded when called back."""
    if one.archived:
        return None
    raw, take, digest = one.raw, one.raw.take, one.encoded.digest if one.encoded else ""
    talked = call is None or call.connected_at is not None or take.kind is Kind.MESSAGE
    if not raw.samples and (not talked or any(known.values())):
        return None
    if digest in known.values() if digest else known.get(take.part) == "":
        return None
    seconds = (one.encoded.samples if one.encoded else 0) / RATE
    started_at = raw.changed_at - timedelta(seconds=seconds)
    part = take.part if take.part not in known else max(known) + 1
    return {
        "id": new_id(),
        "call_id": call.id if call else None,
        "node": node,
        "linkedid": take.linkedid,
        "kind": take.kind,
        "part": part,
        "started_at": started_at,
        "offset_s": offset(take.kind, part, started_at, call.connected_at if call else None),
        "seconds": seconds,
        "channels": 1 if take.kind is Kind.MESSAGE else 2,
        "digest": digest,
        "sm3": one.encoded.sm3 if one.encoded else "",
        "store_key": one.key,
        "size": one.encoded.size if one.encoded else 0,
        "protected_until": last_protected_day(started_at, protected_years),
        "state": raw.state,
        "transcribed_at": None if one.encoded else clock.now(),
    }


async def adopt(session: AsyncSession, node: str) -> None:
    """Give recordings whose call was unknown when they were archived to that call."""
    orphans = await session.execute(
        select(Recording, Call.id, Call.connected_at)
        .join(Call, (Call.node == Recording.node) & (Call.linkedid == Recording.linkedid))
        .where(Recording.call_id.is_(None), Recording.node == node)
        .with_for_update(of=Recording)
    )
    adopted = []
    for row, call_id, connected_at in orphans:
        row.call_id = call_id
        row.offset_s = offset(row.kind, row.part, row.started_at, connected_at)
        adopted.append(RecordingStored(recording_id=row.id, call_id=call_id, kind=row.kind))
    await _tell(session, adopted)


async def _tell(session: AsyncSession, stored: list[RecordingStored]) -> None:
    await publish(session, *stored)
    for one in stored:
        hint(session, "recordings", one.call_id)
