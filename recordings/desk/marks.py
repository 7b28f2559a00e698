"""Marks 标注 on the time line of a recording: whoever may listen sees them, their author removes them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import Denied, Invalid, NotFound
from core.ledger import record
from core.locks import lock
from recordings.archive.playback import playable
from recordings.desk.access import require_listening
from recordings.desk.models import LONGEST_NOTE, Mark

MOST = 500
"""Marks of one recording."""


async def marks(session: AsyncSession, actor: Actor, recording_id: UUID) -> Sequence[Mark]:
    """In the order of the time line."""
    await require_listening(session, actor, recording_id)
    wanted = select(Mark).where(Mark.recording_id == recording_id)
    return (await session.scalars(wanted.order_by(Mark.at_s, Mark.id))).all()


async def add(
    session: AsyncSession, actor: Actor, recording_id: UUID, note: str, at_s: float, end_s: float | None = None
) -> Mark:
    """Mark a moment, or a stretch of time. Raises `Denied`, `NotFound`, `Invalid("bad-mark" | "too-many-marks")`."""
    await require_listening(session, actor, recording_id)
    row = await playable(session, recording_id)
    await lock(session, f"marks:{recording_id}")
    note = note.strip()
    if not note or len(note) > LONGEST_NOTE:
        raise Invalid("bad-mark", "请填写标注内容。", fields={"note": f"请填写标注内容，不超过 {LONGEST_NOTE} 字"})
    last = row.seconds if end_s is None else end_s
    if not 0 <= at_s <= last <= row.seconds + 1 or end_s == at_s:
        raise Invalid("bad-mark", "标注的时间不在录音之内。", fields={"at": "时间不在录音之内"})
    there = select(func.count()).select_from(Mark).where(Mark.recording_id == recording_id)
    if (await session.scalar(there) or 0) >= MOST:
        raise Invalid("too-many-marks", f"一份录音最多 {MOST} 条标注。")
    user_id = _person(actor)
    made = Mark(recording_id=recording_id, at_s=at_s, end_s=end_s, note=note, by_id=user_id, by_name=actor.name)
    session.add(made)
    await session.flush()
    await record(session, actor, "recording.mark", "recording", recording_id, mark=str(made.id), at=round(at_s, 1))
    return made


async def remove(session: AsyncSession, actor: Actor, recording_id: UUID, mark_id: UUID) -> None:
    """Remove one's own mark. Raises `NotFound("no-mark")`, `Denied("not-your-mark")`."""
    await require_listening(session, actor, recording_id)
    await lock(session, f"marks:{recording_id}")
    kept = await session.get(Mark, mark_id)
    if kept is None or kept.recording_id != recording_id:
        raise NotFound("no-mark", "没有这条标注，可能已被移除。")
    if kept.by_id != actor.user_id:
        raise Denied("not-your-mark", "只能移除自己的标注。")
    await session.delete(kept)
    await record(session, actor, "recording.unmark", "recording", recording_id, mark=str(mark_id))


def _person(actor: Actor) -> UUID:
    if actor.user_id is None:
        raise Denied("not-permitted", "只有工作人员可以标注。")
    return actor.user_id
