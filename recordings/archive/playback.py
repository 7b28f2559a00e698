"""Listening: whoever may, with a reason, and every look is in the ledger."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import local
from core.errors import Gone, Invalid, NotFound
from core.ledger.models import LedgerEntry
from core.ledger.service import record
from core.locks import lock
from recordings.desk.access import require_listening
from recordings.models import Recording, RecordingState
from recordings.store.port import Store

LONGEST_REASON = 200


@dataclass(frozen=True)
class Range:
    """The bytes `[start, end)` of `total`, and whether a part was asked for; `digest` serves as a strong ETag."""

    content: AsyncIterator[bytes]
    start: int
    end: int
    total: int
    digest: str
    partial: bool
    media_type: str


def parse_range(header: str | None, total: int) -> tuple[int, int] | None:
    """An HTTP Range header (RFC 9110, 14.2) -> `[start, end)`; None where no part is asked for.

    Several ranges or another unit are ignored as the RFC allows: the answer is the whole.
    Raises `Invalid("range-not-satisfiable")`.
    """
    unit, _, spec = (header or "").strip().partition("=")
    first, dash, last = spec.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or "," in spec or not (first + last).isascii():
        return None
    if not (first or last) or (first and not first.isdigit()) or (last and not last.isdigit()):
        return None
    if not first:
        start, end = max(0, total - _bytes(last)), total
    else:
        start, end = _bytes(first), min(total, _bytes(last) + 1) if last else total
    if start >= end:
        raise Invalid("range-not-satisfiable", "请求的录音片段超出范围。")
    return start, end


def _bytes(digits: str) -> int:
    """A number of bytes; one that fills a header line is as far beyond every file as its first twenty digits."""
    return int((digits.lstrip("0") or "0")[:20])


async def open_range(
    session: AsyncSession,
    store: Store,
    actor: Actor,
    recording_id: UUID,
    header: str | None,
    reason: str,
    play: str = "",
) -> Range:
    """Open a recording for listening and note it in the ledger of this transaction.

    `play` names one sitting at the player: its many ranges are one look, noted with the first.

    Raises `Denied`, `NotFound("recording-unknown" | "recording-empty")`, `Gone("recording-destroyed")`,
    `Invalid("reason-needed")`.
    """
    await require_listening(session, actor, recording_id)
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise Invalid("reason-needed", "请填写调听录音的理由。", fields={"reason": "请填写理由，不超过200字。"})
    row = await playable(session, recording_id)
    part = parse_range(header, row.size)
    start, end = part or (0, row.size)
    if not play or not await _noted(session, actor, row.id, play):
        await record(session, actor, "recording.listen", "recording", row.id, reason=reason, play=play)
    content = store.read(row.store_key, start, end)
    return Range(content, start, end, row.size, row.digest, part is not None, row.form.media_type)


async def _noted(session: AsyncSession, actor: Actor, recording_id: UUID, play: str) -> bool:
    """Whether this sitting is in the ledger already; a browser's simultaneous ranges wait for one another."""
    await lock(session, f"play:{play}")
    wanted = select(LedgerEntry.id).where(
        LedgerEntry.subject == "recording",
        LedgerEntry.subject_id == str(recording_id),
        LedgerEntry.action == "recording.listen",
        LedgerEntry.actor_id == actor.user_id,
        LedgerEntry.detail["play"].astext == play,
    )
    return await session.scalar(wanted.limit(1)) is not None


async def playable(session: AsyncSession, recording_id: UUID) -> Recording:
    """A recording with sound. Raises `NotFound("recording-unknown" | "recording-empty")`."""
    row = await session.get(Recording, recording_id)
    if row is None:
        raise NotFound("recording-unknown", "没有这份录音。")
    if row.state == RecordingState.EMPTY:
        raise NotFound("recording-empty", "这次通话没有录到声音。")
    if row.destroyed_at:
        raise Gone("recording-destroyed", destroyed(row.destroyed_at, row.certificate))
    return row


def destroyed(at: datetime, certificate: str) -> str:
    """How a recording ended, in a sentence."""
    day = local(at)
    return f"这份录音保存期满，已于{day.year}年{day.month}月{day.day}日依法销毁（销毁证书 {certificate}），不能再调听。"
