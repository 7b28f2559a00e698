"""What lawfully ended 依法销毁: a package says so instead of missing it, and no copy of it stays with the package."""

import re
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Select, String, cast, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from core.clock import local
from core.db import Database, among
from crm.dossiers import jobs
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.models import Dossier, DossierExport, DossierObject, TakingState
from recordings.disposal.models import Disposal, DisposalCertificate
from recordings.forms import Form
from recordings.models import Recording

_ID = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_FORMS = "|".join(Form)
_SOUND = re.compile(rf"\d+/recordings/{_ID}\.(?:{_FORMS})")
_FILE = re.compile(rf"\d+/(?:attachments|materials)/{_ID}\.[a-zA-Z0-9]+")
_WORDS = re.compile(rf"\d+/(?:transcripts/|identity/transcript-){_ID}\.json")
AT_ONCE = 100


async def ended(session: AsyncSession, paths: Iterable[str]) -> dict[str, str]:
    """Path in a package -> when and by which certificate 销毁证书 it ended, in Chinese; of those that did."""
    objects, words = _ids(_SOUND, paths := list(paths)) | _ids(_FILE, paths), _ids(_WORDS, paths)
    gone = await _objects(session, set(objects.values())) if objects else {}
    silent = await _words(session, set(words.values())) if words else {}
    told = {path: gone[id] for path, id in objects.items() if id in gone}
    return told | {path: silent[id] for path, id in words.items() if id in silent}


def recording_of(path: str) -> UUID | None:
    """Whose sound lies under this path, so that a copy ends when the recording does."""
    return _ids(_SOUND, (path,)).get(path)


def attachment_of(path: str) -> UUID | None:
    """Which file of the order lies under this path, likewise."""
    return _ids(_FILE, (path,)).get(path)


def _ids(pattern: re.Pattern[str], paths: Iterable[str]) -> dict[str, UUID]:
    return {path: UUID(found[1]) for path in paths if (found := pattern.fullmatch(path))}


async def _objects(session: AsyncSession, ids: set[UUID]) -> dict[UUID, str]:
    wanted = select(Disposal).where(among(Disposal.object_id, ids))
    return {one.object_id: said(one) for one in await session.scalars(wanted)}


async def _words(session: AsyncSession, calls: set[UUID]) -> dict[UUID, str]:
    """Calls whose words went, with their last recording or before it."""
    other = aliased(Recording)
    left = exists().where(other.call_id == Recording.call_id, other.words_ended_at.is_(None))
    lapsed = select(Recording.call_id, func.max(Recording.words_ended_at)).group_by(Recording.call_id)
    lapsed = lapsed.where(among(Recording.call_id, calls), Recording.words_ended_at.is_not(None), ~left)
    gone = {call: f"{local(at):%Y-%m-%d}文字保存期满清除" for call, at in await session.execute(lapsed) if call and at}
    wanted = select(Recording.call_id, Disposal).join(Disposal, Disposal.object_id == Recording.id)
    wanted = wanted.join(DisposalCertificate, DisposalCertificate.number == Disposal.certificate)
    wanted = wanted.where(among(Recording.call_id, calls), DisposalCertificate.words, ~left)
    return gone | {call: said(one) for call, one in await session.execute(wanted) if call}


def said(one: Disposal) -> str:
    """`2029-11-24依法销毁，销毁证书 XH20291124-001`."""
    return f"{local(one.erased_at):%Y-%m-%d}依法销毁，销毁证书 {one.certificate}"


async def follow(db: Database, keeper: DossierKeeper) -> int:
    """Packages end with what ended: their own copies of it, and exports that hold it, are removed, and an addendum says
    so -> how many packages. Each is seen once: its objects then lie nowhere."""
    async with db.session() as session:
        same = or_(*(Disposal.object_id == id for id in (DossierObject.recording_id, DossierObject.attachment_id)))
        wanted = select(DossierObject.dossier_id).join(Disposal, same)
        wanted = wanted.where(DossierObject.store_key != "").distinct().limit(AT_ONCE)
        found = (await session.scalars(wanted)).all() or (await session.scalars(_silent())).all()
    for dossier_id in found:
        await _follow(db, keeper, dossier_id)
    return len(found)


def _silent() -> Select[UUID]:
    """Packages that still hold words which have ended before their sound."""
    of, words, other = DossierObject, aliased(DossierObject), aliased(Recording)
    left = exists().where(other.call_id == Recording.call_id, other.words_ended_at.is_(None))
    call = cast(Recording.call_id, String)
    kept = exists().where(
        words.dossier_id == of.dossier_id,
        words.store_key != "",
        or_(
            words.path.like("%/transcripts/" + call + ".json"),
            words.path.like("%/identity/transcript-" + call + ".json"),
        ),
    )
    wanted = select(of.dossier_id).join(Recording, Recording.id == of.recording_id)
    return wanted.where(Recording.words_ended_at.is_not(None), ~left, kept).distinct().limit(AT_ONCE)


async def _follow(db: Database, keeper: DossierKeeper, dossier_id: UUID) -> None:
    async with db.session() as session:
        objects = (await session.scalars(select(DossierObject).where(DossierObject.dossier_id == dossier_id))).all()
        gone = await ended(session, [one.path for one in objects])
        copies = [one.store_key for one in objects if one.path in gone and one.store_key.startswith("dossiers/")]
        exports = select(DossierExport).where(DossierExport.dossier_id == dossier_id, DossierExport.store_key != "")
        taken = [one.store_key for one in await session.scalars(exports)]
    for key in (*copies, *taken):
        await keeper.store.delete(key)
    async with db.session() as session:
        dossier = await session.get_one(Dossier, dossier_id)
        for one in objects:
            if one.path in gone:
                (await session.merge(one)).store_key = ""
        for export in await session.scalars(exports):
            export.state, export.store_key = TakingState.EXPIRED, ""
        await jobs.ask(session, dossier.ticket_id, "录音、附件或文字依法清除", "系统")
