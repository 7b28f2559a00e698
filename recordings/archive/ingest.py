"""From Asterisk's spool to the archive: each step may be the last before a crash, and the next scan goes on."""

import asyncio
import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from soundfile import LibsndfileError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core import clock
from core.db import Database
from core.errors import HotlineError, Unavailable
from core.events import publish
from core.live import hint
from core.locks import try_hold
from core.log import call as log_call
from core.log import get
from recordings.archive.rules import (
    RATE,
    Take,
    finished,
    last_protected_day,
    offset,
    takes,
    whole_samples,
)
from recordings.archive.sound import Encoded, encode
from recordings.events import RecordingStored
from recordings.models import Kind, Recording, RecordingState
from recordings.store.folder import digest_of
from recordings.store.port import Store, mismatch, unavailable

log = get(__name__)
PEAKS_SUFFIX = ".peaks.json"


@dataclass(frozen=True)
class Raw:
    """What lies in the spool of one recording: its files (citizen's side first) and their last change."""

    take: Take
    files: list[Path | None]
    changed_at: datetime

    @property
    def samples(self) -> int:
        return max(whole_samples(path.stat().st_size) if path else 0 for path in self.files)

    @property
    def state(self) -> RecordingState:
        if not self.samples:
            return RecordingState.EMPTY
        heard = [path is not None and whole_samples(path.stat().st_size) > 0 for path in self.files]
        return RecordingState.STORED if all(heard) else RecordingState.PARTIAL


class Ingest:
    """One node's spool. `scan()` archives whatever is finished; whoever runs it, one at a time does."""

    def __init__(
        self,
        db: Database,
        store: Store,
        spool: Path,
        *,
        node: str,
        quiet_after_s: float,
        protected_years: int,
    ) -> None:
        self._db = db
        self._store = store
        self._spool = spool
        self._node = node
        self._quiet_after_s = quiet_after_s
        self._protected_years = protected_years

    async def scan(self) -> int:
        """Archive what is finished -> how many recordings.

        One recording that cannot be archived stays in the spool and stops no other; `Unavailable` is raised at
        the end, so that health tells of a full or absent archive.
        """
        async with try_hold(self._db, f"recording-ingest:{self._node}") as held:
            if held is None:
                return 0
            await self._adopt()
            done, trouble = 0, None
            for take in takes(await asyncio.to_thread(_names, self._spool)):
                try:
                    with log_call(linkedid=take.linkedid):
                        done += await self._one(take)
                except Unavailable as error:
                    trouble = error
                except (HotlineError, LibsndfileError) as error:
                    log.exception("recording.refused", take=take.stem, linkedid=take.linkedid)
                    trouble = Unavailable("recording-unreadable", f"录音 {take.stem} 无法归档，已保留在暂存区。")
                    trouble.__cause__ = error
            if trouble:
                raise trouble
            return done

    async def _one(self, take: Take) -> int:
        raw = await asyncio.to_thread(_find, self._spool, take)
        if raw is None:
            return 0
        call = await self._call(take.linkedid)
        quiet_s = (clock.now() - raw.changed_at).total_seconds()
        ended = call is not None and call.ended_at is not None
        if not finished(
            ended=ended,
            being_written=any(_being_written(path) for path in raw.files if path),
            quiet_s=quiet_s,
            quiet_after_s=self._quiet_after_s,
        ):
            return 0
        with _on_disk_trouble():
            await self._archive(raw)
            await asyncio.to_thread(_remove, [path for path in raw.files if path], self._spool)
        return 1

    async def _archive(self, raw: Raw) -> None:
        if raw.state is RecordingState.EMPTY:
            await self._catalogue(raw, None, "")
            return
        work = self._spool / ".work"
        work.mkdir(mode=0o700, exist_ok=True)
        with TemporaryDirectory(dir=work) as folder:
            encoded = await asyncio.to_thread(encode, raw.files, Path(folder) / "sound.flac")
            day = clock.local(raw.changed_at).strftime("%Y/%m/%d")
            key = f"{day}/{self._node}/{raw.take.stem}-{encoded.digest[:12]}.flac"
            await self._store.put(key, encoded.path, encoded.digest)
            await _verify(self._store, key, encoded.digest, Path(folder) / "back.flac")
            await self._put_peaks(key, encoded, Path(folder) / "peaks.json")
        await self._catalogue(raw, encoded, key)

    async def _put_peaks(self, key: str, encoded: Encoded, path: Path) -> None:
        await asyncio.to_thread(path.write_text, json.dumps(encoded.peaks))
        await self._store.put(key + PEAKS_SUFFIX, path, digest_of(path))

    async def _catalogue(self, raw: Raw, encoded: Encoded | None, key: str) -> None:
        """Write the row, once: the same sound again finds its row, another sound under the name gets a new part."""
        take, digest = raw.take, encoded.digest if encoded else ""
        seconds = (encoded.samples if encoded else 0) / RATE
        started_at = raw.changed_at - timedelta(seconds=seconds)
        async with self._db.session() as session:
            known = (
                await session.scalars(
                    select(Recording)
                    .where(
                        Recording.node == self._node,
                        Recording.linkedid == take.linkedid,
                        Recording.kind == take.kind,
                    )
                    .with_for_update()
                )
            ).all()
            if any(row.digest == digest and (digest or row.part == take.part) for row in known):
                return
            parts = {row.part for row in known}
            call = await _find_call(session, self._node, take.linkedid)
            part = take.part if take.part not in parts else max(parts) + 1
            row = Recording(
                call_id=call.id if call else None,
                node=self._node,
                linkedid=take.linkedid,
                kind=take.kind,
                part=part,
                started_at=started_at,
                offset_s=offset(take.kind, part, started_at, call.connected_at if call else None),
                seconds=seconds,
                channels=1 if take.kind is Kind.MESSAGE else 2,
                digest=digest,
                store_key=key,
                size=encoded.size if encoded else 0,
                protected_until=last_protected_day(started_at, self._protected_years),
                state=raw.state,
                transcribed_at=None if encoded else clock.now(),
            )
            session.add(row)
            await session.flush()
            if call:
                await _tell(session, row)

    async def _adopt(self) -> None:
        """Give recordings whose call was unknown when they were archived to that call."""
        async with self._db.session() as session:
            orphans = await session.execute(
                select(Recording, Call)
                .join(Call, (Call.node == Recording.node) & (Call.linkedid == Recording.linkedid))
                .where(Recording.call_id.is_(None), Recording.node == self._node)
                .with_for_update(of=Recording)
            )
            for row, call in orphans:
                row.call_id = call.id
                row.offset_s = offset(row.kind, row.part, row.started_at, call.connected_at)
                await _tell(session, row)

    async def _call(self, linkedid: str) -> Call | None:
        async with self._db.session() as session:
            return await _find_call(session, self._node, linkedid)


async def _find_call(session: AsyncSession, node: str, linkedid: str) -> Call | None:
    return (await session.scalars(select(Call).where(Call.node == node, Call.linkedid == linkedid))).one_or_none()


async def _tell(session: AsyncSession, row: Recording) -> None:
    assert row.call_id is not None
    await publish(session, RecordingStored(recording_id=row.id, call_id=row.call_id, kind=row.kind))
    await hint(session, "recordings", row.call_id)


async def _verify(store: Store, key: str, digest: str, copy: Path) -> None:
    """Read back what was stored. Raises `Invalid("digest-mismatch")`."""
    await fetch(store, key, copy)
    if await asyncio.to_thread(digest_of, copy) != digest:
        raise mismatch()


async def fetch(store: Store, key: str, target: Path) -> None:
    """Copy a stored file to `target`."""
    with target.open("wb") as file:
        async for block in store.read(key):
            await asyncio.to_thread(file.write, block)


def _names(spool: Path) -> list[str]:
    return [entry.name for entry in os.scandir(spool) if entry.is_file()] if spool.is_dir() else []


def _find(spool: Path, take: Take) -> Raw | None:
    files = [path if (path := spool / name).is_file() else None for name in take.names]
    changed = [path.stat().st_mtime for path in files if path]
    if not changed:
        return None
    return Raw(take, files, datetime.fromtimestamp(max(changed), UTC))


def _being_written(path: Path) -> bool:
    """Whether another process has the file open for writing: only then is a read lease refused (fcntl(2)).

    Where leases are not possible (another owner, a network folder), quiet time alone decides.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _remove(files: list[Path], spool: Path) -> None:
    for path in files:
        path.unlink(missing_ok=True)
    descriptor = os.open(spool, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _on_disk_trouble() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unavailable(full=True) from error
