"""Real calls that speak: a duty contact at three in the night hears what happened and confirms by a key."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from ringing import Line, until
from sqlalchemy import func, select

from callflow import current
from callflow.feed import LineFeed
from callflow.intake import Intake
from callflow.limits import CallerLimits
from callflow.models import Call
from callflow.policy import LinePolicy
from callflow.spoken import service as spoken
from callflow.spoken.caller import FOLDER, SpokenCaller
from callflow.spoken.models import SpokenCall
from core import clock
from core.clock import SHANGHAI, now
from core.db import Database
from core.identity.models import Unit
from core.jobs import run_pending
from core.secrets import Secrets
from crm import installed
from crm.alarms import service, subscribers
from crm.alarms.models import Alarm, AlarmRung
from crm.contacts.models import DutyContact
from crm.emergencies.models import EmergencyEntry, EmergencyEvent, EmergencyOrder
from crm.tickets.models import Assignment, Ticket
from hotline.softphone import On, Softphone

assert subscribers
pytestmark = [pytest.mark.line, pytest.mark.xdist_group("asterisk")]
ALLOWED = ("1[3-9]XXXXXXXXX",)
FIRST, SECOND = "13900000061", "13900000062"
NIGHT = datetime(2026, 10, 1, 3, tzinfo=SHANGHAI)
"""国庆节."""
WAITS = {"spoken_ring": 4, "spoken_key": 2}


@dataclass
class Room:
    """One node whose calls that speak are placed and whose journal is read; and the telephone of both contacts."""

    line: Line
    db: Database
    caller: SpokenCaller
    phone: Softphone

    async def last(self) -> SpokenCall:
        async with self.db.session() as session:
            wanted = select(SpokenCall).order_by(SpokenCall.wanted_at.desc(), SpokenCall.id.desc()).limit(1)
            return (await session.scalars(wanted)).one()

    async def outcome(self, wanted: str) -> SpokenCall:
        """The newest call, once this became of it."""

        async def known() -> SpokenCall | None:
            row = await self.last()
            return row if row.outcome == wanted else None

        found = await until(known, f"the call is {wanted}")
        assert isinstance(found, SpokenCall)
        return found

    async def all(self, kind: Any) -> list[Any]:
        async with self.db.session() as session:
            return list(await session.scalars(select(kind)))


@pytest.fixture
async def room(line: Line, db: Database, home: Path, installation: Any) -> AsyncIterator[Room]:
    installed.use(installation)
    current.use(installation.policy[LinePolicy].model_copy(update={"may_dial": ALLOWED}))
    phone = await line.phone(FIRST)
    server = f"{line.settings.bind}:{line.settings.sip_port}"
    await phone.command("uanew", f"<sip:{SECOND}@{server};transport=udp>;audio_codecs=PCMA;regint=0")
    await line.rostered(phone, waits=WAITS, allowed=ALLOWED)
    node, settings = line.node, line.settings
    secrets = Secrets(node.folders.home / "secrets")
    intake = Intake(db, home / "aside.txt")
    feed = LineFeed(db, intake, settings, lambda: secrets.get("ami-line"), node.folders.log, CallerLimits())
    async with AsyncExitStack() as stack:
        await feed.start()
        stack.push_async_callback(feed.stop)
        await until(lambda: feed.ami.state.name == "UP", "the manager connection")
        yield Room(line, db, SpokenCaller(db, feed.ami, settings, node.folders.sounds), phone)
        await line.stack.aclose()


async def burning(db: Database) -> EmergencyEvent:
    """An event with one order, which a unit with two contacts at all hours has just got."""
    async with db.session() as session:
        unit = Unit(code="gaj", name="弋阳县公安局", kind="department", version=1)
        session.add(unit)
        await session.flush()
        ticket = Ticket(
            id=uuid4(), number="YY20261001-00001", query_code="123456", state="dispatched", source="phone",
            category="help", title="居民楼着火", emergency=True, first_dispatched_at=now(),
        )  # fmt: skip
        event = EmergencyEvent(
            id=uuid4(), number="TF20261001-001", kind="fire", place="花亭小区", state="open", confirmed_at=now()
        )
        session.add_all((ticket, event))
        await session.flush()
        session.add(EmergencyOrder(event_id=event.id, ticket_id=ticket.id, state="linked"))
        session.add(Assignment(ticket_id=ticket.id, unit_id=unit.id, role="lead", dispatched_at=now()))
        for rank, (name, number) in enumerate((("张三", FIRST), ("李四", SECOND)), 1):
            whole = {"days": "all", "start": time(), "end": time()}
            session.add(DutyContact(unit_id=unit.id, rank=rank, name=name, phone=f"+86{number}", **whole))
    return event


@pytest.mark.proves("A14-2", "F14-3")
async def test_at_three_on_a_holiday_the_second_contact_hears_what_happened_and_confirms_by_a_key(
    room: Room,
) -> None:
    with clock.frozen(NIGHT):
        event = await burning(room.db)
        async with room.db.session() as session:
            await service.see_to(session, event.id)
        await room.caller.step()
    await room.phone.wait_for(On.INCOMING)
    await room.phone.wait_for(On.CLOSED)
    await room.outcome("no-answer")
    with clock.frozen(NIGHT + timedelta(minutes=15) - timedelta(seconds=1)):
        await run_pending(room.db)
        assert await service.climb_all(room.db) == 0
    with clock.frozen(NIGHT + timedelta(minutes=15)):
        assert await service.climb_all(room.db) == 1
        await room.caller.step()
    incoming = await room.phone.wait_for(On.INCOMING)
    assert room.line.settings.caller_number in incoming.peer
    await room.phone.answer()
    await room.phone.wait_for(On.ESTABLISHED)
    said = next((room.line.node.folders.sounds / "zh" / FOLDER).glob("*.wav")).stem
    heard = room.phone.heard
    await until(lambda: room.line.times(heard()[-1], f"{FOLDER}/{said}"), "what happened and where")
    await until(lambda: room.line.times(heard()[-1], "hotline/spoken-keys"), "how to confirm")
    await room.phone.send_digits("1")
    confirmed = await room.outcome("confirmed")
    await room.phone.wait_for(On.CLOSED)
    assert room.line.times(heard()[-1], "hotline/spoken-confirmed") == 1
    with clock.frozen(NIGHT + timedelta(minutes=16)):
        await run_pending(room.db)
        assert await service.climb_all(room.db) == 0
    [alarm] = await room.all(Alarm)
    rungs = sorted(await room.all(AlarmRung), key=lambda one: one.n)
    assert (alarm.how, alarm.done_by_name, alarm.done_at) == ("keypad", "李四", NIGHT + timedelta(minutes=16))
    assert [(one.name, one.since - NIGHT) for one in rungs] == [("张三", timedelta()), ("李四", timedelta(minutes=15))]
    assert confirmed.answered_at and confirmed.confirmed_at and confirmed.confirmed_at > confirmed.answered_at
    record = [one.text for one in await room.all(EmergencyEntry)]
    for part in ("第1联系人张三：拨打", "第1联系人张三：无人接听", "第2联系人李四：拨打", "（李四）：电话按键确认"):
        assert any(part in line for line in record), part
    async with room.db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Call)) == 0, "it is no citizen's call"


async def test_a_voicemail_confirms_nothing_and_is_asked_three_times(room: Room) -> None:
    async with room.db.session() as session:
        until_ = now() + timedelta(minutes=5)
        await spoken.say(session, f"+86{FIRST}", "试拨", subject="test", subject_id=uuid4(), until=until_)
    await room.caller.step()
    await room.phone.wait_for(On.INCOMING)
    await room.phone.answer()
    await room.phone.wait_for(On.ESTABLISHED)
    await room.phone.wait_for(On.CLOSED)
    row = await room.outcome("unconfirmed")
    assert row.answered_at and row.ended_at and row.confirmed_at is None
    heard = room.phone.heard()[-1]
    assert room.line.times(heard, "hotline/spoken-keys") == 3
    assert room.line.times(heard, "hotline/spoken-unconfirmed") == 1
