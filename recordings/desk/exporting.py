"""Makes exports: each copy on disk and on record before the next, so that a killed worker goes on where it was; what
cannot be read is named, and the rest goes on. The zip goes encrypted into the archive's store, and its key is destroyed
when its time is over."""

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

from soundfile import LibsndfileError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core import clock, phone
from core.actor import SYSTEM
from core.db import Database
from core.ledger import record
from core.live import hint
from recordings.desk.copies import Tags, make_copy
from recordings.desk.deciding import TOPIC
from recordings.desk.exports import noted
from recordings.desk.forget import forget
from recordings.desk.making import Failed, Unreadable, Workshop, asker_of, lossless, unreadable
from recordings.desk.models import Export, ExportedRecording, ExportState, Redaction
from recordings.desk.package import Head, Lacking, Line, pack
from recordings.desk.policy import ListeningPolicy
from recordings.desk.watermark import noise_of
from recordings.models import Recording
from recordings.store.port import Store, digest_of

SECRET = "recording-mark"
"""Name of the secret that the marks are drawn from."""
MOST_NAMED = 50
"""Missing recordings that the ledger's row of an export names; each of them has a row of its own."""


class Exporter(Workshop[Export]):
    """The worker's part."""

    kind = Export
    said = "导出"

    def __init__(
        self,
        db: Database,
        store: Store,
        *,
        work: Path,
        secret: Callable[[], str],
        policy: Callable[[], ListeningPolicy],
        house: str,
    ) -> None:
        super().__init__(db, store, work=work)
        self._secret, self._policy, self._house = secret, policy, house

    async def _before(self) -> None:
        await forget(self._db, self._store)
        await self._expire()

    async def _made(self, one: Export, folder: Path) -> None:
        async with self._db.session() as session:
            wanted = select(ExportedRecording).where(ExportedRecording.export_id == one.id)
            items = (await session.scalars(wanted.order_by(ExportedRecording.place))).all()
        lines, lacking = list[Line](), list[Lacking]()
        for item in items:
            found = await self._item(one, item, folder)
            if isinstance(found, Line):
                lines.append(found)
            else:
                lacking.append(found)
        if not lines:
            raise Failed(f"没有一份录音可以导出：{lacking[0].why}")
        target = folder / "export.zip"
        await asyncio.to_thread(pack, target, folder, self._head(one), lines, lacking)
        with target.open("rb") as file:
            digest = await asyncio.to_thread(digest_of, file)
            await self._keep(one, f"exports/{one.number}.zip", cast(BinaryIO, file), digest)

    def _finish(self, kept: Export, one: Export) -> None:
        kept.expires_at = clock.now() + timedelta(hours=self._policy().export_hours)

    async def _ready(self, session: AsyncSession, one: Export) -> None:
        lacks = select(ExportedRecording).where(ExportedRecording.export_id == one.id, ExportedRecording.trouble != "")
        named = (await session.scalars(lacks.order_by(ExportedRecording.place).limit(MOST_NAMED))).all()
        told: dict[str, Any] = {"digest": one.digest, "size": one.size, "count": one.total - one.missing}
        if named:
            told |= {"missing": one.missing, "lacking": [f"第 {each.place} 份：{each.trouble}" for each in named]}
        await noted(session, SYSTEM, "sound.ready", one, **told)

    async def _failed(self, session: AsyncSession, one: Export) -> None:
        await noted(session, SYSTEM, "sound.fail", one, why=one.trouble)

    async def _item(self, one: Export, item: ExportedRecording, folder: Path) -> Line | Lacking:
        """One copy, unless it lies there from before; or why there is none."""
        path = folder / f"{item.place:04d}.flac"
        async with self._db.session() as session:
            await self._going(session, one)
            row = await session.get(Recording, item.recording_id)
            call = await session.get(Call, row.call_id) if row and row.call_id else None
            redaction = await session.get(Redaction, item.redaction_id) if item.redaction_id else None
        started = f"{clock.local(row.started_at):%Y-%m-%d %H:%M:%S}" if row else ""
        if not item.trouble:
            try:
                if row is None or row.destroyed_at or (item.redaction_id and redaction is None):
                    raise Unreadable("录音已依法销毁")
                if not item.digest or not await asyncio.to_thread(_holds, path, item.digest):
                    await self._copy(one, item, row, redaction, path)
            except Unreadable as error:
                await self._lacks(one, item, str(error))
        if item.trouble or row is None:
            return Lacking(item.place, str(item.recording_id), started, item.trouble)
        content = "脱敏副本" if redaction else "原录音内容"
        return Line(
            path.name,
            started,
            row.seconds,
            row.kind.label,
            phone.mask(call.caller) if call and call.caller else "",
            (call.agent_name or "") if call else "",
            content,
            item.digest,
            item.sm3,
            item.size,
            item.source_digest,
        )

    async def _copy(
        self, one: Export, item: ExportedRecording, row: Recording, redaction: Redaction | None, path: Path
    ) -> None:
        """Raises `Unreadable`."""
        key, source = (redaction.store_key, redaction.digest) if redaction else (row.store_key, row.digest)
        await self._require_room(3 * lossless(row))
        at = f"{clock.local(one.asked_at):%Y-%m-%d %H:%M}"
        tags = Tags(one.number, one.by_name, at, f"{one.purpose}：{one.reason}", self._house, source)
        noise = noise_of(self._secret().encode(), one.number)
        part = path.with_suffix(".part")
        with TemporaryFile(dir=self._work) as whole, part.open("w+b") as made:
            sound = cast(BinaryIO, whole)
            await self._fetch(key, sound)
            try:
                copy = await asyncio.to_thread(make_copy, sound, cast(BinaryIO, made), noise, tags)
            except LibsndfileError as error:
                raise unreadable(error) from error
            os.fsync(made.fileno())
        if redaction:
            path.with_suffix(".txt").write_text(_words(redaction), encoding="utf-8")
        part.rename(path)
        async with self._db.session() as session:
            _, mine = await self._further(session, one, item)
            for each in (mine, item):
                each.source_digest, each.digest, each.sm3 = source, copy.digests.sha256, copy.digests.sm3
                each.size = copy.size
            told = {"export": one.number, "digest": mine.digest, "redaction": str(redaction.id) if redaction else ""}
            await record(session, asker_of(one), "recording.copy", "recording", row.id, reason=tags.why, **told)

    async def _lacks(self, one: Export, item: ExportedRecording, why: str) -> None:
        """No copy of this one: on its row, and in the ledger at the recording."""
        async with self._db.session() as session:
            kept, mine = await self._further(session, one, item)
            kept.missing += 1
            for each in (mine, item):
                each.trouble = why[:300]
            about, told = item.recording_id, {"export": one.number, "place": item.place}
            by = asker_of(one)
            await record(session, by, "recording.not-copied", "recording", about, reason=mine.trouble, **told)

    async def _further(
        self, session: AsyncSession, one: Export, item: ExportedRecording
    ) -> tuple[Export, ExportedRecording]:
        """The rows of export and item, for what became of it; the export is that much further."""
        kept = await self._going(session, one)
        kept.done = item.place
        hint(session, TOPIC, one.id)
        return kept, await session.get_one(ExportedRecording, (item.export_id, item.place))

    async def _expire(self) -> None:
        async with self._db.session() as session:
            over = (Export.state == ExportState.READY, Export.expires_at <= clock.now())
            ones = (await session.scalars(select(Export).where(*over).with_for_update())).all()
        for one in ones:
            await self._store.delete(one.store_key)
            async with self._db.session() as session:
                kept = await session.get_one(Export, one.id, with_for_update=True)
                kept.state = ExportState.EXPIRED
                await noted(session, SYSTEM, "sound.expire", kept)

    def _head(self, one: Export) -> Head:
        asked = f"{clock.local(one.asked_at):%Y-%m-%d %H:%M}"
        decided = f"{clock.local(one.decided_at):%Y-%m-%d %H:%M}" if one.decided_at else ""
        approved = f"{one.decided_by_name}，{decided}批准" if one.decided_at else ""
        return Head(one.number, self._house, one.by_name, asked, one.about, one.purpose, one.reason, approved)


def _holds(path: Path, digest: str) -> bool:
    try:
        with path.open("rb") as file:
            return digest_of(file) == digest
    except OSError:
        return False


def _words(redaction: Redaction) -> str:
    sides = {"citizen": "市民", "other": "对方"}
    return "".join(f"[{line['start']:.1f}] {sides[line['side']]}：{line['text']}\n" for line in redaction.lines)
