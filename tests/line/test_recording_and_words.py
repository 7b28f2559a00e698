"""A real call, heard: one archived recording with each side on its channel, and every word written once."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from ringing import Line, until
from sqlalchemy import select

from callflow import current
from callflow.agents import service as agents
from callflow.ami import AmiClient
from callflow.feed import LineFeed
from callflow.intake import Intake
from callflow.limits import CallerLimits
from callflow.models import Call
from callflow.numbers import service as numbers
from callflow.policy import LinePolicy
from core.actor import SYSTEM, Actor
from core.clock import SHANGHAI
from core.db import Database
from core.identity.models import User
from core.permissions import Role
from core.secrets import Secrets
from crm import installed
from hotline.softphone import On, Softphone
from recordings import queries
from recordings.archive.ingest import Ingest, fetch
from recordings.archive.service import IngestService
from recordings.models import LiveCoverage, Recording, RecordingState, Side, Source, TranscriptSegment, TranscriptState
from recordings.policy import RecordingPolicy
from recordings.settings import TINY_MODEL, SpeechSettings
from recordings.speech.service import SpeechService
from recordings.speech.vosk_engine import VoskEngine
from recordings.store.folder import FolderStore
from recordings.store.port import Store

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("asterisk")]

COUNTY = Path(__file__).parents[2] / "counties" / "yiyang"
NUMBER, QUEUE, EXTENSION = "12306", "words", "1005"
COMPLAINT, COMPLAINT_WORDS = "我要投诉小区门口占道经营", "投诉小区门口占道经营"
GREETING, GREETING_WORDS = "您好，这里是弋阳热线", "热线"
OF_THE_CITIZEN = ("投诉", "小区", "占道", "经营")
AUDIBLE, SILENT = 300, 40
"""Root mean square of a second of speech, and of a second in which this side says nothing."""


@dataclass
class Room:
    """The shared Asterisk, and behind it the reader of calls, the archive and the speech role."""

    line: Line
    db: Database
    store: Store
    speech: SpeechService
    agent: Actor

    async def talk(self, greeting: str = "") -> tuple[Softphone, Softphone]:
        """A citizen connected to an agent, who may greet at once -> their telephones."""
        desk = await self.line.agent(EXTENSION, QUEUE, greeting=greeting)
        citizen = await self.line.phone()
        await citizen.dial(NUMBER)
        await desk.wait_for(On.ESTABLISHED)
        return citizen, desk

    async def call(self, citizen: Softphone) -> Call | None:
        async with self.db.session() as session:
            found: Call | None = await session.scalar(select(Call).where(Call.caller.matches(f"+86{citizen.user}")))
            return found

    async def words(self, call: Call) -> queries.CallWords:
        async with self.db.session() as session:
            return await queries.words_of_call(session, call.id)

    async def recordings(self, call: Call) -> list[Recording]:
        async with self.db.session() as session:
            return list(await session.scalars(select(Recording).where(Recording.call_id == call.id)))


@pytest.fixture
async def room(line: Line, db: Database, home: Path) -> AsyncIterator[Room]:
    policy = installed.read(COUNTY).policy
    current.use(policy[LinePolicy])
    node, settings = line.node, line.settings
    secrets = Secrets(node.folders.home / "secrets")
    async with db.session() as session:
        user = User(login="agent1", name="李雯", roles=["agent"], password_hash="-")
        session.add(user)
        await session.flush()
        agent = Actor(user.id, "李雯", frozenset({Role.AGENT}))
        await numbers.set_queue(session, SYSTEM, QUEUE, "综合坐席")
        await agents.enrol(session, SYSTEM, user.id, EXTENSION, "李雯", {QUEUE: 0})
        await agents.log_in(session, agent, user.id)
    intake = Intake(db, home / "aside.txt")
    feed = LineFeed(db, intake, settings, lambda: secrets.get("ami-line"), node.folders.log, CallerLimits())
    store = FolderStore(home / "archive")
    years = policy[RecordingPolicy].protected_years
    spool = node.folders.recordings
    ingest = Ingest(
        db, store, spool, work=home / "work", node=settings.node, quiet_after_s=30, protected_years=lambda: years
    )
    ami = AmiClient(settings.private, settings.ami_port, "speech", lambda: secrets.get("ami-speech"))
    speech = SpeechService(db, store, SpeechSettings(port=0, threads=1), ami)
    async with AsyncExitStack() as stack:
        for service in (feed, IngestService(db, ingest, every_s=0.5), speech):
            await service.start()
            stack.push_async_callback(service.stop)
        yield Room(line, db, store, speech, agent)
        await line.stack.aclose()


async def connected(room: Room, citizen: Softphone) -> Call:
    """The citizen's call, once both sides are listened to."""

    async def tapped() -> Call | None:
        call = await room.call(citizen)
        if call is None or call.connected_at is None or room.speech.live is None:
            return None
        return call if room.speech.live.streams == 2 and room.speech.server.connections == 2 else None

    found = await until(tapped, "both sides tapped")
    assert isinstance(found, Call)
    return found


async def settled(room: Room, citizen: Softphone) -> Call:
    """The citizen's call, once it has ended, its words are final and its recording has been through speech."""

    async def done() -> Call | None:
        call = await room.call(citizen)
        if call is None or call.ended_at is None:
            return None
        kept = await room.recordings(call)
        final = (await room.words(call)).state is TranscriptState.FINAL
        return call if final and kept and all(row.transcribed_at for row in kept) else None

    found = await until(done, "recording archived and words final")
    assert isinstance(found, Call)
    return found


def recognised(samples: npt.NDArray[np.int16]) -> str:
    """What the tiny model makes of one channel."""
    stream, text = VoskEngine(TINY_MODEL).stream(), ""
    for start in range(0, len(samples), 4000):
        heard = stream.accept(samples[start : start + 4000].astype("<i2").tobytes())
        text += heard.utterance.text if heard.utterance else ""
    heard = stream.finish()
    return text + (heard.utterance.text if heard.utterance else "")


def loudest(samples: npt.NDArray[np.int16]) -> float:
    """Root mean square of the loudest second."""
    seconds = [samples[start : start + 8000].astype(np.float64) for start in range(0, len(samples) - 4000, 4000)]
    return max(float(np.sqrt(np.mean(second**2))) for second in seconds)


async def test_each_side_is_recorded_on_its_channel_and_every_word_is_written_once(room: Room, home: Path) -> None:
    citizen, desk = await room.talk()
    call = await connected(room, citizen)

    async def said(side: Side, what: str) -> bool:
        return what in (await room.words(call)).of(side).replace("，", "")

    async def speaks(who: Softphone, clip: str, side: Side, what: str) -> int:
        """Once more where a machine that is late cut holes into the sound, as people do -> how often."""
        await who.say(room.line.clip(clip))
        with suppress(AssertionError):
            await until(lambda: said(side, what), f"the words of {side}")
            return 1
        await who.say(room.line.clip(clip))
        await until(lambda: said(side, what), f"the words of {side} while the call lasts")
        return 2

    greeted = await speaks(desk, GREETING, Side.OTHER, GREETING_WORDS)
    complained = await speaks(citizen, COMPLAINT, Side.CITIZEN, COMPLAINT_WORDS)
    during = await room.call(citizen)
    assert during and during.ended_at is None
    assert (await room.words(call)).state is TranscriptState.LIVE
    await citizen.hang_up()
    call = await settled(room, citizen)

    [row] = await room.recordings(call)
    assert (row.state, row.channels, row.part) == (RecordingState.STORED, 2, 1)
    await fetch(room.store, row.store_key, home / "kept.flac")
    kept = (home / "kept.flac").read_bytes()
    assert (hashlib.sha256(kept).hexdigest(), len(kept)) == (row.digest, row.size)
    began = row.started_at.astimezone(SHANGHAI).date()
    assert row.protected_until == began.replace(year=began.year + 3)
    assert call.connected_at and call.ended_at
    assert abs(row.seconds - (call.ended_at - call.connected_at).total_seconds()) < 0.5

    with soundfile.SoundFile(home / "kept.flac") as file:
        assert (file.format, file.subtype, file.samplerate) == ("FLAC", "PCM_16", 8000)
        left, right = file.read(dtype="int16").T
    assert loudest(left) > AUDIBLE
    assert loudest(right) > AUDIBLE
    assert COMPLAINT_WORDS in recognised(left)
    heard_right = recognised(right)
    assert GREETING_WORDS in heard_right
    assert not [word for word in OF_THE_CITIZEN if word in heard_right]

    words = await room.words(call)
    assert 1 <= words.of(Side.CITIZEN).count("投诉") <= complained, "not more often than it was said"
    assert 1 <= words.of(Side.OTHER).count(GREETING_WORDS) <= greeted
    assert not [word for word in OF_THE_CITIZEN if word in words.of(Side.OTHER)]
    async with room.db.session() as session:
        segments = (await session.scalars(select(TranscriptSegment).where(TranscriptSegment.call_id == call.id))).all()
        covered = (await session.scalars(select(LiveCoverage).where(LiveCoverage.call_id == call.id))).all()
    in_force = [one for one in segments if not (one.replaced_by or one.under)]
    for side in Side:
        spans = sorted((one.start_s, one.end_s) for one in in_force if one.side is side)
        assert all(before[1] <= after[0] for before, after in pairwise(spans)), "one after the other"
        assert len([one for one in covered if one.side is side and one.end_s > one.start_s]) == 1, "one tap a side"
    assert {one.source for one in segments if one.side is Side.CITIZEN} == {Source.LIVE}


async def test_the_first_word_said_at_the_connection_is_there_once(room: Room) -> None:
    citizen, _ = await room.talk(GREETING)
    call = await connected(room, citizen)

    async def said() -> bool:
        return GREETING_WORDS in (await room.words(call)).of(Side.OTHER)

    await until(said, "the end of the greeting")
    await citizen.hang_up()
    call = await settled(room, citizen)
    words = (await room.words(call)).of(Side.OTHER).replace("，", "")
    assert words.startswith("您好")
    assert [words.count(word) for word in ("您好", GREETING_WORDS)] == [1, 1]


async def test_words_stay_single_when_the_moment_of_connection_becomes_known_more_exactly(room: Room) -> None:
    citizen, _ = await room.talk()
    call = await connected(room, citizen)
    async with room.db.session() as session:
        row = await session.get_one(Call, call.id)
        assert row.connected_at
        row.connected_at -= timedelta(milliseconds=39)
    assert room.speech.live
    await room.speech.live.step()
    await citizen.say(room.line.clip(COMPLAINT))
    await until(lambda: _citizen_said(room, call), "the citizen's words")
    assert room.speech.live.streams == 2
    await citizen.hang_up()
    call = await settled(room, citizen)
    assert (await room.words(call)).of(Side.CITIZEN).count("投诉") == 1


async def _citizen_said(room: Room, call: Call) -> bool:
    return "投诉" in (await room.words(call)).of(Side.CITIZEN)


async def test_without_speech_the_recording_gives_the_words_afterwards(room: Room) -> None:
    await room.speech.stop()
    citizen, _ = await room.talk(GREETING)
    await citizen.say(room.line.clip(COMPLAINT))
    await until(lambda: room.call(citizen), "the call's record")
    for side in ("talk1_in", "talk1_out"):
        part = room.line.spooled(citizen.user, side)
        await until(lambda p=part: p.exists() and _spoke(p), f"what was said, and a pause, in {side}")
    await citizen.hang_up()
    await room.speech.start()
    call = await settled(room, citizen)
    words = await room.words(call)
    assert words.of(Side.CITIZEN).count("投诉") == 1
    assert words.of(Side.OTHER).count(GREETING_WORDS) == 1


def _spoke(path: Path) -> bool:
    """Whether somebody spoke and has been quiet for a second."""
    samples = np.frombuffer(path.read_bytes()[: path.stat().st_size // 2 * 2], "<i2")
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 2000)
    return len(loud) > 0 and len(samples) - loud[-1] > 8000 and len(loud) > 2000
