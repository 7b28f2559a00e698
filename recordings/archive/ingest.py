"""From Asterisk's spool to the archive: each step may be the last before a crash, and the next scan goes on."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from soundfile import LibsndfileError
from sqlalchemy.exc import SQLAlchemyError

from callflow.rules import Direction
from core import clock
from core.db import Database
from core.errors import Conflict, HotlineError, Invalid, NotFound, Unavailable
from core.locks import try_hold
from core.log import call as log_call
from core.log import get
from recordings.archive.catalogue import Kept, adopt, catalogue
from recordings.archive.known import Archived, Known, known
from recordings.archive.rules import LONGEST_S, RATE, Take, finished
from recordings.archive.sound import encode, holds
from recordings.archive.spool import Mark, Raw, mark_of, spooled
from recordings.forms import Encoding
from recordings.models import Kind, RecordingState
from recordings.store.port import FULL, Damaged, Store, unavailable

log = get(__name__)
BATCH = 50
"""Recordings catalogued in one transaction."""
SHOWN = 20
"""Names in one line of the log."""
IN_MEMORY = 16 * 1024 * 1024
"""Bytes of a sound being encoded, about a quarter of an hour; a longer one goes through the work folder."""


def lossless(kind: Kind, direction: Direction | None) -> Encoding:
    """Where the bureau has decided nothing, nothing is lost."""
    return Encoding.FLAC


class Ingest:
    """One node's spool. `scan()` archives whatever is finished; whoever runs it, one at a time does.

    `work` is a folder of its own, not in the spool: a spool that is full must still be emptied. Its files have no
    names, so that nothing half made outlives its process. `encoding` says how a class is kept from now on; the
    direction is None for a call that is unknown.
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
        encoding: Callable[[Kind, Direction | None], Encoding] = lossless,
    ) -> None:
        self._db = db
        self._store = store
        self._spool = spool
        self._work = work
        self._node = node
        self._quiet_after_s = quiet_after_s
        self._protected_years = protected_years
        self._encoding = encoding
        self._seen: dict[Take, tuple[tuple[Mark | None, ...], float]] = {}
        self._foreign: set[str] = set()
        self._refused: set[Take] = set()

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
            lies = await asyncio.to_thread(spooled, self._spool)
            self._tell_foreign(lies.foreign)
            finished, book = await self._finished(lies.raws)
            for start in range(0, len(finished), BATCH):
                kept: list[Kept] = []
                for raw in finished[start : start + BATCH]:
                    try:
                        with log_call(linkedid=raw.take.linkedid):
                            kept.append(await self._keep(raw, book))
                    except (HotlineError, LibsndfileError) as error:
                        trouble = self._trouble(raw, error)
                kept, refused = await self._catalogued(kept)
                stuck = await asyncio.to_thread(_remove, [one.raw for one in kept], self._spool)
                trouble = trouble or refused or stuck
                done += len(kept)
            if trouble:
                raise trouble
            return done

    async def _finished(self, raws: list[Raw]) -> tuple[list[Raw], Known]:
        """Those to which no sample will be added, empty ones after all that their calls said, and what is known of
        them; on the way, orphans of earlier scans find their calls."""
        async with self._db.session() as session:
            await adopt(session, self._node)
            book = await known(session, self._node, raws)
        at, quiet = clock.now(), self._quiet(raws)
        done = [
            raw
            for raw in raws
            if finished(
                ended=book.ended.get(raw.take.linkedid),
                being_written=raw.being_written,
                empty=raw.state is RecordingState.EMPTY,
                quiet_s=max(quiet[raw.take], (at - raw.changed_at).total_seconds()),
                quiet_after_s=self._quiet_after_s,
            )
        ]
        whole = {raw.take for raw in done}
        going_on = {raw.take.linkedid for raw in raws if raw.take not in whole}
        sounding = [raw for raw in done if raw.samples]
        return sounding + [raw for raw in done if not raw.samples and raw.take.linkedid not in going_on], book

    def _quiet(self, raws: list[Raw]) -> dict[Take, float]:
        """For how many seconds this process has seen each as it is: a clock that was set back says nothing of that."""
        at = time.monotonic()
        before, self._seen = self._seen, {}
        for raw in raws:
            marks, since = before.get(raw.take, (raw.marks, at))
            self._seen[raw.take] = (raw.marks, since if marks == raw.marks else at)
        return {take: at - since for take, (_, since) in self._seen.items()}

    def _tell_foreign(self, names: list[str]) -> None:
        """What lies in the spool and is no recording stays there, and is named once."""
        fresh = [name for name in names if name not in self._foreign]
        self._foreign = set(names)
        if fresh:
            log.warning("spool.not-ours", count=len(fresh), names=[ascii(name) for name in fresh[:SHOWN]])

    async def _keep(self, raw: Raw, book: Known) -> Kept:
        """The sound in the store, read back."""
        if raw.state is RecordingState.EMPTY:
            return Kept(raw)
        if raw.samples > LONGEST_S * RATE:
            raise Invalid("recording-too-long", f"录音超过 {LONGEST_S // 3600} 小时。")
        if await self._is_archived(raw, book.archived.get((raw.take.linkedid, raw.take.kind), [])):
            return Kept(raw, archived=True)
        encoding = self._encoding(raw.take.kind, book.directions.get(raw.take.linkedid))
        with _on_disk_trouble(), SpooledTemporaryFile(IN_MEMORY, dir=str(self._work)) as file:
            sound = cast(BinaryIO, file)
            encoded = await asyncio.to_thread(encode, raw.files, sound, encoding)
            day = clock.local(raw.changed_at).strftime("%Y/%m/%d")
            key = f"{day}/{self._node}/{raw.take.stem}-{encoded.digest[:12]}.{encoded.form}"
            await self._store.put(key, sound, encoded.digest)
        return Kept(raw, key, encoded)

    async def _is_archived(self, raw: Raw, archived: list[Archived]) -> bool:
        """Whether these files are what a killed process had left to remove of an archived recording.

        They are, if one of the recordings of this name holds the same samples on each of their sides. The sound
        decides and not the digest: since that process died, the bureau may have chosen another form.
        """
        for one in archived:
            if raw.whole and one.seconds != raw.samples / RATE:
                continue
            with _on_disk_trouble(), SpooledTemporaryFile(IN_MEMORY, dir=str(self._work)) as file:
                sound = cast(BinaryIO, file)
                try:
                    async for block in self._store.read(one.key):
                        await asyncio.to_thread(sound.write, block)
                    if await asyncio.to_thread(holds, sound, raw.files):
                        return True
                except (NotFound, Damaged, LibsndfileError):
                    continue
        return False

    async def _catalogued(self, kept: list[Kept]) -> tuple[list[Kept], Unavailable | None]:
        """Those in the catalogue, and what the database said of another: one that it refuses holds up no other."""
        try:
            async with self._db.session() as session:
                await catalogue(session, self._node, kept, self._protected_years())
            return kept, None
        except (SQLAlchemyError, Conflict) as error:
            if len(kept) == 1:
                return [], self._trouble(kept[0].raw, error)
        apart = [await self._catalogued([one]) for one in kept]
        return [one for done, _ in apart for one in done], next((said for _, said in apart if said), None)

    def _trouble(self, raw: Raw, error: HotlineError | LibsndfileError | SQLAlchemyError) -> Unavailable:
        """What health says of a recording that cannot be archived; why is in the log, once."""
        if isinstance(error, Unavailable):
            return error
        if raw.take not in self._refused:
            self._refused.add(raw.take)
            log.error("recording.refused", take=raw.take.stem, exc_info=error)
        trouble = Unavailable("recording-unreadable", f"录音 {raw.take.stem} 无法归档，已保留在暂存区。")
        trouble.__cause__ = error
        return trouble


async def fetch(store: Store, key: str, target: Path) -> None:
    """Copy a stored file to `target`."""
    with target.open("wb") as file:
        async for block in store.read(key):
            await asyncio.to_thread(file.write, block)


def _remove(raws: list[Raw], spool: Path) -> Unavailable | None:
    """Remove what is archived -> what hindered it. A file that has grown since it was read stays for the next scan."""
    stuck = None
    for path, mark in [pair for raw in raws for pair in zip(raw.files, raw.marks, strict=True)]:
        if path is None or mark_of(path) != mark:
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            stuck = Unavailable("spool-stuck", "录音已归档，但无法从暂存区清除，请检查暂存区目录的权限。")
            stuck.__cause__ = error
    descriptor = os.open(spool, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return stuck


@contextlib.contextmanager
def _on_disk_trouble() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise unavailable(full=True) from error
        raise Unavailable("spool-unreadable", "暂存区或工作目录无法读写，录音保留在暂存区。") from error
