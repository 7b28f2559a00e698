"""After an older backup of the database was restored: what had been destroyed before is destroyed again.

The archive itself says what: each part of each certificate lies in it, signed.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import SYSTEM
from core.clock import now
from core.db import Database, among
from core.errors import Conflict
from core.ledger import record
from core.log import get
from recordings.archived import Archived, catalogues
from recordings.disposal import paper
from recordings.disposal.erase import Shredder, certify, destroy_keys, end, open_certificate, read_whole
from recordings.disposal.models import Disposal, DisposalCertificate
from recordings.store.models import ArchiveKey
from recordings.store.port import Store
from recordings.store.vault import PLAIN

log = get(__name__)


@dataclass
class Replayed:
    """What was found in the archive, and done again."""

    certificates: set[str] = field(default_factory=set)
    objects: int = 0
    """That the certificates name."""
    again: int = 0
    """That the database had brought back."""
    unknown: set[str] = field(default_factory=set)
    """Certificates of which the database knew nothing: no job of its own will finish them."""
    refused: list[str] = field(default_factory=list)
    """Papers that were not followed, and objects that are others than those that were destroyed, in Chinese."""


async def replay_disposals(db: Database, shredder: Shredder, say: Callable[[str], object] = lambda _: None) -> Replayed:
    """Destroy again every key, file and word that any certificate of the archive names and the database still has.

    Idempotent: what is as it should be stays. A paper that this installation did not sign is not followed.
    """
    done = Replayed()
    async for key in _papers(shredder.store):
        number, n = paper.place_of(key)
        try:
            one = paper.read(await read_whole(shredder.store, key), shredder.signer.known())
        except paper.BadPaper as error:
            done.refused.append(f"{key}：{error}")
            continue
        said = one.document
        if said["certificate"]["number"] != number or said.get("part") != n:
            done.refused.append(f"{key}：不在应在的位置")
            continue
        done.certificates.add(number)
        await (_part(db, shredder, said, done) if n else _whole(db, one, number))
        say(f"已核对销毁记录 {key}")
    for number in sorted(done.unknown):
        await certify(db, shredder, number)
    return done


async def _papers(store: Store) -> AsyncIterator[str]:
    """Keys of all papers, a certificate behind its parts."""
    async for stat in store.list(PLAIN):
        yield stat.key


async def _part(db: Database, shredder: Shredder, said: dict[str, Any], done: Replayed) -> None:
    named = {what: {UUID(one["id"]): one for one in some} for what, some in paper.objects(said).items()}
    async with db.session() as session:
        certificate, new = await open_certificate(session, paper.certificate_of(said["certificate"]))
        done.unknown |= {certificate.number} if new else set()
        back: list[Archived] = []
        for table in catalogues():
            back += await _back(session, table, named[table.what], certificate.number, done)
        keys = [one["store_key"] for some in named.values() for one in some.values()]
        alive = set(await session.scalars(select(ArchiveKey.store_key).where(among(ArchiveKey.store_key, keys))))
        values = [
            _disposal(what, id, one, certificate.number, said["part"])
            for what, some in named.items()
            for id, one in some.items()
        ]
        if values:
            await session.execute(insert(Disposal).values(values).on_conflict_do_nothing())
        await end(session, certificate, back)
        await destroy_keys(session, keys)
        again = len({row.store_key for row in back} | alive)
        if again:
            about = ("archive.replay", "disposal", certificate.number)
            await record(session, SYSTEM, *about, part=said["part"], objects=again)
    for key in keys:
        await shredder.store.delete(key)
    done.objects += len(keys)
    done.again += again


async def _back(
    session: AsyncSession, table: type[Archived], named: dict[UUID, dict[str, Any]], number: str, done: Replayed
) -> list[Archived]:
    """Rows that the database has as if they had not ended; what is another object than the paper says is left out."""
    wanted = select(table).where(among(table.id, list(named))).order_by(table.id).with_for_update()
    rows = {row.id: row for row in await session.scalars(wanted)}
    for id, row in rows.items():
        if (row.store_key, row.digest) != (named[id]["store_key"], named[id]["sha256"]):
            done.refused.append(f"{row.called} {id}：与销毁证书 {number} 所列的不是同一份")
            del named[id]
    return [row for row in rows.values() if row.id in named and row.destroyed_at is None]


def _disposal(what: str, id: UUID, one: dict[str, Any], number: str, n: int) -> dict[str, Any]:
    """A row of what was destroyed then; that its file goes again is this very command's business."""
    return {
        "object_id": id,
        "what": what,
        "certificate": number,
        "part": n,
        "store_key": one["store_key"],
        "digest": one["sha256"],
        "erased_at": datetime.fromisoformat(one["destroyed_at"]),
        "gone_at": now(),
    }


async def _whole(db: Database, one: paper.Paper, number: str) -> None:
    async with db.session() as session:
        row, _ = await open_certificate(session, paper.certificate_of(one.document["certificate"]))
        if row.finished_at is None:
            row.finished_at, row.stored_at = datetime.fromisoformat(one.document["finished_at"]), now()
            row.document, row.public_key, row.signature = one.text, one.public_key, one.signature


async def require_replayed(db: Database, store: Store) -> None:
    """Raise `Conflict("disposals-not-replayed")` where the database has what was lawfully destroyed.

    By the names of the archive's papers, and by keys and rows that stand beside their own disposal: nothing is read.
    """
    papers = {paper.place_of(key) async for key in _papers(store)}
    async with db.session() as session:
        known = {(row[0], row[1]) for row in await session.execute(_known())}
        certified = select(DisposalCertificate.number).where(DisposalCertificate.finished_at.is_not(None))
        known |= {(number, None) for number in await session.scalars(certified)}
        back = papers - known or await _brought_back(session)
    if back:
        said = "数据库由较早的备份恢复，其中有已依法销毁的档案。请先运行 hotline archive replay-disposals，再启动服务。"
        raise Conflict("disposals-not-replayed", said)


def _known() -> Any:
    return select(Disposal.certificate, Disposal.part).distinct()


async def _brought_back(session: AsyncSession) -> bool:
    keys = select(ArchiveKey.id).join(Disposal, Disposal.store_key == ArchiveKey.store_key).limit(1)
    if await session.scalar(keys) is not None:
        return True
    for table in catalogues():
        rows = select(table.id).join(Disposal, Disposal.object_id == table.id).where(table.destroyed_at.is_(None))
        if await session.scalar(rows.limit(1)) is not None:
            return True
    return False
