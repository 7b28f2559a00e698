"""Proof that a recording stands in a seal as it is; whoever holds the paper checks it without this product."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Conflict, NotFound
from recordings.models import Recording
from recordings.proof.merkle import leaf_hash, path
from recordings.proof.models import ArchiveLeaf
from recordings.proof.seal import seal_of
from recordings.proof.statement import leaf, printed
from recordings.store.digests import sha256, sm3

FORMAT = "hotline-archive-proof-1"


async def prove(session: AsyncSession, recording_id: UUID) -> dict[str, Any]:
    """The inclusion proof: the recording's leaf as it is hashed, its place, the audit path of both trees, the seal.

    Raises `NotFound("recording-unknown" | "not-sealed")`, `Conflict("row-altered")` where the catalogue no longer says
    what was sealed.
    """
    row, kept = await session.get(Recording, recording_id), await session.get(ArchiveLeaf, recording_id)
    if row is None:
        raise NotFound("recording-unknown", "没有这份录音。")
    if kept is None:
        raise NotFound("not-sealed", "这份录音还没有封存：每天零点十分以后封存前一天归档的录音。")
    said = leaf(row)
    if leaf_hash(sha256, said).hex() != kept.hash:
        raise Conflict("row-altered", "这份录音的目录记录与封存时不同，不能出具证明。请运行 hotline archive verify。")
    leaves = (
        await session.scalars(select(ArchiveLeaf).where(ArchiveLeaf.day == kept.day).order_by(ArchiveLeaf.place))
    ).all()
    return {
        "format": FORMAT,
        "leaf": said.decode(),
        "recording": json.loads(said),
        "place": kept.place,
        "count": len(leaves),
        "path": [one.hex() for one in path(sha256, [bytes.fromhex(leaf.hash) for leaf in leaves], kept.place)],
        "path_sm3": [one.hex() for one in path(sm3, [bytes.fromhex(leaf.hash_sm3) for leaf in leaves], kept.place)],
        "seal": printed(await seal_of(session, kept.day)),
    }
