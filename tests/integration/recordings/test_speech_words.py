"""Real speech through a real Vosk model, AudioSocket and database: live words, batch words, and none."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from recording_voices import ANSWER, ANSWER_WORDS, COMPLAINT, COMPLAINT_WORDS, call, speech
from sqlalchemy import select, update

from callflow.models import Call
from core import clock
from core.db import Database
from recordings import queries
from recordings.archive.ingest import Ingest
from recordings.models import Side, Source, TranscriptSegment, TranscriptState
from recordings.settings import TINY_MODEL
from recordings.speech.audiosocket import AudioSocketServer
from recordings.speech.batch import Batch
from recordings.speech.decoder import Decoder
from recordings.speech.live import Live
from recordings.speech.model import load
from recordings.speech.service import measured
from recordings.speech.words import WordWriter
from recordings.store.folder import FolderStore

FRAME = 320
ID = "1700000000.1"


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 15) -> None:
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    engine = load(TINY_MODEL).engine
    assert engine is not None
    made = await measured(engine, 2)
    yield made
    made.close()


class Phone:
    """Speaks into taps as Asterisk does: one connection per channel, a frame every 20 ms."""

    def __init__(self, sounds: dict[str, bytes], speed: float = 1.0) -> None:
        self.sounds = sounds
        self.speed = speed
        self.server: AudioSocketServer | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.asked: list[str] = []

    async def originate(self, channel: str, tap: UUID) -> None:
        self.asked.append(channel)
        self.tasks.append(asyncio.create_task(self._speak(self.sounds[channel], tap)))

    async def _speak(self, sound: bytes, tap: UUID) -> None:
        assert self.server
        _, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(b"\x01\x00\x10" + tap.bytes)
        began = time.monotonic()
        for number, start in enumerate(range(0, len(sound), FRAME)):
            frame = sound[start : start + FRAME]
            writer.write(b"\x10" + len(frame).to_bytes(2, "big") + frame)
            await asyncio.sleep(max(0, began + (number + 1) * 0.02 / self.speed - time.monotonic()))
        writer.write(b"\x00\x00\x00")
        await writer.drain()
        writer.close()


class Desk:
    """The live parts of the speech role, without Asterisk."""

    def __init__(self, db: Database, decoder: Decoder | None, phone: Phone) -> None:
        self.db, self.phone = db, phone
        self.server = AudioSocketServer("127.0.0.1", 0)
        self.writer = WordWriter(db)
        self.live = Live(db, self.server, decoder, self.writer, phone.originate, max_lag_s=4)

    async def __aenter__(self) -> "Desk":
        await self.server.start()
        await self.writer.start()
        self.phone.server = self.server
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()
        await self.live.stop()
        await self.writer.stop()

    async def words(self, call_id: UUID) -> queries.CallWords:
        async with self.db.session() as session:
            return await queries.words_of_call(session, call_id)


async def hang_up(db: Database, call_id: UUID) -> None:
    async with db.session() as session:
        await session.execute(update(Call).where(Call.id == call_id).values(ended_at=clock.now()))


async def test_words_appear_while_people_speak_and_are_final_at_the_hang_up(db: Database, decoder: Decoder) -> None:
    phone = Phone({f"PJSIP/trunk-{ID}": speech(COMPLAINT), f"PJSIP/1001-{ID}": speech(ANSWER, 3.0, 0.5)})
    async with Desk(db, decoder, phone) as desk:
        call_id = await call(db)
        await desk.live.step()

        async def partial() -> bool:
            return any(not line.final and line.text for line in (await desk.words(call_id)).lines)

        await until(partial)
        assert not all(task.done() for task in phone.tasks), "words came while people spoke"
        assert (await desk.words(call_id)).state is TranscriptState.LIVE
        await asyncio.gather(*phone.tasks)
        await hang_up(db, call_id)
        ended = time.monotonic()

        async def final() -> bool:
            await desk.live.step()
            return (await desk.words(call_id)).state is TranscriptState.FINAL

        await until(final)
        assert time.monotonic() - ended < 5
        words = await desk.words(call_id)
    said = words.of(Side.CITIZEN).replace("，", "")
    assert COMPLAINT_WORDS in said
    assert ANSWER_WORDS in words.of(Side.OTHER).replace("，", "")
    assert all(line.final for line in words.lines)
    first = next(line for line in words.lines if line.side is Side.CITIZEN)
    assert first.start_s is not None and 0.2 < first.start_s < 2


async def test_no_room_is_said_and_left_to_the_recording(db: Database, decoder: Decoder, home: Path) -> None:
    decoder.realtime_factor = 1.4  # two threads carry one voice
    sound = speech(COMPLAINT)
    spool = home / "spool"
    spool.mkdir()
    store = FolderStore(home / "archive")
    phone = Phone({f"PJSIP/trunk-{n}.1": sound for n in (1, 2)} | {f"PJSIP/1001-{n}.1": sound for n in (1, 2)})
    async with Desk(db, decoder, phone) as desk:
        first, second = await call(db, "1.1"), await call(db, "2.1")
        await desk.live.step()
        assert phone.asked == ["PJSIP/trunk-1.1"], "the citizen of the longest call"
        words = await desk.words(second)
        assert words.state is TranscriptState.PENDING
        assert "名额已满" in words.reason
        await asyncio.gather(*phone.tasks)
        for call_id in (first, second):
            await hang_up(db, call_id)
        await until(lambda: _settled(desk, [first, second]))
        assert "录音" in (await desk.words(first)).reason, "the agent's side is missing"
    for number in (1, 2):
        (spool / f"{number}.1_talk1_in.sln").write_bytes(sound)
        (spool / f"{number}.1_talk1_out.sln").write_bytes(speech(ANSWER))
    await Ingest(db, store, spool, work=home / "work", node="node1", quiet_after_s=30, protected_years=lambda: 3).scan()
    with clock.frozen(clock.now() + timedelta(seconds=10)):
        assert await Batch(db, store, decoder, room=_at_once).step() == 2
        assert await Batch(db, store, decoder, room=_at_once).step() == 0
    for call_id in (first, second):
        words = await desk.words(call_id)
        assert words.state is TranscriptState.FINAL
        assert words.of(Side.CITIZEN).count("投诉") == 1, "live and batch words are never both there"
        assert ANSWER_WORDS in words.of(Side.OTHER).replace("，", "")


async def _settled(desk: Desk, calls: list[UUID]) -> bool:
    await desk.live.step()
    return not any(desk.live.busy(call_id) for call_id in calls)


async def _at_once() -> None:
    return


async def test_what_was_said_before_the_tap_opened_comes_from_the_recording_once(
    db: Database, decoder: Decoder, home: Path
) -> None:
    late_s = 0.6
    sound, answer = speech(COMPLAINT, before_s=0.1), speech(ANSWER, before_s=2.0)
    late = int(late_s * 8000) * 2
    phone = Phone({f"PJSIP/trunk-{ID}": sound[late:], f"PJSIP/1001-{ID}": answer[late:]})
    async with Desk(db, decoder, phone) as desk:
        call_id = await call(db, connected_at=clock.now() - timedelta(seconds=late_s))
        await desk.live.step()
        await asyncio.gather(*phone.tasks)
        await hang_up(db, call_id)
        await until(lambda: _settled(desk, [call_id]))
        words = await desk.words(call_id)
        assert words.state is TranscriptState.FINAL, "the hang-up does not wait for the recording"
        assert not words.of(Side.CITIZEN).startswith("您好"), "the tap was too late for it"
        (home / "spool").mkdir()
        for side, samples in (("in", sound), ("out", answer)):
            (home / "spool" / f"{ID}_talk1_{side}.sln").write_bytes(samples)
        store = FolderStore(home / "archive")
        await Ingest(
            db, store, home / "spool", work=home / "work", node="node1", quiet_after_s=30, protected_years=lambda: 3
        ).scan()
        with clock.frozen(clock.now() + timedelta(seconds=10)):
            assert await Batch(db, store, decoder, room=_at_once).step() == 1
        words = await desk.words(call_id)
    said = words.of(Side.CITIZEN).replace("，", "")
    assert said.startswith("您好")
    assert [said.count(word) for word in ("您好", "投诉", "占道", "经营")] == [1, 1, 1, 1]
    assert words.of(Side.OTHER).replace("，", "").count(ANSWER_WORDS) == 1
    async with db.session() as session:
        rows = (await session.scalars(select(TranscriptSegment))).all()
    assert {row.source for row in rows if row.side is Side.OTHER} == {Source.LIVE}, "its first moment was silent"


async def test_a_message_gets_its_words(db: Database, decoder: Decoder, home: Path) -> None:
    call_id = await call(db, seconds=5)
    (home / "spool").mkdir()
    (home / "spool" / f"{ID}_message.sln").write_bytes(speech(COMPLAINT))
    store = FolderStore(home / "archive")
    await Ingest(
        db, store, home / "spool", work=home / "work", node="node1", quiet_after_s=30, protected_years=lambda: 3
    ).scan()
    await Batch(db, store, decoder, room=_at_once).step()
    async with db.session() as session:
        words = await queries.words_of_call(session, call_id)
        rows = (await session.scalars(select(TranscriptSegment))).all()
    assert COMPLAINT_WORDS in words.of(Side.CITIZEN).replace("，", "")
    assert words.state is TranscriptState.FINAL
    assert {row.source for row in rows} == {Source.BATCH}
    assert all(word["conf"] > 0.3 and word["end"] > word["start"] for row in rows for word in row.words)


async def test_without_a_model_the_call_says_why(db: Database) -> None:
    loaded = load(None)
    assert loaded.engine is None
    phone = Phone({})
    async with Desk(db, None, phone) as desk:
        call_id = await call(db)
        await desk.live.step()
        words = await desk.words(call_id)
        assert words.state is TranscriptState.NO_MODEL
        assert "未安装" in words.reason
        assert phone.asked == []


async def test_a_tap_that_never_opens_is_left_to_the_recording(
    db: Database, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recordings.speech import live

    monkeypatch.setattr(live, "OPEN_S", 0.0)
    asked = []

    async def nowhere(channel: str, tap: UUID) -> None:
        asked.append(channel)

    phone = Phone({})
    phone.originate = nowhere  # type: ignore[method-assign]
    async with Desk(db, decoder, phone) as desk:
        call_id = await call(db)
        for _ in range(6):
            await desk.live.step()
        assert asked.count(f"PJSIP/trunk-{ID}") == live.ATTEMPTS
        assert (await desk.words(call_id)).state is TranscriptState.PENDING


@pytest.mark.parametrize(
    ("damage", "said"),
    [("am/final.mdl", "不完整"), ("graph/Gr.fst", "校验值不符")],
)
async def test_a_damaged_model_explains_itself(tmp_path: Path, damage: str, said: str) -> None:
    import shutil

    folder = tmp_path / "broken"
    shutil.copytree(TINY_MODEL, folder)
    if said == "不完整":
        (folder / damage).unlink()
    else:
        (folder / damage).write_bytes(b"x")
    loaded = load(folder)
    assert loaded.engine is None
    assert said in loaded.detail
