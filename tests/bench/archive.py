"""`make bench-archive`: what it costs that recordings are encrypted, stored twice-checked, and read again every day,
and how long it takes to find one among a million.

    make bench-archive                                    # all parts; about a quarter of an hour
    make bench-archive ARGS="--parts store --calls 6 --suites sm4-gcm"
    make bench-archive ARGS="--parts catalogue,words --folder /var/tmp/found"   # keeps the rows for the next run

Everything as the product runs it: a spool of raw files, PostgreSQL with full durability for catalogue and keys, a
folder as the archive. The part `store`, for each suite:

- **ingest** of three-minute stereo calls: encode, decode and compare, both digests, encrypt, open again, store, read
  back, catalogue. Times real time per core: seconds of talk for each second of processor time of this process. Then a
  quarter as many as Opus, which the bar, the default's, does not judge.
- **verification**: what the nightly check does, against the serial sum of its primitives (read, decrypt, SHA-256, SM3)
  over the same files in the same run, in turns; the share of their throughput that is left.
- **seek** into one hour: from asking for a range to its first bytes, at random places.
- **keys**: data keys wrapped and unwrapped a second, one after the other; with `--keys device` the master key is in a
  token of SoftHSM, and all of the above is measured with it.

The parts `catalogue` and `words` (`tests.bench.archive_find`): pages of the list of recordings among 1,000,000 rows of
the catalogue, of which 200,000 have their words, and among a hundredth of both.
"""

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import uvloop
from sqlalchemy import select

from callflow.models import Call
from core import clock, log, personal
from core.actor import SYSTEM
from core.db import Database, new_id
from core.postgres import EmbeddedPostgres
from core.secrets import Secrets
from hotline.schema import migrate
from recordings.archive.ingest import Ingest
from recordings.archive.playback import open_range
from recordings.archive.rules import RATE
from recordings.forms import Encoding
from recordings.models import Recording
from recordings.proof.check import compare, in_turn
from recordings.store.datakeys import TableKeys
from recordings.store.device import DeviceMasters
from recordings.store.digests import Digesting
from recordings.store.folder import FolderStore
from recordings.store.frames import HEADER, SEALED, unpack
from recordings.store.masters import FileMasters, MasterKeys
from recordings.store.port import SUFFIX
from recordings.store.suite import Suite
from recordings.store.vault import VaultStore, context_of
from tests.bench import archive_find
from tests.bench.clerk import KEYS
from tests.bench.machine import speed
from tests.softhsm_token import SoftToken, soft_token

CALL_S, HOUR_S = 180, 3600
LEAST_INGEST, LEAST_SHARE, MOST_SEEK_MS = 200.0, 0.7, 100.0
"""Bars: times real time per core; share of the primitives' throughput; milliseconds, 95th percentile."""
OPUS = Encoding.OPUS_24
SEEKS = 200
SPAN = 64 * 1024
SEED = 12345
KEYS_WRAPPED = 1000
LEAST_WRAPS = 100.0
"""So many calls cannot end in a second: the device is never what a recording waits for."""


@dataclass
class Archive:
    """One suite's archive."""

    db: Database
    spool: Path
    root: Path
    masters: MasterKeys
    store: VaultStore
    home: Path

    def ingest(self, encoding: Encoding = Encoding.FLAC) -> Ingest:
        """The worker's, where all sound is kept like this."""
        return Ingest(
            self.db, self.store, self.spool, work=self.home / "work", node="bench", quiet_after_s=0,
            protected_years=lambda: 3, encoding=lambda kind, direction: encoding,
        )  # fmt: skip


def voice(seconds: int, drawn: np.random.Generator) -> bytes:
    """Something like a voice on a line: syllables of a few harmonics, pauses, and the noise that A-law leaves."""
    at = np.arange(seconds * RATE) / RATE
    syllables = np.repeat(drawn.random(seconds * 5 + 1) > 0.45, RATE // 5)[: len(at)]
    pitch = 110 + 30 * np.repeat(drawn.random(seconds * 5 + 1), RATE // 5)[: len(at)]
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = sum(np.sin(n * phase + drawn.random() * 6) / n for n in range(1, 12))
    loud = syllables * (0.3 + 0.7 * np.abs(np.sin(2 * np.pi * 2.5 * at)))
    samples = sound * loud * 5000 + drawn.normal(0, 40, len(at))
    step = np.maximum(16, 2 ** np.floor(np.log2(np.maximum(np.abs(samples), 1)) - 4))
    return (np.round(samples / step) * step).clip(-32768, 32767).astype("<i2").tobytes()


async def spool(archive: Archive, name: str, sides: tuple[bytes, bytes]) -> None:
    """A call that is over, and its raw files."""
    at = clock.now()
    async with archive.db.session() as session:
        session.add(Call(id=new_id(), node="bench", linkedid=name, arrived_at=at, connected_at=at, ended_at=at))
    for side, sound in zip(("in", "out"), sides, strict=True):
        (archive.spool / f"{name}_talk1_{side}.sln").write_bytes(sound)


async def ingested(
    archive: Archive, calls: int, seconds: int, encoding: Encoding = Encoding.FLAC
) -> tuple[float, float]:
    """Archive what lies in the spool -> times real time by the processor's time, and by the clock."""
    cpu, began = time.process_time(), time.perf_counter()
    if await archive.ingest(encoding).scan() != calls:
        raise SystemExit("not every call was archived")
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began
    return calls * seconds / cpu, calls * seconds / wall


async def rows(db: Database) -> list[Recording]:
    async with db.session() as session:
        return list(await session.scalars(select(Recording).order_by(Recording.id)))


async def checked(archive: Archive, found: list[Recording]) -> float:
    """Seconds of the nightly check's reading."""
    began = time.perf_counter()
    for some in in_turn(found):
        if any(await asyncio.gather(*(compare(archive.store, row) for row in some))):
            raise SystemExit("something is wrong with what was just archived")
    return time.perf_counter() - began


async def data_keys(archive: Archive, found: list[Recording]) -> dict[str, bytes]:
    """The data key of each file, unwrapped beforehand: the primitives are measured without the database."""
    keys, table = {}, TableKeys(archive.db)
    for row in found:
        head = (archive.root / (row.store_key + SUFFIX)).read_bytes()[:HEADER]
        kept = await table.find(unpack(head).key_id)
        assert kept is not None
        context = context_of(kept.id, kept.store_key)
        keys[row.store_key] = await archive.masters.unwrap(kept.master_id, kept.wrapped, context)
    return keys


def primitives(archive: Archive, found: list[Recording], keys: dict[str, bytes]) -> float:
    """Seconds that reading, decrypting, SHA-256 and SM3 take one after the other, with nothing around them."""
    began = time.perf_counter()
    for row in found:
        with (archive.root / (row.store_key + SUFFIX)).open("rb") as file:
            header = unpack(file.read(HEADER))
            aead, head, digest = header.suite.aead(keys[row.store_key]), header.pack(), Digesting()
            for number in range(header.frames):
                digest.update(aead.decrypt(header.nonce(number), file.read(SEALED), head))
            if digest.done().sha256 != row.digest:
                raise SystemExit("the primitives read something else")
    return time.perf_counter() - began


async def sought(archive: Archive, row: Recording, times: int) -> list[float]:
    """Milliseconds from a listener's range to its first bytes, permission, reason and ledger included."""
    drawn, took = random.Random(SEED), []
    for n in range(times):
        start = drawn.randrange(row.size - SPAN)
        began = time.perf_counter()
        async with archive.db.session() as session:
            part = await open_range(
                session, archive.store, SYSTEM, row.id, f"bytes={start}-{start + SPAN - 1}", "测速", f"play-{n}"
            )
        async for _ in part.content:
            break
        took.append((time.perf_counter() - began) * 1000)
    return took


@asynccontextmanager
async def archive_of(db: Database, folder: Path, suite: Suite, device: SoftToken | None) -> AsyncIterator[Archive]:
    """A spool and an archive of this suite."""
    home = folder / suite
    (home / "spool").mkdir(parents=True)
    masters = await _masters(home, device)
    store = VaultStore(FolderStore(home / "archive"), TableKeys(db), masters, suite)
    yield Archive(db, home / "spool", home / "archive", masters, store, home)


async def _masters(home: Path, device: SoftToken | None) -> MasterKeys:
    secrets = Secrets(home / "secrets")
    if device is None:
        return FileMasters(secrets)
    device.write_pin(home)
    masters = DeviceMasters(device.settings(), secrets)
    await masters.make()
    return masters


async def wrapped(archive: Archive, suite: Suite) -> tuple[float, float]:
    """Data keys wrapped, and unwrapped, a second."""
    data_key, context = os.urandom(suite.key_bytes), bytes(60)
    began = time.perf_counter()
    made = [await archive.masters.wrap(data_key, context, suite) for _ in range(KEYS_WRAPPED)]
    between = time.perf_counter()
    for one in made:
        await archive.masters.unwrap(*one, context)
    return KEYS_WRAPPED / (between - began), KEYS_WRAPPED / (time.perf_counter() - between)


async def measured(
    db: Database, folder: Path, suite: Suite, calls: int, device: SoftToken | None
) -> dict[str, tuple[str, bool]]:
    """What was measured -> in words, and whether the bar is met."""
    drawn = np.random.default_rng(SEED)
    before = {row.id for row in await rows(db)}
    async with archive_of(db, folder, suite, device) as archive:
        for n in range(calls):
            await spool(archive, f"{suite}.{n}", (voice(CALL_S, drawn), voice(CALL_S, drawn)))
        per_core, by_clock = await ingested(archive, calls, CALL_S)
        found = [row for row in await rows(db) if row.id not in before]
        size = sum(row.size for row in found)
        keys = await data_keys(archive, found)
        ours, bare = [], []
        for _ in range(3):
            ours.append(await checked(archive, found))
            bare.append(primitives(archive, found, keys))
        share = statistics.median(bare) / statistics.median(ours)
        minutes = [voice(60, drawn) for _ in range(2)]
        await spool(archive, f"{suite}.hour", (minutes[0] * (HOUR_S // 60), minutes[1] * (HOUR_S // 60)))
        await ingested(archive, 1, HOUR_S)
        hour = max(await rows(db), key=lambda row: row.id)
        took = await sought(archive, hour, SEEKS)
        wraps, unwraps = await wrapped(archive, suite)
        few = max(1, calls // 4)
        for n in range(few):
            await spool(archive, f"{suite}.opus.{n}", (voice(CALL_S, drawn), voice(CALL_S, drawn)))
        lossy, lossy_by_clock = await ingested(archive, few, CALL_S, OPUS)
    p95 = statistics.quantiles(took, n=20)[18]
    rate, most = size / 1e6 / statistics.median(ours), size / 1e6 / statistics.median(bare)
    return {
        "ingest": (f"{per_core:.0f} × real time per core ({by_clock:.0f} × by the clock)", per_core >= LEAST_INGEST),
        "ingest, Opus": (f"{lossy:.0f} × real time per core ({lossy_by_clock:.0f} × by the clock), {OPUS.label}", True),
        "verification": (f"{rate:.0f} MB/s of {most:.0f} MB/s: {share:.2f}", share >= LEAST_SHARE),
        "seek": (
            f"first bytes p50 {statistics.median(took):.1f} ms, p95 {p95:.1f} ms, of {hour.size / 1e6:.0f} MB",
            p95 <= MOST_SEEK_MS,
        ),
        "keys": (f"{wraps:.0f} wrapped, {unwraps:.0f} unwrapped a second", wraps >= LEAST_WRAPS),
    }


BARS = {
    "ingest": f"≥ {LEAST_INGEST:.0f} ×",
    "verification": f"≥ {LEAST_SHARE}",
    "seek": f"p95 ≤ {MOST_SEEK_MS:.0f} ms",
    "keys": f"≥ {LEAST_WRAPS:.0f} wrapped",
}


async def run(
    folder: Path, suites: list[Suite], calls: int, say: Callable[[str], object] = print, device: SoftToken | None = None
) -> bool:
    """All suites in turn -> whether every bar is met."""
    server = EmbeddedPostgres(folder / "postgres")
    await asyncio.to_thread(server.start)
    met = True
    try:
        await asyncio.to_thread(migrate, server.owner_url, server.url)
        db = Database(server.url)
        for suite in suites:
            for name, (said, ok) in (await measured(db, folder, suite, calls, device)).items():
                verdict = f"; bar {BARS[name]}: {'met' if ok else 'MISSED'}" if name in BARS else ""
                say(f"{suite:<12} {name:<13} {said}{verdict}")
                met = met and ok
        await db.close()
    finally:
        await asyncio.to_thread(server.stop)
    return met


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description="bench-archive")
    asked.add_argument("--calls", type=int, default=20)
    asked.add_argument("--suites", default=",".join(Suite))
    asked.add_argument("--parts", default="store,catalogue,words")
    asked.add_argument("--keys", choices=("files", "device"), default="files", help="where the master key is")
    asked.add_argument("--sizes", default="10000,1000000", help="rows of the catalogue")
    asked.add_argument("--rounds", type=int, default=40, help="pages of each kind")
    asked.add_argument("--folder", type=Path, help="where the catalogues are kept")
    given = asked.parse_args()
    print(speed(), flush=True)
    log.setup("ERROR", json=False, role="bench")
    personal.use_keys(KEYS)
    with tempfile.TemporaryDirectory(prefix="hl-archive-") as name:
        parts, met = given.parts.split(","), True
        if "store" in parts:
            suites = [Suite(one) for one in given.suites.split(",")]
            with soft_token(Path(name) / "device") if given.keys == "device" else nullcontext() as device:
                met = uvloop.run(run(Path(name), suites, given.calls, say, device))
        if found := [part for part in parts if part in archive_find.BARS]:
            sizes = [int(one) for one in given.sizes.split(",")]
            folder = given.folder or Path(name)
            met = uvloop.run(archive_find.measure(folder, found, sizes, given.rounds, say)) and met
    print(f"{os.cpu_count()} processors; {'every bar is met' if met else 'NOT every bar is met'}")


if __name__ == "__main__":
    main()
