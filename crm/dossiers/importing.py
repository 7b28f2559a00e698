"""Import 导入: a verified package becomes a read-only case here, or gives back what was lost; all of it or nothing."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock, ledger
from core.actor import Actor
from core.db import Database, new_id
from core.errors import Conflict, NotFound
from core.live import hint
from core.locks import lock
from crm.dossiers.closing import parts_of
from crm.dossiers.fates import attachment_of, ended, recording_of
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.manifest import Entry
from crm.dossiers.models import Dossier, DossierObject, DossierPart
from crm.dossiers.opening import Opened, reading
from crm.dossiers.verifying import Verified
from recordings.store.digests import digests_while_read
from recordings.store.port import BLOCK, Damaged


@dataclass
class Imported:
    """What an import did."""

    dossier: Dossier
    new: bool
    parts: int = 0
    objects: int = 0
    """Entries whose bytes were put into the store."""

    @property
    def said(self) -> str:
        """For whoever imported."""
        if self.new:
            return f"已导入 {self.dossier.number}：{self.parts} 卷，{self.objects} 件，只读。"
        if self.parts or self.objects:
            return f"{self.dossier.number} 此前已有：补入 {self.parts} 卷，恢复 {self.objects} 件。"
        return f"{self.dossier.number} 此前已有，内容一致，没有变化。"


async def bring(
    db: Database, keeper: DossierKeeper, actor: Actor, opened: Opened, verified: Verified, source: str
) -> Imported:
    """Take it in. Raises Conflict where this installation tells otherwise of the same package or order, Unavailable."""
    async with db.session() as session:
        found = await _known(session, verified)
    put, made = list[str](), list[str]()
    try:
        objects = await _objects(db, keeper, opened, verified, put, made)
        async with db.session() as session:
            await lock(session, f"dossier:{verified.first.ticket}")
            found = await _known(session, verified)
            done = await _rows(session, verified, found, objects, actor)
            done.objects = len(put)
            told: dict[str, Any] = {"package": verified.first.package, "parts": done.parts, "objects": done.objects}
            told |= {"source": source, "keys": sorted(verified.keys)}
            await ledger.record(session, actor, "dossier.import", "order", verified.first.ticket, **told)
            hint(session, "dossier", done.dossier.id)
            return done
    except BaseException:
        for key in made:
            await keeper.store.delete(key)
        raise


async def _known(session: AsyncSession, verified: Verified) -> Dossier | None:
    """The dossier as it is here. Raises Conflict("package-differs")."""
    first = verified.first
    found = await session.get(Dossier, UUID(first.package))
    other = await session.scalar(select(Dossier).where(Dossier.ticket_id == UUID(first.ticket)))
    if other is not None and (found is None or other.id != found.id):
        raise Conflict("package-differs", f"{first.number} 在本系统另有一个档案包（another package of it exists）。")
    if found is None:
        return None
    for (part, _), kept in zip(verified.parts, await parts_of(session, found.id), strict=False):
        if kept.sha256 != verified.export.parts[part.part]:
            said = f"{first.number} 第{part.part}卷与本系统所存的不同（part differs from the one kept here）"
            raise Conflict("package-differs", f"{said}，没有导入任何内容。")
    return found


async def _objects(
    db: Database, keeper: DossierKeeper, opened: Opened, verified: Verified, put: list[str], made: list[str]
) -> dict[str, str]:
    """Where each entry lies now; what does not is `put` into the store, under a name of its own where it was never here
    (`made`)."""
    first = verified.first
    at = clock.local(datetime.fromisoformat(first.closed_at))
    async with db.session() as session:
        rows = await session.scalars(select(DossierObject).where(DossierObject.dossier_id == UUID(first.package)))
        kept = {one.path: one.store_key for one in rows}
        gone = await ended(session, verified.here)
    for path, entry in verified.here.items():
        if path in gone:  # what lawfully ended does not come back
            continue
        key = kept.get(path, f"dossiers/{at:%Y/%m}/{first.package}/{path}")
        if not (path in kept and await _lies(keeper, key, entry)):
            made += [] if path in kept else [key]
            await _put(keeper, opened, path, entry, key)
            put.append(key)
        kept[path] = key
    return kept


async def _lies(keeper: DossierKeeper, key: str, entry: Entry) -> bool:
    """Whether the entry's bytes are there and right."""
    try:
        digests, _ = await digests_while_read(keeper.store.read(key))
    except (NotFound, Damaged):
        return False
    return digests.sha256 == entry.sha256


async def _put(keeper: DossierKeeper, opened: Opened, path: str, entry: Entry, key: str) -> None:
    """By way of a file without a name, never as a whole in memory."""
    with TemporaryFile(dir=keeper.work) as file:

        def copy() -> None:
            with reading(path), opened.open(path) as source:
                while block := source.read(BLOCK):
                    file.write(block)

        await asyncio.to_thread(copy)
        await keeper.store.put(key, cast(BinaryIO, file), entry.sha256)


async def _rows(
    session: AsyncSession, verified: Verified, found: Dossier | None, objects: dict[str, str], actor: Actor
) -> Imported:
    first = verified.first
    dossier = found or Dossier(id=UUID(first.package), ticket_id=UUID(first.ticket), number=first.number)
    if found is None:
        dossier.title, dossier.sealed, dossier.salt = first.title, first.sealed, secrets.token_hex(32)
        dossier.archived_at = datetime.fromisoformat(first.closed_at)
        dossier.imported_at, dossier.imported_by = clock.now(), actor.name
        session.add(dossier)
        await session.flush()
    have = len(await parts_of(session, dossier.id))
    for part, signed in verified.parts[have:]:
        data = part.canonical().decode()
        lines = dict(line.split(": ", 1) for line in signed.text.splitlines()[1:])
        row = DossierPart(id=new_id(), dossier_id=dossier.id, n=part.part, cause=part.cause, manifest=data)
        row.closed_at, row.closed_by = datetime.fromisoformat(part.closed_at), part.closed_by
        row.entries, row.size, row.previous = len(part.entries), part.size, part.previous
        row.sha256, row.sm3 = lines["sha256"], lines["sm3"]
        row.public_key, row.signature = signed.public_key, signed.signature
        session.add(row)
    known = set(await session.scalars(select(DossierObject.path).where(DossierObject.dossier_id == dossier.id)))
    session.add_all(
        DossierObject(
            dossier_id=dossier.id,
            path=path,
            store_key=key,
            recording_id=recording_of(path),
            attachment_id=attachment_of(path),
        )
        for path, key in objects.items()
        if path not in known
    )
    return Imported(dossier, found is None, len(verified.parts[have:]))
