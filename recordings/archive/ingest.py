"""From Asterisk's spool to the archive: each step may be the last before a crash, and the next scan goes on."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast
from uuid import UUID

from soundfile import LibsndfileError
from sqlalchemy import Row, Table, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core import clock
from core.db import Database, among, new_id
from core.errors import HotlineError, Unavailable
from core.events import publish
from core.live import hint
from core.locks import try_hold
from core.log import call as log_call
from core.log import get
from core.rows import insert_rows
from recordings.archive.rules import RATE, finished, last_protected_day, offset
from recordings.archive.sound import Encoded, encode
from recordings.archive.spool import Raw, spooled
from recordings.events import RecordingStored
from recordings.models import Kind, Recording, RecordingState
from recordings.store.port import Store, unavailable

log = get(__name__)
RECORDINGS = cast(Table, Recording.__table__)
BATCH = 50
"""Recordings catalogued in one transaction."""
IN_MEMORY = 16 * 1024 * 1024
"""Bytes of a sound being encoded, about a quarter of an hour; a longer one goes through the work folder."""


@dataclass(frozen=True)
class Kept:
    """A recording in the store; one without a sample has neither key nor sound."""

    raw: Raw
    key: str = ""
    encoded: Encoded | None = None


class Ingest:
    """One node's spool. `scan()` archives whatever is finished; whoever runs it, one at a time does.

    `work` is a folder of its own, not in the spool: a spool that is full must still be emptied. Its files have no
    names, so that nothing half made outlives its process.
    """

    def __init__(
        self,
        db: Database,
        store: Store,
        spool: Path,
        *,
        work: Path,
        node: str,
        quiet_after_s: float,
        protected_years: Callable[[], int],
    ) -> None:
        self._db = db
        self._store = store
        self._spool = spool
        self._work = work
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
            self._work.mkdir(mode=0o700, parents=True, exist_ok=True)
            done, trouble = 0, None
            finished = await self._finished(await asyncio.to_thread(spooled, self._spool))
            for start in range(0, len(finished), BATCH):
                kept: list[Kept] = []
                for raw in finished[start : start + BATCH]:
                    try:
                        with log_call(linkedid=raw.take.linkedid):
                            kept.append(await self._keep(raw))
                    except (HotlineError, LibsndfileError) as error:
                        trouble = _trouble(raw, error)
                kept, refused = await self._catalogued(kept)
                trouble = trouble or refused
                with _on_disk_trouble():
                    await asyncio.to_thread(_remove, [path for one in kept for path in one.raw.paths], self._spool)
                done += len(kept)
            if trouble:
                raise trouble
            return done

    async def _finished(self, raws: list[Raw]) -> list[Raw]:
        """Those to which no sample will be added, empty ones after all that their calls said; on the way, orphans of
        earlier scans find their calls."""
        async with self._db.session() as session:
            await self._adopt(session)
            over = await self._over(session, raws)
        at = clock.now()
        done = [
            raw
            for raw in raws
            if finished(
                ended=over.get(raw.take.linkedid),
                being_written=raw.being_written,
                empty=raw.state is RecordingState.EMPTY,
                quiet_s=(at - raw.changed_at).total_seconds(),
                quiet_after_s=self._quiet_after_s,
            )
        ]
        whole = {raw.take for raw in done}
        going_on = {raw.take.linkedid for raw in raws if raw.take not in whole}
        sounding = [raw for raw in done if raw.samples]
        return sounding + [raw for raw in done if not raw.samples and raw.take.linkedid not in going_on]

    async def _over(self, session: AsyncSession, raws: list[Raw]) -> dict[str, bool]:
        """Of the calls that are known, by linkedid: whether each has ended."""
        if not raws:
            return {}
        linkedids = {raw.take.linkedid for raw in raws}
        of_raws = select(Call.linkedid, Call.ended_at).where(Call.node == self._node, among(Call.linkedid, linkedids))
        return {row.linkedid: row.ended_at is not None for row in await session.execute(of_raws)}

    async def _keep(self, raw: Raw) -> Kept:
        """The sound in the store, read back."""
        if raw.state is RecordingState.EMPTY:
            return Kept(raw)
        with _on_disk_trouble(), SpooledTemporaryFile(IN_MEMORY, dir=str(self._work)) as file:
            sound = cast(BinaryIO, file)
            encoded = await asyncio.to_thread(encode, raw.files, sound)
            day = clock.local(raw.changed_at).strftime("%Y/%m/%d")
            key = f"{day}/{self._node}/{raw.take.stem}-{encoded.digest[:12]}.flac"
            await self._store.put(key, sound, encoded.digest)
        return Kept(raw, key, encoded)

    async def _catalogued(self, kept: list[Kept]) -> tuple[list[Kept], Unavailable | None]:
        """Those in the catalogue, and what the database said of another: one that it refuses holds up no other."""
        try:
            await self._catalogue(kept)
            return kept, None
        except SQLAlchemyError as error:
            if len(kept) == 1:
                return [], _trouble(kept[0].raw, error)
        apart = [await self._catalogued([one]) for one in kept]
        return [one for done, _ in apart for one in done], next((said for _, said in apart if said), None)

    async def _catalogue(self, kept: list[Kept]) -> None:
        """Write the rows, each once: the same sound again finds its row, another sound under the name gets a new
        part."""
        if not kept:
            return
        linkedids = {one.raw.take.linkedid for one in kept}
        async with self._db.session() as session:
            rows = await session.execute(
                select(RECORDINGS.c.linkedid, RECORDINGS.c.kind, RECORDINGS.c.part, RECORDINGS.c.digest)
                .where(RECORDINGS.c.node == self._node, among(RECORDINGS.c.linkedid, linkedids))
                .order_by(RECORDINGS.c.id)
                .with_for_update()
            )
            known: dict[tuple[str, Kind], dict[int, str]] = {}
            for row in rows:
                known.setdefault((row.linkedid, row.kind), {})[row.part] = row.digest
            of_node = select(Call.linkedid, Call.id, Call.connected_at).where(Call.node == self._node)
            found = await session.execute(of_node.where(among(Call.linkedid, linkedids)))
            calls = {call.linkedid: call for call in found}
            fresh: list[dict[str, Any]] = []
            for one in kept:
                same = known.setdefault((one.raw.take.linkedid, one.raw.take.kind), {})
                if new := self._row(one, same, calls.get(one.raw.take.linkedid)):
                    same[new["part"]] = new["digest"]
                    fresh.append(new)
            if fresh:
                await insert_rows(session, RECORDINGS, fresh)
            await _tell(
                session,
                [
                    RecordingStored(recording_id=new["id"], call_id=new["call_id"], kind=new["kind"])
                    for new in fresh
                    if new["call_id"]
                ],
            )

    def _row(
        self, one: Kept, known: Mapping[int, str], call: Row[str, UUID, datetime | None] | None
    ) -> dict[str, Any] | None:
        """The catalogue's row of a recording, `known` being its likes' digests by part; None where it has one, or was
        no recording: a recorder that waited in the queue for an agent in vain leaves empty files, also where the
        citizen kept the place and was recorded when called back."""
        raw, take, digest = one.raw, one.raw.take, one.encoded.digest if one.encoded else ""
        talked = call is None or call.connected_at is not None or take.kind is Kind.MESSAGE
        if not raw.samples and (not talked or any(known.values())):
            return None
        if digest in known.values() if digest else known.get(take.part) == "":
            return None
        seconds = (one.encoded.samples if one.encoded else 0) / RATE
        started_at = raw.changed_at - timedelta(seconds=seconds)
        part = take.part if take.part not in known else max(known) + 1
        return {
            "id": new_id(),
            "call_id": call.id if call else None,
            "node": self._node,
            "linkedid": take.linkedid,
            "kind": take.kind,
            "part": part,
            "started_at": started_at,
            "offset_s": offset(take.kind, part, started_at, call.connected_at if call else None),
            "seconds": seconds,
            "channels": 1 if take.kind is Kind.MESSAGE else 2,
            "digest": digest,
            "sm3": one.encoded.sm3 if one.encoded else "",
            "store_key": one.key,
            "size": one.encoded.size if one.encoded else 0,
            "protected_until": last_protected_day(started_at, self._protected_years()),
            "state": raw.state,
            "transcribed_at": None if one.encoded else clock.now(),
        }

    async def _adopt(self, session: AsyncSession) -> None:
        """Give recordings whose call was unknown when they were archived to that call."""
        orphans = await session.execute(
            select(Recording, Call.id, Call.connected_at)
            .join(Call, (Call.node == Recording.node) & (Call.linkedid == Recording.linkedid))
            .where(Recording.call_id.is_(None), Recording.node == self._node)
            .with_for_update(of=Recording)
        )
        adopted = []
        for row, call_id, connected_at in orphans:
            row.call_id = call_id
            row.offset_s = offset(row.kind, row.part, row.started_at, connected_at)
            adopted.append(RecordingStored(recording_id=row.id, call_id=call_id, kind=row.kind))
        await _tell(session, adopted)


def _trouble(raw: Raw, error: HotlineError | LibsndfileError | SQLAlchemyError) -> Unavailable:
    if isinstance(error, Unavailable):
        return error
    log.error("recording.refused", take=raw.take.stem, exc_info=error)
    trouble = Unavailable("recording-unreadable", f"录音 {raw.take.stem} 无法归档，已保留在暂存区。")
    trouble.__cause__ = error
    return trouble


async def _tell(session: AsyncSession, stored: list[RecordingStored]) -> None:
    await publish(session, *stored)
    for one in stored:
        hint(session, "recordings", one.call_id)


async def fetch(store: Store, key: str, target: Path) -> None:
    """Copy a stored file to `target`."""
    with target.open("wb") as file:
        async for block in store.read(key):
            await asyncio.to_thread(file.write, block)


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
