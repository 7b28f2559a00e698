"""Proof that an archived object stands in a seal as it is; whoever holds the paper checks it without this product."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Conflict, NotFound
from recordings.archived import Archived, catalogues
from recordings.proof.merkle import leaf_hash, path
from recordings.proof.models import ArchiveLeaf
from recordings.proof.seal import seal_of
from recordings.proof.statement import leaf, printed
from recordings.store.digests import sha256, sm3

FORMAT = "hotline-archive-proof-1"


async def find(session: AsyncSession, object_id: UUID) -> Archived:
    """An archived object of whatever kind. Raises `NotFound("recording-unknown")`."""
    for table in catalogues():
        if row := await session.get(table, object_id):
            return row
    raise NotFound("recording-unknown", "没有这份录音或附件。")


async def prove(session: AsyncSession, row: Archived) -> dict[str, Any]:
    """The inclusion proof: the object's leaf as it is hashed, its place, the audit path of both trees, the seal.

    Raises `NotFound("not-sealed")`, `Conflict("row-altered")` where the catalogue no longer says what was sealed.
    """
    kept = await session.get(ArchiveLeaf, row.id)
    if kept is None:
        raise NotFound("not-sealed", f"这份{row.called}还没有封存：每天零点十分以后封存前一天归档的录音和附件。")
    said = leaf(row)
    if leaf_hash(sha256, said).hex() != kept.hash:
        why = f"这份{row.called}的目录记录与封存时不同，不能出具证明。请运行 hotline archive verify。"
        raise Conflict("row-altered", why)
    leaves = (
        await session.scalars(select(ArchiveLeaf).where(ArchiveLeaf.day == kept.day).order_by(ArchiveLeaf.place))
    ).all()
    return {
        "format": FORMAT,
        "leaf": said.decode(),
        row.what: json.loads(said),
        "place": kept.place,
        "count": len(leaves),
        "path": [one.hex() for one in path(sha256, [bytes.fromhex(leaf.hash) for leaf in leaves], kept.place)],
        "path_sm3": [one.hex() for one in path(sm3, [bytes.fromhex(leaf.hash_sm3) for leaf in leaves], kept.place)],
        "seal": printed(await seal_of(session, kept.day)),
    }
