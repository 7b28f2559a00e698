"""When a recording was lawfully destroyed, what was derived from it goes too: waveform, marks, redacted copies, and
exports that wait to be taken along. Where its words ended before it, its copies keep the sound alone."""

from sqlalchemy import delete, select, update

from core import clock
from core.db import Database, among
from recordings.desk.models import Export, ExportedRecording, ExportState, Mark, Redaction, Waveform
from recordings.models import Recording
from recordings.store.port import Store


async def forget(db: Database, store: Store) -> int:
    """Do so for all that is still there -> how many copies. A copy's data key goes before its row."""
    wordless = select(Recording.id).where(Recording.words_ended_at.is_not(None))
    gone = select(Recording.id).where(Recording.destroyed_at.is_not(None))
    async with db.session() as session:
        copies = (
            await session.execute(select(Redaction.id, Redaction.store_key).where(Redaction.recording_id.in_(gone)))
        ).all()
    for copy in copies:
        if copy.store_key:  # else it is not made yet, and never will be
            await store.delete(copy.store_key)
    async with db.session() as session:
        await session.execute(delete(Redaction).where(among(Redaction.id, [copy.id for copy in copies])))
        spoken = (Redaction.lines != [], Redaction.recording_id.in_(wordless))
        await session.execute(update(Redaction).where(*spoken).values(lines=[]))
        await session.execute(delete(Waveform).where(Waveform.recording_id.in_(gone)))
        await session.execute(delete(Mark).where(Mark.recording_id.in_(gone)))
        held = select(ExportedRecording.export_id).where(ExportedRecording.recording_id.in_(gone))
        ready = (Export.state == ExportState.READY, Export.id.in_(held))
        await session.execute(update(Export).where(*ready).values(expires_at=clock.now()))
    return len(copies)
