"""A redacted copy: what was covered is not in its sound, not for a recogniser, not in its words; the source stays."""

import asyncio
import hashlib
import io
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from archive_room import Room
from by_hand import BY_HAND
from recording_voices import COMPLAINT, call, speech
from sqlalchemy import func, select, update

from core import clock
from core.actor import Actor
from core.db import Database, new_id
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger.models import LedgerEntry
from core.permissions import Role
from recordings.archive.ingest import Ingest
from recordings.archive.rules import RATE
from recordings.desk import making, marks, redactions
from recordings.desk.forget import forget
from recordings.desk.models import MakingState, Mark, Redaction, Waveform
from recordings.desk.redact import Stretch
from recordings.desk.redactions import Redactor
from recordings.desk.waveform import waveform
from recordings.models import Recording, Side, Source, TranscriptSegment
from recordings.settings import TINY_MODEL
from recordings.speech.engine import PIECE, Utterance, pieces
from recordings.speech.vosk_engine import VoskEngine
from recordings.store.port import Store

OFFICER = Actor(new_id(), "陈档", frozenset({Role.ARCHIVIST}))
AGENT = Actor(new_id(), "王丽", frozenset({Role.AGENT}))
WHY = "依法提供查询，隐去诉求内容"


@pytest.fixture(scope="module")
def engine() -> VoskEngine:
    return VoskEngine(TINY_MODEL)


def heard(engine: VoskEngine, samples: np.ndarray[Any, Any]) -> list[Utterance]:
    stream = engine.stream()
    found = [stream.accept(piece).utterance for piece in pieces(samples.astype("<i2").tobytes() + bytes(PIECE))]
    return [one for one in (*found, stream.finish().utterance) if one]


def energy(samples: np.ndarray[Any, Any]) -> float:
    """Outside the tone of the bleep, as a share of full scale."""
    spectrum = np.abs(np.fft.rfft(samples.astype(float) * np.hanning(len(samples)))) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float(spectrum[(hertz < 950) | (hertz > 1050)].sum() / len(samples) / 32768**2)


async def talk(db: Database, room: Room, engine: VoskEngine) -> tuple[Recording, list[Utterance]]:
    """The same complaint from the citizen and, later, from the other side, with the citizen's words as recognised."""
    sides = [speech(COMPLAINT), bytes(2 * RATE * 5) + speech(COMPLAINT)]
    call_id = await call(db, "1700000000.9", seconds=20)
    for name, side in zip(("in", "out"), sides, strict=True):
        path = room.spool / f"1700000000.9_talk1_{name}.sln"
        path.write_bytes(side)
        os.utime(path, (time.time() - 60,) * 2)
    ingest = Ingest(
        db, room.store, room.spool, work=room.home / "work", node="node1", quiet_after_s=30, protected_years=lambda: 3
    )
    assert await ingest.scan() == 1
    said = await asyncio.to_thread(heard, engine, np.frombuffer(sides[0], "<i2"))
    async with db.session() as session:
        row = (await session.scalars(select(Recording))).one()
        for one in said:
            given = {"start_s": one.start, "end_s": one.words[-1].end, "text": one.text, "source": Source.BATCH}
            words = [asdict(word) for word in one.words]
            session.add(
                TranscriptSegment(call_id=call_id, recording_id=row.id, side=Side.CITIZEN, words=words, **given)
            )
    return row, said


async def redact(
    db: Database, room: Room, actor: Actor, row: Recording, wanted: list[Stretch], why: str = WHY
) -> Redaction:
    """Asked for, and made by the worker."""
    async with db.session() as session:
        made = await redactions.ask(session, actor, row.id, wanted, why)
    await redactor(db, room).step()
    async with db.session() as session:
        return await session.get_one(Redaction, made.id)


def redactor(db: Database, room: Room) -> Redactor:
    return Redactor(db, room.store, work=room.home / "work" / "redactions")


async def content(store: Store, key: str) -> bytes:
    return b"".join([block async for block in store.read(key)])


def samples_of(flac: bytes) -> np.ndarray[Any, Any]:
    return soundfile.read(io.BytesIO(flac), dtype="int16", always_2d=True)[0]


@pytest.mark.proves("F12.9-4")
async def test_what_is_covered_cannot_be_heard_recognised_or_read(db: Database, home: Path, engine: VoskEngine) -> None:
    room = Room(db, home)
    row, said = await talk(db, room, engine)
    words = [word for one in said for word in one.words]
    secret = next(word for word in words if "小区" in word.w)
    wanted = [Stretch(0, secret.start, secret.end)]
    made = await redact(db, room, OFFICER, row, wanted)

    before = samples_of(await content(room.store, row.store_key))
    copy = await content(room.store, made.store_key)
    after = samples_of(copy)
    covered = slice(round(secret.start * RATE), round(secret.end * RATE))
    assert energy(before[covered, 0]) > 1e-4, "somebody speaks there"
    assert energy(after[covered, 0]) < energy(before[covered, 0]) / 1000
    wide = slice(round((secret.start - 0.11) * RATE), round((secret.end + 0.11) * RATE))
    outside = np.ones(len(before), bool)
    outside[wide] = False
    assert np.array_equal(before[outside], after[outside]) and np.array_equal(before[:, 1], after[:, 1])
    assert (after[covered, 0] != before[covered, 0]).mean() > 0.99

    again = "".join(one.text for one in await asyncio.to_thread(heard, engine, after[:, 0]))
    assert secret.w in "".join(one.text for one in said) and secret.w not in again
    other = "".join(one.text for one in await asyncio.to_thread(heard, engine, after[:, 1]))
    assert secret.w in other, "the other side was not to be covered"

    read = "".join(line["text"] for line in made.lines)
    assert secret.w not in read and "■" * len(secret.w) in read and "投诉" in read
    assert (made.source_digest, made.digest) == (row.digest, hashlib.sha256(copy).hexdigest())
    assert hashlib.sha256(await content(room.store, row.store_key)).hexdigest() == row.digest, "the source stays"
    async with db.session() as session:
        line = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "recording.redact"))).one()
    assert (line.actor_name, line.reason, line.subject_id) == ("陈档", WHY, str(row.id))
    assert (line.detail["digest"], line.detail["source"]) == (made.digest, row.digest)


async def test_who_may_not_take_recordings_along_redacts_none(db: Database, home: Path, engine: VoskEngine) -> None:
    room = Room(db, home)
    row, _ = await talk(db, room, engine)
    with pytest.raises(Denied):
        await redact(db, room, AGENT, row, [Stretch(0, 1, 2)])
    with pytest.raises(Invalid, match="bad-stretch"):
        await redact(db, room, OFFICER, row, [Stretch(0, 1, 2000)])
    assert [stat.key async for stat in room.store.list("redacted/")] == []


async def test_what_was_derived_goes_with_a_recording_that_was_destroyed(
    db: Database, home: Path, engine: VoskEngine
) -> None:
    room = Room(db, home)
    row, _ = await talk(db, room, engine)
    made = await redact(db, room, OFFICER, row, [Stretch(1, 6, 7)])
    await waveform(db, room.store, OFFICER, row.id)
    async with db.session() as session:
        await marks.add(session, OFFICER, row.id, "此处说明地点", 1.0)
    assert await forget(db, room.store) == 0
    async with db.session() as session:
        await session.execute(BY_HAND)  # as if by a certificate
        await session.execute(update(Recording).values(destroyed_at=clock.now(), certificate="XH-1"))
    assert await forget(db, room.store) == 1
    with pytest.raises(NotFound):
        await content(room.store, made.store_key)
    async with db.session() as session:
        for table in (Redaction, Waveform, Mark):
            assert await session.scalar(select(func.count()).select_from(table)) == 0


async def test_a_line_that_somebody_corrected_goes_as_a_whole(db: Database, home: Path, engine: VoskEngine) -> None:
    room = Room(db, home)
    row, said = await talk(db, room, engine)
    word = said[0].words[0]
    async with db.session() as session:
        await session.execute(update(TranscriptSegment).values(corrected="您好，我是张三"))
    made = await redact(db, room, OFFICER, row, [Stretch(0, word.start, word.end)])
    assert made.lines[0]["text"] == "■■■■■■■", "neither what was heard nor what was written in its place"


async def waiting(db: Database, row: Recording) -> Redaction:
    async with db.session() as session:
        return await redactions.ask(session, OFFICER, row.id, [Stretch(0, 1, 2)], WHY)


async def now_of(db: Database, one: Redaction) -> Redaction:
    async with db.session() as session:
        return await session.get_one(Redaction, one.id)


async def test_a_killed_worker_makes_the_copy_again_and_stores_it_once(
    db: Database, home: Path, engine: VoskEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(db, home)
    row, _ = await talk(db, room, engine)
    asked = await waiting(db, row)
    real = redactions.bleep

    def killed(*given: Any) -> Any:
        raise asyncio.CancelledError

    monkeypatch.setattr(redactions, "bleep", killed)
    with pytest.raises(asyncio.CancelledError):
        await redactor(db, room).step()
    assert (await now_of(db, asked)).state == MakingState.RUNNING
    monkeypatch.setattr(redactions, "bleep", real)
    await redactor(db, room).step()
    done = await now_of(db, asked)
    assert (done.state, done.done) == (MakingState.READY, done.total)
    assert [stat.key async for stat in room.store.list("redacted/")] == [done.store_key]
    assert list((room.home / "work" / "redactions").iterdir()) == []


async def test_it_tells_how_far_it_is_and_who_cancels_is_heard(
    db: Database, home: Path, engine: VoskEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(db, home)
    row, _ = await talk(db, room, engine)
    asked = await waiting(db, row)
    loop, real, seen = asyncio.get_running_loop(), redactions.bleep, list[int]()
    monkeypatch.setattr(making, "TOLD_EVERY_S", 0.02)

    async def noted_and_cancelled() -> None:
        seen.append((await now_of(db, asked)).done)
        if seen[-1]:
            async with db.session() as session:
                await redactions.cancel(session, OFFICER, row.id, asked.id)

    def slow(source: Any, target: Any, stretches: Any, told: Any) -> Any:
        told(7)
        while (seen or [0])[-1] == 0:
            asyncio.run_coroutine_threadsafe(noted_and_cancelled(), loop).result(30)
        while True:  # until it is told to stop
            told(8)

    monkeypatch.setattr(redactions, "bleep", slow)
    await redactor(db, room).step()
    assert seen[-1] == 7 and (await now_of(db, asked)).state == MakingState.CANCELLED
    assert [stat.key async for stat in room.store.list("redacted/")] == []
    assert list((room.home / "work" / "redactions").iterdir()) == []
    monkeypatch.setattr(redactions, "bleep", real)
    with pytest.raises(Conflict, match="over-already"):
        async with db.session() as session:
            await redactions.cancel(session, OFFICER, row.id, asked.id)


async def test_a_damaged_recording_is_named_and_nothing_is_stored(db: Database, home: Path, engine: VoskEngine) -> None:
    room = Room(db, home)
    row, _ = await talk(db, room, engine)
    path = next(path for path in (home / "archive").rglob("*") if path.name.startswith(row.store_key.split("/")[-1]))
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    made = await redact(db, room, OFFICER, row, [Stretch(0, 1, 2)])
    assert made.state == MakingState.FAILED and made.trouble.startswith("录音无法读取：")
    async with db.session() as session:
        with pytest.raises(NotFound):
            await redactions.ready(session, row.id, made.id)
        line = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "recording.not-redacted"))).one()
    assert (line.actor_name, line.reason) == ("陈档", made.trouble)
