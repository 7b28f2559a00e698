"""Closing 成卷: an archived order becomes a signed part; what comes later becomes addenda 补卷, each with the digest of
the one before. Run again it does nothing, unless something has come."""

import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import clock
from core.actor import SYSTEM
from core.db import Database, new_id
from core.errors import Unavailable
from core.ledger import record
from core.ledger.models import LedgerEntry
from core.ledger.service import seal
from core.live import hint
from core.locks import lock
from crm.dossiers.collect import PASSING, Collected, collect
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.manifest import (
    Entry,
    Manifest,
    Need,
    added,
    folder,
    instant,
    link,
    newest,
    parse,
    statement,
)
from crm.dossiers.models import Dossier, DossierObject, DossierPart
from crm.tickets.models import Attachment, Ticket
from crm.tickets.states import State
from recordings.models import Kind, Recording
from recordings.store.digests import Digesting, digests_while_read
from recordings.store.port import Store


@dataclass(frozen=True)
class Cause:
    """Why a part is closed, when and by whom."""

    said: str
    at: datetime
    by: str


@dataclass(frozen=True)
class Lying:
    """An entry and where its bytes lie; `data` of what is yet to be stored."""

    entry: Entry
    store_key: str = ""
    recording_id: UUID | None = None
    attachment_id: UUID | None = None
    data: bytes | None = None


async def bring_up_to_date(db: Database, keeper: DossierKeeper, ticket_id: UUID, cause: Cause) -> DossierPart | None:
    """Close what is not closed yet of an archived order -> the new part; None where nothing came.

    Raises `Unavailable` while the store is away or the ledger is not chained.
    """
    await seal(db)
    async with db.session() as session:
        read = await _read(session, ticket_id)
        if read is None:
            return None
        dossier, parts, found = read
        if await session.scalar(select(LedgerEntry.id).where(_unchained(ticket_id)).limit(1)):
            raise Unavailable("ledger-not-chained", "审计日志尚未封存，稍后成卷。")
    lying = await _lying(keeper.store, found)
    before = newest(parse(one.manifest.encode(), "manifest") for one in parts)
    new = added([one.entry for one in lying], before, PASSING)
    if not new:
        return None
    manifest = Manifest(
        format="hotline-archive-package-1",
        package=str(dossier.id),
        ticket=str(ticket_id),
        number=dossier.number,
        title=dossier.title,
        sealed=dossier.sealed,
        part=len(parts),
        cause=cause.said,
        closed_at=instant(cause.at),
        closed_by=cause.by,
        previous=link(text_of(parts[-1]) if parts else None),
        policies=found.policies,
        calendars=found.calendars,
        entries=sorted(new, key=lambda one: one.path),
    )
    paths = {one.path for one in new}
    objects = [await _stored(keeper.store, dossier, manifest, one) for one in lying if one.entry.path in paths]
    return await _close(db, keeper, manifest, objects)


def text_of(part: DossierPart) -> str:
    """What was signed of a part."""
    manifest = parse(part.manifest.encode(), "manifest")
    return statement(manifest, part.sha256, part.sm3, part.public_key)


async def parts_of(session: AsyncSession, dossier_id: UUID) -> Sequence[DossierPart]:
    """All parts, the first one first."""
    wanted = select(DossierPart).where(DossierPart.dossier_id == dossier_id).order_by(DossierPart.n)
    return (await session.scalars(wanted)).all()


async def _read(session: AsyncSession, ticket_id: UUID) -> tuple[Dossier, Sequence[DossierPart], Collected] | None:
    """The order's dossier, made where it is archived and has none; None where it is not and has none."""
    await lock(session, f"dossier:{ticket_id}")
    ticket = await session.get(Ticket, ticket_id)
    dossier = await session.scalar(select(Dossier).where(Dossier.ticket_id == ticket_id))
    if ticket is None or (dossier is None and ticket.state != State.ARCHIVED):
        return None
    if dossier is None:
        dossier = Dossier(id=new_id(), ticket_id=ticket.id, number=ticket.number, sealed=ticket.sealed)
        dossier.salt = secrets.token_hex(32)
        dossier.archived_at = ticket.state_since
        session.add(dossier)
    found = await collect(session, ticket, dossier.salt)
    if not dossier.title:
        dossier.title = found.masker.text(ticket.title)[:60]
    return dossier, await parts_of(session, dossier.id), found


def _unchained(ticket_id: UUID) -> ColumnElement[bool]:
    return (LedgerEntry.subject == "order") & (LedgerEntry.subject_id == str(ticket_id)) & LedgerEntry.seal.is_(None)


async def _lying(store: Store, found: Collected) -> list[Lying]:
    """Every entry that there is now, with its digests."""
    lying = []
    for one in found.documents:
        given = Digesting()
        given.update(one.data)
        lying.append(
            Lying(_entry(one.path, one.title, "application/json", given.size, given.done(), one.needs), data=one.data)
        )
    for sound in found.sounds:
        if sound.digest and sound.destroyed_at is None:
            lying.append(await _sound(store, sound, found))
    for file in found.files:
        if file.destroyed_at is None:
            lying.append(await _file(store, file, found, (Need.IDENTITY,) if found.ticket.sealed else ()))
    return lying


async def _sound(store: Store, one: Recording, found: Collected) -> Lying:
    talk = next(talk for talk in found.talks if talk.call.id == one.call_id)
    apart = (Need.IDENTITY,) if talk.apart else ()
    said = (
        f"{talk.how.label}的{'录音' if one.kind is Kind.TALK else '留言'} {clock.local(one.started_at):%Y-%m-%d %H:%M}"
    )
    about = {
        "belongs": talk.how.value,
        "recording": str(one.id),
        "call": str(one.call_id),
        "started_at": instant(one.started_at),
        "seconds": f"{one.seconds:.1f}",
        "catalogued_at": instant(one.catalogued_at),
    }
    digests = one if one.sm3 else (await digests_while_read(store.read(one.store_key)))[0]
    path, both = f"recordings/{one.id}.{one.form}", (one.digest, digests.sm3)
    entry = _entry(path, said, one.form.media_type, one.size, both, (*apart, Need.SOUND), about)
    return Lying(entry, one.store_key, one.id)


async def _file(store: Store, one: Attachment, found: Collected, apart: tuple[Need, ...]) -> Lying:
    digests, size = await digests_while_read(store.read(one.store_key))
    ending = one.name.rpartition(".")[2].lower()
    material = found.materials.get(one.id)
    about, title = {"added_at": instant(one.added_at)}, found.masker.text(one.name)
    if material:
        about |= {"kind": material.kind, "dated": material.dated.isoformat()}
        about |= {"author": material.author, "file": title, "note": found.masker.text(material.note)}
        title = found.masker.text(material.title)
    kind = "materials" if material else "attachments"
    path = f"{kind}/{one.id}.{ending if ending.isalnum() and ending.isascii() else 'bin'}"
    entry = _entry(path, title, one.media_type, size, (one.digest, digests.sm3), apart, about)
    return Lying(entry, one.store_key, attachment_id=one.id)


def _entry(
    path: str,
    title: str,
    media_type: str,
    size: int,
    digests: object,
    needs: Sequence[Need],
    about: dict[str, str] | None = None,
) -> Entry:
    sha256, sm3 = digests if isinstance(digests, tuple) else (digests.sha256, digests.sm3)  # type: ignore[attr-defined]
    return Entry(
        path=path,
        title=title[:200],
        media_type=media_type,
        size=size,
        sha256=sha256,
        sm3=sm3,
        needs=[need.value for need in needs],
        about=about or {},
    )


async def _stored(store: Store, dossier: Dossier, manifest: Manifest, one: Lying) -> DossierObject:
    """The entry's object: documents are put into the store, sounds and files lie there already."""
    path = f"{folder(manifest.part)}/{one.entry.path}"
    key = one.store_key
    if one.data is not None:
        key = f"dossiers/{clock.local(dossier.archived_at):%Y/%m}/{dossier.id}/{path}"
        await store.put(key, io.BytesIO(one.data), one.entry.sha256)
    made = DossierObject(dossier_id=dossier.id, path=path, store_key=key)
    made.recording_id, made.attachment_id = one.recording_id, one.attachment_id
    return made


async def _close(
    db: Database, keeper: DossierKeeper, manifest: Manifest, objects: Sequence[DossierObject]
) -> DossierPart | None:
    """The part's row, signed; None where another process closed one meanwhile."""
    data = manifest.canonical()
    given = Digesting()
    given.update(data)
    digests = given.done()
    dossier_id = UUID(manifest.package)
    part = DossierPart(id=new_id(), dossier_id=dossier_id, n=manifest.part, cause=manifest.cause)
    part.closed_at, part.closed_by = datetime.fromisoformat(manifest.closed_at), manifest.closed_by
    part.manifest, part.entries, part.size = data.decode(), len(manifest.entries), manifest.size
    part.sha256, part.sm3, part.previous = digests.sha256, digests.sm3, manifest.previous
    part.public_key = keeper.signer.public_key()
    part.signature = keeper.signer.sign(statement(manifest, part.sha256, part.sm3, part.public_key))
    async with db.session() as session:
        await lock(session, f"dossier:{manifest.ticket}")
        if len(await parts_of(session, dossier_id)) != manifest.part:
            return None
        session.add(part)
        session.add_all(objects)
        told: dict[str, Any] = {"part": part.n, "cause": part.cause, "entries": part.entries}
        told |= {"sha256": part.sha256, "sm3": part.sm3}
        await record(session, SYSTEM, "dossier.close", "order", manifest.ticket, **told)
        hint(session, "order", manifest.ticket)
    return part
