"""The bureau's form for each class of recordings, through the real ingest: what is heard, recognised and redacted of a
lossy recording, and that nothing that is archived already changes with the policy."""

import io
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from archive_room import Room
from recording_voices import ANSWER, ANSWER_WORDS, COMPLAINT, COMPLAINT_WORDS, call, speech
from sqlalchemy import select, update

from callflow.models import Call
from callflow.rules import Direction
from core import clock
from core.actor import Actor
from core.db import Database, new_id
from core.permissions import Role
from crm import installed
from recordings import queries
from recordings.archive.ingest import Ingest
from recordings.archive.tracks import Samples
from recordings.desk import redactions
from recordings.desk.models import Redaction
from recordings.desk.redact import Stretch
from recordings.desk.redactions import Redactor
from recordings.forms import Encoding, Form
from recordings.models import Kind, Recording, Side
from recordings.policy import RecordingPolicy
from recordings.proof.check import compare
from recordings.settings import TINY_MODEL
from recordings.speech.batch import Batch
from recordings.speech.decoder import Decoder
from recordings.speech.model import load
from recordings.speech.service import measured

POLICY = installed.read(Path(__file__).parents[3] / "counties" / "yiyang").policy[RecordingPolicy]
LOSSY = POLICY.model_copy(
    update={
        "inbound_form": Encoding.OPUS_24,
        "outbound_form": Encoding.OPUS_16,
        "internal_form": Encoding.OPUS_48,
        "message_form": Encoding.OPUS_32,
    }
)
OFFICER = Actor(new_id(), "陈档", frozenset({Role.ARCHIVIST}))
CITIZEN, OTHER = speech(COMPLAINT, after_s=6.0), speech(ANSWER, before_s=6.0)
VOICES = {"in": CITIZEN, "out": OTHER}


@pytest.fixture
def room(db: Database, home: Path) -> Room:
    return Room(db, home)


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    engine = load(TINY_MODEL).engine
    assert engine is not None
    made = await measured(engine, 2)
    yield made
    made.close()


def put(room: Room, linkedid: str, names: dict[str, bytes]) -> None:
    for name, samples in names.items():
        path = room.spool / f"{linkedid}_{name}.sln"
        path.write_bytes(samples)
        os.utime(path, (time.time() - 60,) * 2)


def talk(room: Room, linkedid: str) -> None:
    put(room, linkedid, {f"talk1_{side}": samples for side, samples in VOICES.items()})


async def scan(room: Room, policy: RecordingPolicy) -> int:
    ingest = Ingest(
        room.db, room.store, room.spool, work=room.home / "work", node="node1", quiet_after_s=30,
        protected_years=lambda: policy.protected_years, encoding=policy.encoding,
    )  # fmt: skip
    return await ingest.scan()


async def rows(room: Room) -> list[Recording]:
    async with room.db.session() as session:
        return list(await session.scalars(select(Recording).order_by(Recording.linkedid, Recording.kind)))


async def samples_of(room: Room, key: str) -> Samples:
    content = b"".join([block async for block in room.store.read(key)])
    found: Samples = soundfile.read(io.BytesIO(content), dtype="int16", always_2d=True)[0]
    return found


def energy(samples: Samples) -> float:
    return float((samples.astype(float) ** 2).mean())


def test_nothing_is_lost_unless_the_bureau_decides_so() -> None:
    classes = [(kind, way) for kind in Kind for way in (*Direction, None)]
    assert {POLICY.encoding(*each) for each in classes} == {Encoding.FLAC}
    assert all(POLICY.basis[f"{name}_form"] for name in ("inbound", "outbound", "internal", "message"))


async def test_each_class_is_kept_as_the_policy_says(room: Room) -> None:
    for number, way in enumerate(Direction):
        await call(room.db, f"17.{number}", seconds=10)
        async with room.db.session() as session:
            await session.execute(update(Call).where(Call.linkedid == f"17.{number}").values(direction=way))
        talk(room, f"17.{number}")
    await call(room.db, "17.3", seconds=10)
    put(room, "17.3", {"message": CITIZEN})
    talk(room, "17.4")
    assert await scan(room, LOSSY) == 5
    kept = await rows(room)
    assert [row.form for row in kept] == [*[Form.OPUS] * 4, Form.FLAC], "of a call that is unknown nothing is lost"
    sizes = [row.size / row.seconds / row.channels * 8 / 1000 for row in kept]
    assert sizes[1] < sizes[0] < sizes[2] and sizes[2] < 48 and sizes[3] < 36, "kbit/s, of voices that mostly rest"
    assert {row.seconds for row in kept} == {max(len(CITIZEN), len(OTHER)) / 16000, len(CITIZEN) / 16000}
    assert [await compare(room.store, row) for row in kept] == [""] * 5, "digest and seal know files, not sounds"


async def test_the_same_words_are_recognised_on_the_same_side(room: Room, decoder: Decoder) -> None:
    calls = {}
    for linkedid, policy in (("17.1", POLICY), ("17.2", LOSSY)):
        calls[policy.inbound_form] = await call(room.db, linkedid, seconds=10)
        talk(room, linkedid)
        assert await scan(room, policy) == 1
    with clock.frozen(clock.now() + timedelta(seconds=20)):
        assert await Batch(room.db, room.store, decoder, room=_at_once).step() == 2
    said = {}
    for encoding, call_id in calls.items():
        async with room.db.session() as session:
            words = await queries.words_of_call(session, call_id)
        said[encoding] = [words.of(side).replace("，", "") for side in Side]
        assert COMPLAINT_WORDS in said[encoding][0] and ANSWER_WORDS not in said[encoding][0]
        assert ANSWER_WORDS in said[encoding][1] and COMPLAINT_WORDS not in said[encoding][1]
    assert said[Encoding.FLAC] == said[Encoding.OPUS_24]
    exact, lossy = await rows(room)
    before, after = [await samples_of(room, row.store_key) for row in (exact, lossy)]
    assert len(before) == len(after) and exact.seconds == lossy.seconds
    for channel in (0, 1):
        assert energy(after[:, channel]) == pytest.approx(energy(before[:, channel]), rel=0.1)
    assert lossy.size < exact.size


async def _at_once() -> None:
    return


@pytest.mark.parametrize("sides", [("in", "out"), ("in",), ("out",)])
@pytest.mark.parametrize(("first", "then"), [(POLICY, LOSSY), (LOSSY, POLICY), (LOSSY, LOSSY)])
async def test_what_a_kill_left_in_the_spool_is_not_archived_again_in_another_form(
    room: Room, first: RecordingPolicy, then: RecordingPolicy, sides: tuple[str, ...]
) -> None:
    await call(room.db, "17.1", seconds=10)
    talk(room, "17.1")
    assert await scan(room, first) == 1
    [row] = await rows(room)
    put(room, "17.1", {f"talk1_{side}": VOICES[side] for side in sides})
    assert await scan(room, then) == 1
    [same] = await rows(room)
    assert (same.id, same.store_key, same.form) == (row.id, row.store_key, first.inbound_form.form)
    assert list(room.spool.iterdir()) == [] and len([one async for one in room.store.list("")]) == 1


async def test_another_sound_of_the_same_name_is_another_part(room: Room) -> None:
    await call(room.db, "17.1", seconds=10)
    talk(room, "17.1")
    assert await scan(room, LOSSY) == 1
    altered = np.frombuffer(CITIZEN, "<i2").copy()
    altered[10_000] ^= 1
    put(room, "17.1", {"talk1_in": altered.tobytes(), "talk1_out": OTHER})
    assert await scan(room, LOSSY) == 1
    assert {row.part for row in await rows(room)} == {1, 2} and list(room.spool.iterdir()) == []


async def test_a_redacted_copy_loses_nothing_more(room: Room) -> None:
    await call(room.db, "17.1", seconds=10)
    talk(room, "17.1")
    await scan(room, LOSSY)
    [row] = await rows(room)
    async with room.db.session() as session:
        asked = await redactions.ask(session, OFFICER, row.id, [Stretch(0, 1.0, 2.0)], "依法提供查询")
    await Redactor(room.db, room.store, work=room.home / "work" / "redactions").step()
    async with room.db.session() as session:
        made = await session.get_one(Redaction, asked.id)
    before, after = await samples_of(room, row.store_key), await samples_of(room, made.store_key)
    assert Form.of(made.store_key) is Form.FLAC and len(before) == len(after)
    covered = slice(8000 - 800, 16000 + 800)
    assert np.array_equal(before[:, 1], after[:, 1]) and not np.array_equal(before[covered, 0], after[covered, 0])
    before[covered, 0] = after[covered, 0] = 0
    assert np.array_equal(before, after)
