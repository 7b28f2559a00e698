"""更正: people correct a line, and take it back. The machine's text stays, and so does every correction."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core import clock
from core.actor import Actor
from core.errors import Conflict, Invalid, NotFound
from core.events import publish
from core.ledger.service import record
from core.live import hint
from core.permissions import Permission
from recordings.events import WordsCorrected
from recordings.finding import found_anew
from recordings.layers.models import TranscriptCorrection
from recordings.models import TranscriptSegment
from recordings.speech.progress import TOPIC

LONGEST = 1000


async def correct(session: AsyncSession, actor: Actor, segment_id: UUID, text: str, seen: str) -> TranscriptSegment:
    """Put `text` in the place of the line that reads `seen`.

    Raises NotFound("no-such-line"), Conflict("line-changed"), Conflict("call-goes-on"), Invalid("nothing-corrected").
    """
    actor.require(Permission.TRANSCRIPT_CORRECT)
    row = await _locked(session, segment_id)
    present = row.corrected if row.corrected is not None else row.text
    if present != seen or row.replaced_by is not None or row.under is not None:
        raise Conflict("line-changed", "这句话刚刚已被更正或重新转写，请刷新后核对。")
    call = await session.get(Call, row.call_id)
    if call is not None and call.ended_at is None and call.connected_at is not None:
        raise Conflict("call-goes-on", "通话还没有结束，文字仍在变化，请在通话结束后更正。")
    after = " ".join(text.split())
    if not after or after == present or len(after) > LONGEST:
        sentence = "请填写更正后的文字。" if not after else f"更正后的文字与现在的不同才能保存，最多{LONGEST}字。"
        raise Invalid("nothing-corrected", "没有保存更正。", fields={"text": sentence})
    assert actor.user_id is not None
    session.add(
        TranscriptCorrection(segment_id=row.id, before=present, after=after, by_id=actor.user_id, by_name=actor.name)
    )
    row.corrected = after
    await _changed(session, actor, "transcript.correct", row)
    return row


async def take_back(session: AsyncSession, actor: Actor, segment_id: UUID) -> TranscriptSegment:
    """Take the newest correction of a line back: what stood before stands again. Where a newer model heard the line
    meanwhile and no correction is left, its words come forth.

    Raises NotFound("no-such-line"), Conflict("not-corrected").
    """
    actor.require(Permission.TRANSCRIPT_CORRECT)
    row = await _locked(session, segment_id)
    newest = (
        select(TranscriptCorrection)
        .where(TranscriptCorrection.segment_id == row.id, TranscriptCorrection.withdrawn_at.is_(None))
        .order_by(TranscriptCorrection.at.desc(), TranscriptCorrection.id.desc())
        .limit(2)
    )
    standing = (await session.scalars(newest)).all()
    if not standing:
        raise Conflict("not-corrected", "这句话没有可撤回的更正，请刷新后核对。")
    standing[0].withdrawn_at, standing[0].withdrawn_by = clock.now(), actor.name
    row.corrected = standing[1].after if len(standing) > 1 else None
    if row.corrected is None:
        await _come_forth(session, row)
    await _changed(session, actor, "transcript.take-back", row)
    return row


async def _come_forth(session: AsyncSession, row: TranscriptSegment) -> None:
    newer = TranscriptSegment.under == row.id, TranscriptSegment.replaced_by.is_(None)
    run_id = await session.scalar(select(TranscriptSegment.run_id).where(*newer).limit(1))
    if run_id is None:
        return
    row.replaced_by = run_id
    await session.flush()
    await session.execute(
        update(TranscriptSegment).where(*newer).values(under=None).execution_options(synchronize_session=False)
    )


async def _locked(session: AsyncSession, segment_id: UUID) -> TranscriptSegment:
    row = await session.get(TranscriptSegment, segment_id, with_for_update=True)
    if row is None:
        raise NotFound("no-such-line", "没有这句话，请刷新后核对。")
    return row


async def _changed(session: AsyncSession, actor: Actor, action: str, row: TranscriptSegment) -> None:
    """The ledger names the line, not its text: what was said is a citizen's."""
    await record(session, actor, action, "call", row.call_id, segment=str(row.id), second=round(row.start_s))
    await session.flush()
    await found_anew(session, [row.call_id])
    await publish(session, WordsCorrected(call_id=row.call_id))
    hint(session, TOPIC, row.call_id)
