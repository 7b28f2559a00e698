"""Destroying archived objects: keys, words and tombstones in one transaction, then the signed record, then the files.

In this order a crash leaves nothing half known. Before the transaction nothing has happened. After it no copy can be
read any more, and the record follows before any file goes: a database that is lost meanwhile and restored from an older
backup either knows nothing of it and still has every file, or learns of it from the record.
"""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now
from core.db import Database, among
from core.errors import NotFound
from recordings.archived import Archived, catalogues
from recordings.disposal import paper
from recordings.disposal.models import Disposal, DisposalCertificate
from recordings.disposal.words import erase_words
from recordings.models import Recording
from recordings.proof.signing import Signer
from recordings.store.models import ArchiveKey
from recordings.store.port import Store, digest_of


class Shredder:
    """What destroying takes: the archive and the signature, as a service of the jobs' process."""

    def __init__(self, store: Store, signer: Signer) -> None:
        self.store, self.signer = store, signer


async def erase(session: AsyncSession, certificate: DisposalCertificate, rows: Sequence[Archived]) -> int | None:
    """Destroy these locked rows' keys in this transaction, and their words -> which part they are, if any.

    The database refuses what is still protected, and what no certificate names.
    """
    if not rows:
        return None
    last = select(func.max(Disposal.part)).where(Disposal.certificate == certificate.number)
    n, at = (await session.scalar(last) or 0) + 1, now()
    session.add_all(
        Disposal(
            object_id=row.id,
            what=row.what,
            certificate=certificate.number,
            part=n,
            store_key=row.store_key,
            digest=row.digest,
            erased_at=at,
        )
        for row in rows
    )
    await session.flush()
    await end(session, certificate, rows)
    return n


async def end(session: AsyncSession, certificate: DisposalCertificate, rows: Sequence[Archived]) -> None:
    """Keys and words of these go, and the rows become tombstones; each stands in `disposals` already."""
    await destroy_keys(session, [row.store_key for row in rows])
    told = select(Disposal).where(among(Disposal.object_id, [row.id for row in rows]))
    erased = {one.object_id: one.erased_at for one in await session.scalars(told)}
    for row in rows:
        row.destroyed_at, row.certificate, row.finding = erased[row.id], certificate.number, ""
    await session.flush()
    sounds = [row for row in rows if isinstance(row, Recording)]
    for sound in sounds:
        sound.transcribed_at = sound.transcribed_at or erased[sound.id]
    if certificate.words:
        await erase_words(session, sounds, f"通话文字已随录音依法销毁（销毁证书 {certificate.number}）。")
    await session.flush()


async def destroy_keys(session: AsyncSession, store_keys: Iterable[str]) -> None:
    """From the commit on no copy of these files can be read."""
    await session.execute(delete(ArchiveKey).where(among(ArchiveKey.store_key, list(store_keys))))


async def finish(db: Database, shredder: Shredder, number: str) -> None:
    """Record and remove what was erased by this certificate and still has its files. Idempotent."""
    async with db.session() as session:
        waiting = select(Disposal.part).where(Disposal.certificate == number, Disposal.gone_at.is_(None)).distinct()
        parts = sorted(await session.scalars(waiting))
    for n in parts:
        await _finish_part(db, shredder, number, n)


async def _finish_part(db: Database, shredder: Shredder, number: str, n: int) -> None:
    async with db.session() as session:
        text, keys = await part_text(session, number, n)
    await put(shredder.store, paper.part_key(number, n), paper.signed(shredder.signer, text))
    for key in keys:
        await shredder.store.delete(key)
    async with db.session() as session:
        of_part = update(Disposal).where(Disposal.certificate == number, Disposal.part == n, Disposal.gone_at.is_(None))
        await session.execute(of_part.values(gone_at=now()))


async def part_text(session: AsyncSession, number: str, n: int) -> tuple[str, list[str]]:
    """What is signed of a part, and where its files lie."""
    certificate = await session.get_one(DisposalCertificate, number)
    rows: list[Archived] = []
    for table in catalogues():
        of_part = select(table).join(Disposal, Disposal.object_id == table.id)
        rows += await session.scalars(of_part.where(Disposal.certificate == number, Disposal.part == n))
    rows.sort(key=lambda row: row.id)
    return paper.part(certificate, n, rows), [row.store_key for row in rows]


async def certify(db: Database, shredder: Shredder, number: str) -> None:
    """Sign the certificate over all parts as they lie in the archive, and store it. Idempotent."""
    async with db.session() as session:
        last = await session.scalar(select(func.max(Disposal.part)).where(Disposal.certificate == number)) or 0
    known = shredder.signer.known()
    keys = [paper.part_key(number, n) for n in range(1, last + 1)]
    parts = [paper.read(await read_whole(shredder.store, key), known) for key in keys]
    async with db.session() as session:
        row = await session.get_one(DisposalCertificate, number, with_for_update=True)
        if row.finished_at is None:
            row.finished_at = now()
            made = paper.signed(shredder.signer, paper.whole(row, parts, row.finished_at))
            row.document, row.public_key, row.signature = made.text, made.public_key, made.signature
        stored = paper.Paper(row.document, row.public_key, row.signature)
    await put(shredder.store, paper.whole_key(number), stored)
    async with db.session() as session:
        row = await session.get_one(DisposalCertificate, number, with_for_update=True)
        row.stored_at = row.stored_at or now()


async def put(store: Store, key: str, one: paper.Paper) -> None:
    """Into the archive; the same again changes nothing."""
    content = io.BytesIO(one.stored())
    await store.put(key, content, digest_of(content))


async def read_whole(store: Store, key: str) -> bytes:
    """A small object."""
    return b"".join([block async for block in store.read(key)])


async def certificate(session: AsyncSession, number: str) -> DisposalCertificate:
    """Raises `NotFound("no-certificate")`."""
    row = await session.get(DisposalCertificate, number)
    if row is None:
        raise NotFound("no-certificate", "没有这份销毁证书。")
    return row


async def open_certificate(session: AsyncSession, given: dict[str, Any]) -> tuple[DisposalCertificate, bool]:
    """The certificate's row, locked, and whether it was made now."""
    made = insert(DisposalCertificate).values(given).on_conflict_do_nothing().returning(DisposalCertificate.number)
    new = await session.scalar(made) is not None
    row = await session.get_one(DisposalCertificate, given["number"], with_for_update=True, populate_existing=True)
    return row, new
