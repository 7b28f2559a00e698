"""Whatever kills the worker while it destroys, wherever: each recording of the list is whole or wholly ended, with its
record, and the certificate is made once."""

import hashlib
import io
import json
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest
from archive_room import NOON
from disposal_killed import office_of
from dying import Mortals
from ingest_killed import REPLICA
from recording_voices import call
from retention_room import AFTER, LAST, Office
from sqlalchemy import Select, func, select, update

from core import clock
from core.clock import local
from core.db import Database, among, new_id
from core.errors import Unavailable
from core.ledger.models import LedgerEntry
from crm import installed
from crm.installed import Installation
from crm.retention import execution
from crm.retention.models import DisposalItem, DisposalList
from recordings.disposal import paper
from recordings.disposal.models import Disposal, DisposalCertificate
from recordings.disposal.replay import replay_disposals, require_replayed
from recordings.models import Kind, Recording, RecordingState, Side, Source, TranscriptSegment
from recordings.proof.check import compare
from recordings.store.models import ArchiveKey
from recordings.store.port import SUFFIX

SERVER = Path(__file__).with_name("disposal_killed.py")
SEED = int(os.environ.get("HOTLINE_SOAK_SEED", "1"))
RANDOM = 120 if "HOTLINE_SOAK_SEED" in os.environ else 6
"""Moments thrown at random: many in `make soak`, a few in `make test`."""
LATEST_S = 0.25


@pytest.fixture(scope="module")
def worker(database_url: str) -> Iterator[Mortals]:
    started = Mortals(SERVER, database_url)
    yield started
    started.end()


@pytest.fixture
def office(db: Database, home: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Office:
    installed.use(installation)
    monkeypatch.setattr(execution, "AT_ONCE", 1)
    return office_of(db, home)


@dataclass
class Ordered:
    """A list whose execution was ordered, what ends with it, and what is kept for longer since its approval."""

    row: DisposalList
    ends: Sequence[Recording]
    stays: Recording


async def ordered(office: Office) -> Ordered:
    """Two recordings that end, one that does not, in both stores, with what was said in them."""
    rows = [await archived(office) for _ in range(3)]
    while (await office.room.store.copies.lag(REPLICA)).count:
        await office.room.replication.step()
    made = await office.ordered()
    async with office.db.session() as session:
        later = update(Recording).where(Recording.id == rows[-1].id)
        await session.execute(later.values(protected_until=local(AFTER).date() + timedelta(days=99)))
    return Ordered(made, rows[:2], rows[2])


async def archived(office: Office) -> Recording:
    """A recording of three years ago."""
    id, sound = new_id(), token_bytes(5000)
    digest, size = hashlib.sha256(sound).hexdigest(), len(sound)
    row = Recording(id=id, node="node1", linkedid=str(id), kind=Kind.MESSAGE, part=1, size=size, digest=digest)
    row.call_id = await call(office.db, row.linkedid, connected_at=NOON, seconds=1)
    row.store_key, row.channels, row.seconds, row.state = f"2026/11/23/{id}.flac", 1, 1.0, RecordingState.STORED
    row.started_at, row.protected_until = NOON, local(LAST).date()
    await office.room.store.put(row.store_key, io.BytesIO(sound), digest)
    async with office.db.session() as session:
        said = {"words": [], "source": Source.LIVE, "side": Side.CITIZEN, "text": "路灯不亮"}
        session.add_all([row, TranscriptSegment(call_id=row.call_id, start_s=0.1, end_s=0.4, **said)])
    return row


async def recovered(office: Office, one: Ordered) -> None:
    """What the next process does; the lock of a killed one goes with its connection, which takes a moment."""
    give_up = time.monotonic() + 20
    while True:
        try:
            await office.dispose(one.row)
            break
        except Unavailable:
            assert time.monotonic() < give_up
    with clock.frozen(AFTER):
        while (await office.room.store.copies.lag(REPLICA)).count:
            await office.room.replication.step()
            assert time.monotonic() < give_up


async def torn(office: Office, one: Ordered) -> list[str]:
    """What a killed process left that is neither as it was nor ended."""
    await require_replayed(office.db, office.room.store)
    async with office.db.session() as session:
        ids = [row.id for row in one.ends]
        disposals = {row.object_id: row for row in await session.scalars(_of(one))}
        rows = list(await session.scalars(select(Recording).where(among(Recording.id, ids))))
        keys = set(await session.scalars(select(ArchiveKey.store_key)))
        spoken = set(await session.scalars(select(TranscriptSegment.call_id)))
        items = select(DisposalItem).where(DisposalItem.list_id == one.row.id)
        states = {item.object_id: item.state for item in await session.scalars(items)}
    found = []
    for row in rows:
        signs = [row.destroyed_at is not None, row.store_key not in keys, row.call_id not in spoken]
        signs += [states[row.id] == "destroyed", row.id in disposals]
        if len(set(signs)) != 1:
            found.append(f"{row.linkedid}: half ended: {signs}")
        if not any(signs) and (said := await compare(office.room.store, row)):
            found.append(f"{row.linkedid}: not ended, and {said}")
        gone = not all(path.exists() for path in paths(office, row))
        if gone and (row.id not in disposals or not _paper(office, one.row.number, disposals[row.id].part).exists()):
            found.append(f"{row.linkedid}: a file went before its record was in the archive")
    if said := await compare(office.room.store, one.stays):
        found.append(f"what stays: {said}")
    return found


async def wrong(office: Office, one: Ordered, before: str) -> list[str]:
    """What is not as if nobody had been killed; `before` is the certificate as the killed process had signed it."""
    number, found = one.row.number, await torn(office, one)
    async with office.db.session() as session:
        row = await session.get_one(DisposalList, one.row.id)
        disposals = list(await session.scalars(_of(one)))
        certificate = await session.get_one(DisposalCertificate, number)
        stayed = await session.get_one(DisposalItem, (one.row.id, one.stays.id))
        entries = select(func.count()).select_from(LedgerEntry).where(LedgerEntry.subject_id == number)
        told = await session.scalar(entries.where(LedgerEntry.action == "disposal.done"))
    if (row.state, stayed.state, told) != ("done", "stopped", 1):
        found.append(f"list {row.state}, what stays {stayed.state}, told {told} times")
    if {one.object_id for one in disposals} != {one.id for one in one.ends} or not all(d.gone_at for d in disposals):
        found.append("disposals: " + str([(d.object_id, d.gone_at) for d in disposals]))
    if left := [path for row in one.ends for path in paths(office, row) if path.exists()]:
        found.append(f"files left: {left}")
    parts = sorted({d.part for d in disposals})
    papers = [paper.part_key(number, n) for n in parts] + [paper.whole_key(number)]
    for root in roots(office):
        lie = sorted(path.relative_to(root).as_posix() for path in root.glob(f"{paper.PLAIN}{number}/*"))
        if lie != sorted(papers):
            found.append(f"papers in {root.name}: {lie}")
            continue
        stored = [paper.read((root / key).read_bytes(), office.room.signer.known()) for key in papers]
        named = [entry["id"] for part in stored[:-1] for entry in part.document["recordings"]]
        if sorted(named) != sorted(str(row.id) for row in one.ends):
            found.append(f"{root.name} names {named}")
        if stored[-1].text != certificate.document or json.loads(certificate.document)["count"] != len(one.ends):
            found.append(f"{root.name}: another certificate")
    if before and before != certificate.document:
        found.append("the certificate was made twice")
    return found


async def signed(office: Office, one: Ordered) -> str:
    """The certificate, if it is signed by now."""
    async with office.db.session() as session:
        return (await session.get_one(DisposalCertificate, one.row.number)).document


def _of(one: Ordered) -> Select[Any]:
    return select(Disposal).where(Disposal.certificate == one.row.number)


def roots(office: Office) -> tuple[Path, Path]:
    return office.room.root, office.room.home / REPLICA


def paths(office: Office, row: Recording) -> list[Path]:
    return [root / (row.store_key + SUFFIX) for root in roots(office)]


def _paper(office: Office, number: str, part: int) -> Path:
    return office.room.root / paper.part_key(number, part)


async def test_a_kill_at_any_step_leaves_nothing_half_destroyed(office: Office, worker: Mortals) -> None:
    home, failures, number, lives, steps = str(office.room.home), [], 0, True, list[str]()
    one = await ordered(office)
    steps = (await worker.run(-1, home=home, list=str(one.row.id)))["steps"]
    await recovered(office, one)
    assert not await wrong(office, one, "")
    kinds = {"create", "write", "fsync", "rename", "commit", "unlink .hla1", "mkdir"}
    statements = {"insert into archive_copies", "delete from archive_keys", "update disposal_certificates set"}
    assert len(steps) >= 30 and kinds | statements <= set(steps), steps
    while lives:
        one = await ordered(office)
        lives = (await worker.run(number, home=home, list=str(one.row.id)))["killed"]
        found, before = await torn(office, one), await signed(office, one)
        await recovered(office, one)
        if found := [*found, *await wrong(office, one, before)]:
            failures.append((number, steps[number : number + 1], found))
        number += 1
    assert not failures, f"{len(failures)} of {number}: " + "\n".join(map(str, failures))
    await after_all(office)


async def test_kills_at_any_moment_leave_nothing_half_destroyed(office: Office, worker: Mortals) -> None:
    thrown = random.Random(SEED)
    for number in range(RANDOM):
        one = await ordered(office)
        moments = [thrown.uniform(0, LATEST_S) for _ in range(thrown.randrange(1, 4))]
        for moment in moments:
            await worker.run(-1, moment, home=str(office.room.home), list=str(one.row.id))
            assert not await torn(office, one), f"seed {SEED}, number {number}, killed after {moments}"
        before = await signed(office, one)
        await recovered(office, one)
        found = await wrong(office, one, before)
        assert not found, f"seed {SEED}, number {number}, killed after {moments}: {found}"
    await after_all(office)


async def after_all(office: Office) -> None:
    """Papers and database agree, and the check finds nothing."""
    done = await replay_disposals(office.db, office.shredder)
    assert (done.again, done.refused, done.unknown) == (0, [], set())
    ok, said = await office.room.checked(AFTER)
    assert ok, said
