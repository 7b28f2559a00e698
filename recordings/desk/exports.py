"""录音导出: who asks for which recordings as one file, who approves, who takes it along; the making is `exporting`."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local, now
from core.db import among
from core.errors import Conflict, Denied, Gone, Invalid, NotFound
from core.permissions import Permission
from recordings.desk.deciding import Matter, audible_of, decide, require_purpose, why
from recordings.desk.making import stop
from recordings.desk.models import Export, ExportedRecording, ExportState, MakingState, Redaction
from recordings.desk.policy import ListeningPolicy
from recordings.models import Recording

RUNNING = (ExportState.ASKED, ExportState.QUEUED, ExportState.RUNNING)
"""What can still be cancelled."""
PREFIX = "LYD"
"""Begins the numbers of exports, as they stand in ledger, tags and mark."""
EXPORTS = Matter(Export, "export", "这次导出", ExportState.ASKED, "by_id", "export", "number")
noted = EXPORTS.noted
"""A step of an export, in the ledger and on the pages."""


@dataclass(frozen=True)
class Missing:
    """A recording of an export of which no copy could be made, and why; its row, where there is one yet."""

    place: int
    row: Recording | None
    why: str


@dataclass(frozen=True)
class Selection:
    """What to take along: recordings in this order, or a redacted copy instead of its recording; what for, and why."""

    about: str
    recordings: Sequence[UUID]
    purpose: str
    reason: str
    redaction: UUID | None = None


async def order(session: AsyncSession, actor: Actor, policy: ListeningPolicy, wanted: Selection) -> Export:
    """Ask for an export; from the policy's number of recordings on it waits for another officer.

    Raises `Denied`, `NotFound`, `Invalid("no-such-purpose" | "nothing-to-export" | "too-many-recordings")`.
    """
    actor.require(Permission.RECORDING_TAKE)
    actor.require(Permission.RECORDING_LISTEN)
    if actor.user_id is None:
        raise Denied("not-permitted", "只有工作人员可以导出录音。")
    require_purpose(policy, wanted.purpose, "导出")
    ids = list(dict.fromkeys(wanted.recordings))
    if len(ids) > policy.export_most:
        raise Invalid("too-many-recordings", f"一次最多导出 {policy.export_most} 份录音，请缩小范围。")
    heard = await audible_of(session, ids)
    if not heard:
        raise Invalid("nothing-to-export", "没有可以导出的录音。")
    await _check_redaction(session, wanted, heard)
    made = Export(
        number=f"{PREFIX}{local(now()):%Y%m%d}-{secrets.token_hex(4).upper()}",
        by_id=actor.user_id,
        by_name=actor.name,
        about=wanted.about,
        purpose=wanted.purpose,
        reason=wanted.reason.strip(),
        state=ExportState.ASKED if len(heard) >= policy.approve_from else ExportState.QUEUED,
        total=len(heard),
    )
    session.add(made)
    await session.flush()
    session.add_all(
        ExportedRecording(export_id=made.id, place=place, recording_id=id, redaction_id=wanted.redaction)
        for place, id in enumerate((id for id in ids if id in heard), 1)
    )
    await noted(session, actor, "sound.ask", made, reason=made.reason, count=len(heard), purpose=made.purpose)
    return made


async def approve(session: AsyncSession, actor: Actor, id: UUID, words: str) -> Export:
    """Let it be made. Raises `NotFound`, `Denied("own-export")`, `Conflict("decided-already")`."""
    one = await EXPORTS.to_decide(session, actor, id)
    decide(one, actor, ExportState.QUEUED, words)
    await noted(session, actor, "sound.approve", one, by=one.by_name)
    return one


async def refuse(session: AsyncSession, actor: Actor, id: UUID, words: str) -> Export:
    """Refuse, and say why. Raises as `approve`, and `Invalid("no-reason")`."""
    one = await EXPORTS.to_decide(session, actor, id)
    decide(one, actor, ExportState.REFUSED, why(words))
    await noted(session, actor, "sound.refuse", one, reason=one.decision, by=one.by_name)
    return one


async def cancel(session: AsyncSession, actor: Actor, id: UUID) -> Export:
    """Stop it; what was made of it is removed. Raises `NotFound`, also for another's, `Conflict("over-already")`."""
    one = await EXPORTS.locked(session, id)
    if not EXPORTS.asked_by(one, actor) and not actor.may(Permission.RECORDING_DECIDE):
        raise EXPORTS.unknown()
    stop(one, RUNNING, "导出")
    await noted(session, actor, "sound.cancel", one)
    return one


async def take(session: AsyncSession, actor: Actor, id: UUID) -> Export:
    """What its asker downloads; each time is on record. Raises `NotFound`, `Conflict("not-ready")`,
    `Gone("export-over")`."""
    actor.require(Permission.RECORDING_TAKE)
    one = await EXPORTS.locked(session, id)
    if not EXPORTS.asked_by(one, actor):
        raise EXPORTS.unknown()
    if one.state == ExportState.EXPIRED or (one.expires_at is not None and one.expires_at <= now()):
        raise Gone("export-over", "导出文件已过可下载的时间，已经销毁；仍然需要的，请重新导出。")
    if one.state != ExportState.READY:
        raise Conflict("not-ready", "导出文件还没有准备好，请稍后刷新页面。")
    await noted(session, actor, "sound.take", one, reason=one.reason, digest=one.digest)
    return one


async def listed(session: AsyncSession, actor: Actor, limit: int) -> Sequence[Export]:
    """One's own exports, and for an officer all, the newest first."""
    wanted = select(Export).order_by(Export.asked_at.desc(), Export.id.desc()).limit(limit)
    if not actor.may(Permission.RECORDING_DECIDE):
        actor.require(Permission.RECORDING_TAKE)
        wanted = wanted.where(Export.by_id == actor.user_id)
    return (await session.scalars(wanted)).all()


async def ready_for(session: AsyncSession, user_id: UUID) -> int:
    """How many files wait to be taken along by this person."""
    mine = (Export.by_id == user_id, Export.state == ExportState.READY)
    return await session.scalar(select(func.count()).select_from(Export).where(*mine)) or 0


async def missing(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, list[Missing]]:
    """What of these exports could not be copied, by export, in its order."""
    wanted = select(ExportedRecording, Recording).join(
        Recording, Recording.id == ExportedRecording.recording_id, isouter=True
    )
    wanted = wanted.where(among(ExportedRecording.export_id, ids), ExportedRecording.trouble != "")
    found: dict[UUID, list[Missing]] = {}
    for item, row in await session.execute(wanted.order_by(ExportedRecording.place)) if ids else ():
        found.setdefault(item.export_id, []).append(Missing(item.place, row, item.trouble))
    return found


async def again(session: AsyncSession, actor: Actor, policy: ListeningPolicy, id: UUID) -> Export:
    """Ask for what an export of one's own lacks, once more: another export, by the same rules, for the same purpose and
    reason. Raises as `order`, `NotFound`, `Conflict("nothing-missing")`."""
    one = await EXPORTS.locked(session, id)
    if not EXPORTS.asked_by(one, actor):
        raise EXPORTS.unknown()
    lacks = select(ExportedRecording).where(ExportedRecording.export_id == one.id, ExportedRecording.trouble != "")
    items = (await session.scalars(lacks.order_by(ExportedRecording.place))).all()
    if not items or one.state in RUNNING:
        raise Conflict("nothing-missing", "这次导出没有缺失的录音，请刷新页面。")
    about = f"导出 {one.number} 中缺失的 {len(items)} 份"
    heard = [item.recording_id for item in items]
    return await order(session, actor, policy, Selection(about, heard, one.purpose, one.reason, items[0].redaction_id))


async def _check_redaction(session: AsyncSession, wanted: Selection, heard: set[UUID]) -> None:
    if wanted.redaction is None:
        return
    copy = await session.get(Redaction, wanted.redaction)
    if copy is None or heard != {copy.recording_id} or copy.state != MakingState.READY:
        raise NotFound("no-redaction", "没有这份脱敏副本。")
