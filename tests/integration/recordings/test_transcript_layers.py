"""Layers of a transcript: heard again by a newer model, corrected by people, and always exactly one that counts."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from by_hand import AS_OWNER
from recording_voices import ANSWER, ANSWER_WORDS, COMPLAINT, COMPLAINT_WORDS, call, speech
from sqlalchemy import delete, select, update
from sqlalchemy import text as sql
from sqlalchemy.exc import IntegrityError

from core import clock
from core.actor import Actor
from core.db import Database, new_id
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger.models import LedgerEntry
from core.permissions import Role
from recordings import queries
from recordings.archive.ingest import Ingest
from recordings.disposal.words import erase_words
from recordings.layers import again, corrections
from recordings.layers.models import Outcome, RetranscriptionItem, Scope, TranscriptCorrection
from recordings.layers.reading import comparison, layers
from recordings.models import Recording, Side, SpeechStatus, TranscriptRun, TranscriptSegment, Why
from recordings.said import said
from recordings.settings import TINY_MODEL
from recordings.speech.batch import Batch
from recordings.speech.decoder import Decoder
from recordings.speech.digests import digest_of, write_digests
from recordings.speech.model import load
from recordings.speech.service import measured
from recordings.store.folder import FolderStore

ARCHIVIST = Actor(new_id(), "陈档", frozenset({Role.ARCHIVIST}))
AGENT = Actor(new_id(), "王丽", frozenset({Role.AGENT}))
WRONG = "小区门口站到经营"


@dataclass
class Room:
    """One recorded call, the first model's words of it, and a newer model beside it."""

    db: Database
    store: FolderStore
    old: Decoder
    new: Decoder
    call_id: UUID
    recording: Recording

    async def batch(self, decoder: Decoder) -> int:
        """What the speech role does when it has room."""
        with clock.frozen(clock.now() + timedelta(seconds=10)):
            return await Batch(self.db, self.store, decoder, room=_at_once).step()

    async def text(self, side: Side = Side.CITIZEN) -> str:
        async with self.db.session() as session:
            return (await queries.words_of_call(session, self.call_id)).of(side).replace("，", "")

    async def line(self, side: Side = Side.CITIZEN) -> Any:
        async with self.db.session() as session:
            return (await said(session, [self.call_id], side=side))[0]

    async def correct(self, text: str, actor: Actor = ARCHIVIST) -> UUID:
        """The citizen's first line."""
        line = await self.line()
        async with self.db.session() as session:
            await corrections.correct(session, actor, line.id, text, line.text)
        return line.id  # type: ignore[no-any-return]

    async def take_back(self, line: UUID) -> None:
        async with self.db.session() as session:
            await corrections.take_back(session, ARCHIVIST, line)

    async def ask(self, scope: Scope = Scope.ONE, **more: Any) -> UUID:
        given = {"recording_id": self.recording.id} if scope is Scope.ONE else more
        async with self.db.session() as session:
            return (await again.ask(session, ARCHIVIST, scope, "新模型上线", **given)).id

    async def progress(self) -> again.Progress:
        async with self.db.session() as session:
            return (await again.jobs(session, ARCHIVIST))[0]

    async def rows(self) -> list[TranscriptSegment]:
        async with self.db.session() as session:
            return list(await session.scalars(select(TranscriptSegment).order_by(TranscriptSegment.start_s)))


async def _at_once() -> None:
    return


@pytest.fixture
async def room(db: Database, home: Path, tmp_path: Path) -> AsyncIterator[Room]:
    newer = tmp_path / "tiny-cmn-2"  # the same ears under another version: its files say another thing
    shutil.copytree(TINY_MODEL, newer)
    (newer / "README").write_text("2")
    write_digests(newer)
    engines = [load(folder).engine for folder in (TINY_MODEL, newer)]
    old, new = [await measured(engine, 2) for engine in engines if engine]
    call_id = await call(db, connected_at=clock.now() - timedelta(seconds=8), seconds=8)
    (home / "spool").mkdir()
    (home / "spool" / "1700000000.1_talk1_in.sln").write_bytes(speech(COMPLAINT))
    (home / "spool" / "1700000000.1_talk1_out.sln").write_bytes(speech(ANSWER))
    store = FolderStore(home / "archive")
    await Ingest(
        db, store, home / "spool", work=home / "work", node="node1", quiet_after_s=30, protected_years=lambda: 3
    ).scan()
    async with db.session() as session:
        recording = (await session.scalars(select(Recording))).one()
    made = Room(db, store, old, new, call_id, recording)
    assert await made.batch(old) == 1
    yield made
    old.close()
    new.close()


async def test_each_line_says_which_model_heard_it(room: Room) -> None:
    async with room.db.session() as session:
        run = (await session.scalars(select(TranscriptRun))).one()
    assert (run.engine, run.model, run.why, run.recording_id) == ("vosk", "tiny-cmn", Why.BATCH, room.recording.id)
    assert run.model_digest == digest_of(TINY_MODEL) == room.old.engine.digest != room.new.engine.digest
    assert {row.run_id for row in await room.rows()} == {run.id}


async def test_a_newer_model_gives_a_newer_layer_and_the_older_stays(room: Room) -> None:
    before = await room.rows()
    await room.ask()
    assert (await room.progress()).state == "等待中"
    assert await room.batch(room.new) == 1
    progress = await room.progress()
    assert progress.state == "已完成" and progress.done == {Outcome.HEARD: 1}
    assert COMPLAINT_WORDS in await room.text() and ANSWER_WORDS in await room.text(Side.OTHER)
    assert (await room.text()).count("投诉") == 1, "one layer counts"
    rows = await room.rows()
    assert {row.id for row in before} < {row.id for row in rows}, "nothing is overwritten"
    newer = [row for row in rows if row.replaced_by is None]
    assert {row.replaced_by for row in rows if row.replaced_by} == {row.run_id for row in newer}
    async with room.db.session() as session:
        run = await session.get_one(TranscriptRun, newer[0].run_id)
        (pair,) = [one for one in await comparison(session, ARCHIVIST, run.id) if one.side is Side.CITIZEN]
    assert (run.model, run.why) == ("tiny-cmn-2", Why.AGAIN) and run.job_id == progress.job.id
    assert COMPLAINT_WORDS in pair.older and pair.older == pair.newer


@pytest.mark.parametrize("column", ["text = '改'", "words = '[]'", "start_s = start_s + 1", "call_id = id"])
async def test_the_database_keeps_what_a_machine_heard(room: Room, column: str) -> None:
    with pytest.raises(IntegrityError, match="what a machine heard"):
        async with room.db.session() as session:
            await session.execute(sql(f"UPDATE transcript_segments SET {column}"))


async def test_the_same_model_hears_nothing_twice(room: Room) -> None:
    for outcome in (Outcome.HEARD, Outcome.SAME):
        await room.ask()
        await room.batch(room.new)
        assert (await room.progress()).done == {outcome: 1}


async def test_a_correction_stands_on_every_layer(room: Room) -> None:
    machine = await room.text()
    line = await room.correct("您好，我要投诉小区门口占道经营。")
    assert await room.text() == "您好我要投诉小区门口占道经营。"
    async with room.db.session() as session:
        assert (await said(session, [room.call_id], having=["占道经营。"]))[0].id == line
    await room.ask()
    assert await room.batch(room.new) == 1
    assert await room.text() == "您好我要投诉小区门口占道经营。", "the newest model is beneath it"
    assert ANSWER_WORDS in await room.text(Side.OTHER)
    await room.take_back(line)
    assert await room.text() == machine
    shown = await room.line()
    async with room.db.session() as session:
        run = await session.get_one(TranscriptRun, (await session.get_one(TranscriptSegment, shown.id)).run_id)
    assert run.model == "tiny-cmn-2", "what it hears comes forth"
    assert (await room.text()).count("投诉") == 1


async def test_corrections_lie_on_each_other_and_are_taken_back_one_by_one(room: Room) -> None:
    machine = (await room.line()).text
    line = await room.correct("一")
    assert await room.correct("二") == line
    await room.take_back(line)
    assert await room.text() == "一"
    await room.take_back(line)
    assert (await room.line()).text == machine
    with pytest.raises(Conflict, match="没有可撤回"):
        await room.take_back(line)
    async with room.db.session() as session:
        rows = (await session.scalars(select(TranscriptCorrection).order_by(TranscriptCorrection.at))).all()
        shown = await layers(session, ARCHIVIST, room.recording.id)
        noted = select(LedgerEntry.action).where(LedgerEntry.action.startswith("transcript."))
        entries = await session.scalars(noted.order_by(LedgerEntry.at))
    assert [(row.before, row.after, row.by_name, row.withdrawn_by) for row in rows] == [
        (machine, "一", "陈档", "陈档"), ("一", "二", "陈档", "陈档"),
    ]  # fmt: skip
    citizen = next(one for one in shown.lines if one.said.side is Side.CITIZEN)
    assert citizen.machine == machine and [one.after for one in citizen.corrections] == ["二", "一"]
    assert list(entries) == ["transcript.correct"] * 2 + ["transcript.take-back"] * 2


async def test_what_may_not_be_corrected(room: Room) -> None:
    line = await room.line()
    for actor, text, seen, error in (
        (AGENT, "好", line.text, Denied),
        (ARCHIVIST, "  ", line.text, Invalid),
        (ARCHIVIST, line.text, line.text, Invalid),
        (ARCHIVIST, "长" * 1001, line.text, Invalid),
        (ARCHIVIST, "好", "别的", Conflict),
    ):
        async with room.db.session() as session:
            with pytest.raises(error):
                await corrections.correct(session, actor, line.id, text, seen)
    async with room.db.session() as session:
        with pytest.raises(NotFound):
            await corrections.correct(session, ARCHIVIST, new_id(), "好", "")


async def test_two_people_correct_one_line_one_after_the_other(room: Room) -> None:
    line = await room.line()

    async def correct(text: str) -> str:
        try:
            async with room.db.session() as session:
                await corrections.correct(session, ARCHIVIST, line.id, text, line.text)
        except Conflict:
            return "refused"
        return "kept"

    assert sorted(await asyncio.gather(correct("甲"), correct("乙"))) == ["kept", "refused"]


async def test_a_line_corrected_meanwhile_is_not_overlaid(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    await room.ask()
    heard = Batch._hear

    async def corrected_meanwhile(self: Batch, *asked: Any) -> Any:
        spoken = await heard(self, *asked)
        await room.correct("我要投诉占道经营。")
        return spoken

    monkeypatch.setattr(Batch, "_hear", corrected_meanwhile)
    assert await room.batch(room.new) == 1
    assert await room.text() == "我要投诉占道经营。"


async def test_whatever_an_older_model_heard_is_heard_again(room: Room) -> None:
    async with room.db.session() as session:
        with pytest.raises(Conflict, match="不知道当前的模型"):
            await again.ask(session, ARCHIVIST, Scope.OLDER, "新模型上线")
        room_for = {"capacity": 2, "streams": 0, "lag_s": 0.0, "realtime_factor": 0.1, "detail": "", "at": clock.now()}
        session.add(SpeechStatus(process="one", model="tiny-cmn-2", model_digest=room.new.engine.digest, **room_for))
    await room.ask(Scope.OLDER)
    with pytest.raises(Invalid, match="已在排队"):
        await room.ask(Scope.OLDER)
    assert await room.batch(room.new) == 1
    with pytest.raises(Invalid, match="没有需要重新转写"):
        await room.ask(Scope.OLDER)


async def test_a_job_of_a_period_is_bounded_stopped_and_goes_on_where_it_was(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = clock.local(room.recording.started_at).date()
    with pytest.raises(Invalid, match="起始日"):
        await room.ask(Scope.PERIOD, first=day, last=day - timedelta(days=1))
    with pytest.raises(Invalid, match="没有需要"):
        await room.ask(Scope.PERIOD, first=day - timedelta(days=9), last=day - timedelta(days=8))
    monkeypatch.setattr(again, "MOST", 0)
    with pytest.raises(Invalid, match="最多"):
        await room.ask(Scope.PERIOD, first=day, last=day)
    monkeypatch.undo()
    job = await room.ask(Scope.PERIOD, first=day, last=day)
    async with room.db.session() as session:
        await again.stop(session, ARCHIVIST, job)
    assert await room.batch(room.new) == 0 and (await room.progress()).state == "已停止"
    async with room.db.session() as session:
        with pytest.raises(Conflict):
            await again.stop(session, ARCHIVIST, job)
    await room.ask(Scope.PERIOD, first=day, last=day)
    assert await room.batch(room.new) == 1, "what a stopped job left waits for nobody"


async def test_a_recording_that_cannot_be_read_holds_up_no_other(room: Room) -> None:
    await room.store.delete(room.recording.store_key)
    await room.ask()
    assert await room.batch(room.new) == 0
    assert (await room.progress()).done == {Outcome.UNREADABLE: 1}
    assert COMPLAINT_WORDS in await room.text()


async def test_what_was_heard_of_a_recording_that_ended_meanwhile_is_not_written(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.batch(room.old)
    await room.ask()
    real = Batch._hear

    async def slow(*given: Any) -> Any:
        spoken = await real(*given)
        async with room.db.session() as session:
            await erase_words(session, [await session.get_one(Recording, room.recording.id)], "通话文字保存期满。")
        return spoken

    monkeypatch.setattr(Batch, "_hear", slow)
    await room.batch(room.new)
    assert await room.rows() == []
    progress = await room.progress()
    assert progress.done == {Outcome.ENDED: 1} and Outcome.ENDED.label == "已过保存期"


async def test_a_killed_process_hears_it_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    await room.ask()

    async def killed(self: Batch, *_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Batch, "_hear", killed)
        with pytest.raises(KeyboardInterrupt):
            await room.batch(room.new)
    assert (await room.progress()).state == "等待中"
    assert await room.batch(room.new) == 1 and (await room.progress()).state == "已完成"


async def test_who_may_ask(room: Room) -> None:
    async with room.db.session() as session:
        with pytest.raises(Denied):
            await again.ask(session, AGENT, Scope.ONE, "想看看", recording_id=room.recording.id)
        with pytest.raises(Invalid):
            await again.ask(session, ARCHIVIST, Scope.ONE, " ", recording_id=room.recording.id)
        assert await session.scalar(select(RetranscriptionItem.job_id)) is None


async def test_what_was_heard_before_models_were_noted_is_read_like_any_other(room: Room) -> None:
    async with room.db.session() as session:
        await session.execute(AS_OWNER)
        await session.execute(update(TranscriptSegment).values(run_id=None))
        await session.execute(delete(TranscriptRun))
        shown = await layers(session, ARCHIVIST, room.recording.id)
    assert all(one.run is None for one in shown.lines) and shown.runs == []
