"""Calls that speak on a real database: placed once, so many at a time, in time or not at all; told once."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from callflow import current
from callflow.ami import State
from callflow.facts import Fact, Kind, Source, fact
from callflow.settings import LineSettings
from callflow.spoken import service
from callflow.spoken.caller import PLAIN, SpokenCaller
from callflow.spoken.events import SpokenCallDone
from callflow.spoken.models import SpokenCall
from callflow.spoken.rules import linkedid_of
from core.clock import frozen, now
from core.db import Database
from core.events import subscriber
from core.jobs import run_pending

PHONE = "+8613900000051"
DONE: list[tuple[UUID, str]] = []


@subscriber(SpokenCallDone, name="test.spoken-done")
async def on_done(session: Any, events: Any) -> None:
    DONE.extend((event.call_id, event.subject) for event in events)


class Manager:
    """Asterisk's manager as far as these calls need it."""

    def __init__(self) -> None:
        self.state = State.UP
        self.asked: list[dict[str, str]] = []
        self.refuses = False

    async def action(self, name: str, /, **headers: str) -> dict[str, str]:
        assert name == "Originate"
        self.asked.append(headers)
        return {"Response": "Error" if self.refuses else "Success"}


@pytest.fixture
def manager() -> Manager:
    DONE.clear()
    return Manager()


@pytest.fixture
def caller(db: Database, manager: Manager, tmp_path: Any) -> SpokenCaller:
    current.use(current.line_policy().model_copy(update={"may_dial": ("1[3-9]XXXXXXXXX",), "spoken_at_once": 2}))
    ami: Any = manager
    return SpokenCaller(db, ami, LineSettings(trunk_to="127.0.0.1:5099"), tmp_path)


async def say(db: Database, phone: str = PHONE, **given: Any) -> UUID:
    given = {"subject": "test", "subject_id": uuid4(), "until": now() + timedelta(minutes=5)} | given
    async with db.session() as session:
        return (await service.say(session, phone, "紧急通知，请立即处置", **given)).id


async def row(db: Database, id: UUID) -> SpokenCall:
    async with db.session() as session:
        return await session.get_one(SpokenCall, id)


def told(id: UUID, kind: Kind, after: float = 1, **data: str) -> Fact:
    return fact("node1", linkedid_of(id), Source.CEL, kind, now() + timedelta(seconds=after), **data)


async def save(db: Database, *facts: Fact) -> None:
    async with db.session() as session:
        await service.save(session, facts)
    await run_pending(db)


async def test_so_many_at_once_and_each_of_them_once(db: Database, caller: SpokenCaller, manager: Manager) -> None:
    first, second, third = [await say(db) for _ in range(3)]
    await caller.step()
    await caller.step()
    assert [one["ChannelId"] for one in manager.asked] == [linkedid_of(first), linkedid_of(second)]
    assert manager.asked[0]["Channel"] == "PJSIP/13900000051@trunk"
    assert manager.asked[0]["Variable"].startswith("HOTLINE_SAID=spoken/")
    await save(db, told(first, Kind.ENDED, cause="17"))
    await caller.step()
    assert [one["ChannelId"] for one in manager.asked][2:] == [linkedid_of(third)]
    assert (await row(db, first)).outcome == "busy" and (first, "test") in DONE


async def test_what_comes_too_late_or_may_not_be_dialled_is_said(
    db: Database, caller: SpokenCaller, manager: Manager
) -> None:
    late = await say(db, until=now() - timedelta(seconds=1))
    later = await say(db, at=now() + timedelta(minutes=2))
    forbidden = await say(db, "+8679312345678")
    manager.state = State.DOWN
    await caller.step()
    assert (await row(db, late)).outcome is None, "nothing is decided without an Asterisk"
    manager.state = State.UP
    await caller.step()
    assert manager.asked == []
    assert ((await row(db, late)).outcome, (await row(db, forbidden)).outcome) == ("late", "forbidden")
    with frozen(now() + timedelta(minutes=2)):
        await caller.step()
    assert [one["ChannelId"] for one in manager.asked] == [linkedid_of(later)]
    manager.refuses = True
    refused = await say(db)
    await caller.step()
    assert (await row(db, refused)).outcome == "failed"


async def test_a_key_confirms_whatever_the_journal_says_besides(db: Database, caller: SpokenCaller) -> None:
    one, other, unheard = [await say(db, subject=f"test-{n}") for n in range(3)]
    facts = [told(one, Kind.ANSWERED, 1), told(one, Kind.CONFIRMED, 5), told(one, Kind.ENDED, 9, cause="16")]
    await save(db, *facts)
    await save(db, *facts)
    await save(db, told(other, Kind.ENDED, 9, cause="16"), told(other, Kind.CONFIRMED, 5))
    await save(db, told(unheard, Kind.ANSWERED, 1), told(unheard, Kind.ENDED, 30, cause="16"))
    for id in (one, other):
        found = await row(db, id)
        assert found.outcome == "confirmed" and found.confirmed_at and found.ended_at
    assert (await row(db, unheard)).outcome == "unconfirmed"
    assert sorted(subject for _, subject in DONE) == ["test-0", "test-1", "test-2"], "each told once"


async def test_one_that_never_ends_is_lost_until_the_journal_comes_after_all(
    db: Database, caller: SpokenCaller, manager: Manager
) -> None:
    id = await say(db)
    await caller.step()
    with frozen(now() + timedelta(minutes=10)):
        await caller.step()
    assert (await row(db, id)).outcome == "lost" and len(manager.asked) == 1
    await save(db, told(id, Kind.CONFIRMED, 20))
    assert (await row(db, id)).outcome == "confirmed"


async def test_without_a_voice_a_plain_sentence_is_said(
    db: Database, caller: SpokenCaller, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    await say(db)
    await caller.step()
    assert manager.asked[0]["Variable"] == f"HOTLINE_SAID={PLAIN}"


async def test_dropping_leaves_what_was_placed(db: Database, caller: SpokenCaller) -> None:
    subject_id = uuid4()
    placed = await say(db, subject_id=subject_id)
    await caller.step()
    waiting = await say(db, subject_id=subject_id, at=now() + timedelta(minutes=1))
    async with db.session() as session:
        await service.drop(session, "test", subject_id)
        assert [one.id for one in await service.about(session, "test", [subject_id], 9)] == [placed]
        assert await session.get(SpokenCall, waiting) is None
