"""Exports 导出: asked for with a reason, written by a job, fetched as a ZIP, gone after some days."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core import ledger
from core.actor import Actor
from core.clock import now
from core.db import Database, new_id
from core.errors import Conflict, Denied, HotlineError, NotFound, Unavailable
from core.jobs import JobContext, defer, job
from core.live import hint
from core.locks import lock
from core.log import get
from core.permissions import Permission
from crm.dossiers.closing import parts_of, text_of
from crm.dossiers.fates import ended
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.manifest import Manifest, Need, Signed, folder, parse
from crm.dossiers.models import Dossier, DossierExport, DossierObject, DossierPart, TakingState
from crm.dossiers.rules import Asked, checked, visible_to, withheld
from crm.dossiers.targets import ZipTarget, zip_time
from crm.dossiers.writing import Package, Taken, write
from crm.installed import installed
from crm.search.taking import number_of
from recordings.desk.policy import ListeningPolicy
from recordings.proof.prove import find as archived
from recordings.proof.prove import prove
from recordings.store.digests import digests_of
from recordings.store.port import BLOCK

log = get(__name__)
EXPIRE_EVERY_S = 3600.0
TOLD_EVERY = 8 * BLOCK
"""Bytes between two notes of how far it is."""


async def find(session: AsyncSession, actor: Actor, dossier_id: UUID) -> Dossier:
    """A dossier that the actor may know of. Raises NotFound("no-such-dossier")."""
    found = await session.scalar(select(Dossier).where(Dossier.id == dossier_id, visible_to(actor)))
    if found is None:
        raise NotFound("no-such-dossier", "没有这个档案包。")
    return found


async def ask(session: AsyncSession, actor: Actor, dossier_id: UUID, asked: Asked) -> DossierExport:
    """Put an export on record and on its way. Raises NotFound, Denied, Invalid("no-reason"), Conflict("not-closed")."""
    dossier = await find(session, actor, dossier_id)
    good = checked(actor, dossier, asked)
    parts = await parts_of(session, dossier.id)
    if not parts:
        raise Conflict("not-closed", "档案包正在成卷，请稍后再导出。")
    made = DossierExport(id=new_id(), number=number_of("DA"), dossier_id=dossier.id, reason=good.reason)
    made.asked_by, made.asked_by_name = actor.user_id, actor.name
    made.identity, made.sound = good.identity, good.sound
    session.add(made)
    told = {"number": made.number, "identity": good.identity, "sound": good.sound, "parts": len(parts)}
    await ledger.record(session, actor, "dossier.export", "order", dossier.ticket_id, reason=good.reason, **told)
    await session.flush()
    if not await waits(session, made):
        await defer(session, pack, export_id=str(made.id))
    return made


async def waits(session: AsyncSession, export: DossierExport) -> bool:
    """Whether another officer must approve it first: with so many recordings as the bureau has set for any export."""
    if export.state != TakingState.WAITING or not export.sound:
        return False
    return len(await _sounds(session, export.dossier_id)) >= _policy().approve_from


async def decide(session: AsyncSession, actor: Actor, export_id: UUID, refusal: str = "") -> DossierExport:
    """Approve it, or with a reason refuse it. Raises NotFound, Denied (also for who asked), Conflict("not-waiting")."""
    actor.require(Permission.RECORDING_DECIDE)
    export = await session.get(DossierExport, export_id, with_for_update=True)
    if export is None:
        raise NotFound("no-such-export", "没有这次导出。")
    dossier = await find(session, actor, export.dossier_id)
    if export.asked_by == actor.user_id:
        raise Denied("own-request", "本人申请的导出须由另一名有权人员批准。")
    if not await waits(session, export):
        raise Conflict("not-waiting", "这次导出不在等待批准。")
    about: dict[str, Any] = {"number": export.number, "by": export.asked_by_name}
    if refusal:
        export.state, export.trouble = TakingState.FAILED, f"{actor.name}未批准：{refusal}"[:300]
        await ledger.record(session, actor, "dossier.refuse", "order", dossier.ticket_id, reason=refusal, **about)
    else:
        export.state = TakingState.RUNNING
        await ledger.record(session, actor, "dossier.approve", "order", dossier.ticket_id, **about)
        await defer(session, pack, export_id=str(export.id))
    hint(session, "dossier", dossier.id)
    return export


def _policy() -> ListeningPolicy:
    return installed().policy[ListeningPolicy]


async def _sounds(session: AsyncSession, dossier_id: UUID) -> Sequence[UUID]:
    wanted = select(DossierObject.recording_id).where(
        DossierObject.dossier_id == dossier_id,
        DossierObject.recording_id.is_not(None),
        DossierObject.store_key != "",
    )
    return [one for one in await session.scalars(wanted) if one]


def manifests(parts: Sequence[DossierPart]) -> list[tuple[Manifest, Signed]]:
    """Each part's manifest with its signature."""
    return [
        (parse(one.manifest.encode(), "manifest"), Signed(text_of(one), one.public_key, one.signature)) for one in parts
    ]


async def package_of(session: AsyncSession, dossier_id: UUID, needs: frozenset[Need]) -> Package:
    """Everything that may go, and why the rest may not."""
    signed = manifests(await parts_of(session, dossier_id))
    found = await session.scalars(select(DossierObject).where(DossierObject.dossier_id == dossier_id))
    objects = {one.path: one for one in found}
    every = (f"{folder(part.part)}/{entry.path}" for part, _ in signed for entry in part.entries)
    gone = await ended(session, every)
    stays: dict[str, str] = {}
    proofs: dict[str, bytes] = {}
    for part, _ in signed:
        for entry in part.entries:
            path = f"{folder(part.part)}/{entry.path}"
            why = withheld(entry, needs) or ("" if path in objects else "absent")
            kept = objects.get(path)
            object_id = (kept.recording_id or kept.attachment_id) if kept else None
            if path in gone:
                stays[path] = "destroyed"
            elif why:
                stays[path] = why
            elif object_id and (proof := await _proof(session, object_id)):
                proofs[str(object_id)] = proof
    return Package(signed, {path: one.store_key for path, one in objects.items()}, stays, proofs, gone)


async def _proof(session: AsyncSession, object_id: UUID) -> bytes | None:
    """Its place under its day's seal; None before the day is sealed."""
    try:
        said = await prove(session, await archived(session, object_id))
        return json.dumps(said, ensure_ascii=False, indent=1).encode()
    except (NotFound, Conflict):
        return None


@job("crm.pack-dossier", queue="dossiers")
async def pack(ctx: JobContext, *, export_id: str) -> None:
    """Write the export's ZIP into the store."""
    keeper = ctx.service(DossierKeeper)
    async with ctx.db.session() as session:
        export = await session.get(DossierExport, UUID(export_id), with_for_update=True)
        if export is None or export.state not in (TakingState.WAITING, TakingState.RUNNING):
            return
        needs = Asked(export.reason, export.identity, export.sound).needs
        package = await package_of(session, export.dossier_id, needs)
        export.state, export.total, export.done = TakingState.RUNNING, package.size, 0
    taken = Taken(export.number, now(), export.asked_by_name, export.reason, export.identity, export.sound)
    try:
        with TemporaryFile(dir=keeper.work) as file:
            await _pack(ctx.db, keeper, export, package, taken, cast(BinaryIO, file))
    except Unavailable:
        raise
    except (HotlineError, OSError) as error:
        log.warning("dossier.not-packed", export=export.number, error=type(error).__name__)
        said = error.message if isinstance(error, HotlineError) else "打包所用的磁盘空间不足或不可写。"
        await _become(ctx.db, export.id, state=TakingState.FAILED, trouble=said[:300])


async def _pack(
    db: Database, keeper: DossierKeeper, export: DossierExport, package: Package, taken: Taken, file: BinaryIO
) -> None:
    noted = 0

    async def told(done: int) -> None:
        nonlocal noted
        if done - noted >= TOLD_EVERY:
            noted = done
            await _become(db, export.id, done=done)

    await write(keeper, package, taken, ZipTarget(file, zip_time(taken.at.timestamp())), told)
    digests = await asyncio.to_thread(digests_of, file)
    size = file.seek(0, 2)
    key = f"exports/{export.asked_at:%Y/%m}/{export.id}.zip"
    await keeper.store.put(key, file, digests.sha256)
    done = {"size": size, "sha256": digests.sha256, "store_key": key, "ready_at": now(), "done": package.size}
    await _become(db, export.id, state=TakingState.READY, **done)


async def _become(db: Database, export_id: UUID, **values: object) -> None:
    async with db.session() as session:
        export = await session.get_one(DossierExport, export_id)
        for name, value in values.items():
            setattr(export, name, value)
        hint(session, "dossier", export.dossier_id)


async def fetch(session: AsyncSession, actor: Actor, export_id: UUID) -> tuple[DossierExport, Dossier]:
    """A ready export for whoever asked for it. Raises NotFound, Conflict("not-ready")."""
    export = await session.get(DossierExport, export_id)
    if export is None or export.asked_by != actor.user_id:
        raise NotFound("no-such-export", "没有这次导出，或者不是您申请的。")
    dossier = await find(session, actor, export.dossier_id)
    if export.state != TakingState.READY:
        raise Conflict("not-ready", f"这次导出{TakingState(export.state).label}，不能下载。")
    await ledger.record(session, actor, "dossier.fetch", "order", dossier.ticket_id, number=export.number)
    for recording_id in await _sounds(session, dossier.id) if export.sound else ():
        about = {"reason": export.reason, "number": export.number}
        await ledger.record(session, actor, "recording.taken", "recording", recording_id, **about)
    return export, dossier


async def expire(db: Database, keeper: DossierKeeper) -> int:
    """Remove what was exported days ago -> how many."""
    async with db.session() as session:
        await lock(session, "dossier-exports")
        over = now() - timedelta(hours=_policy().export_hours)
        old = select(DossierExport).where(DossierExport.state == "ready", DossierExport.ready_at < over)
        gone = (await session.scalars(old.limit(100))).all()
        for export in gone:
            await keeper.store.delete(export.store_key)
            export.state, export.store_key = TakingState.EXPIRED, ""
    return len(gone)
