"""档案包 with the recordings and words of all calls of its order, and what was said to units' contacts."""

import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from calls_room import OTHER, Telephoned
from crm_desk import MOBILE, Desk
from dossier_room import DossierRoom, verified
from sqlalchemy import select, update

from callflow.spoken.models import SpokenCall
from callflow.spoken.rules import Outcome
from core.db import Database, new_id
from crm.alarms import queries as alarms
from crm.alarms.models import Alarm, AlarmRung
from crm.dossiers import jobs
from crm.dossiers.importing import bring
from crm.dossiers.models import Dossier, DossierObject
from crm.dossiers.opening import open_package
from crm.dossiers.verifying import verify
from crm.emergencies.models import EmergencyEvent, EmergencyOrder
from crm.tickets.models import Ticket
from crm.tickets.states import Act
from recordings.models import Side
from recordings.store.vault import SUFFIX

SAID = {
    "110": (Side.CITIZEN, "这里是110，警情已经收到"),
    "answer": (Side.CITIZEN, "您好，城管局答复您"),
    "follow-up": (Side.OTHER, "您对处理结果满意吗"),
    "callback": (Side.OTHER, "您刚才给我们留言了"),
    "colleague": (Side.CITIZEN, "这类事项由城管局处理"),
    "merged": (Side.CITIZEN, "我叫李大壮，也反映胜利路占道"),
}


@pytest.fixture
def room(db: Database, office: Any, home: Any) -> DossierRoom:
    return DossierRoom(db, office, home)


async def telephoned(room: DossierRoom) -> Telephoned:
    """Everybody has telephoned, each call is recorded and heard, and nothing is archived yet."""
    await room.order()
    made = Telephoned(room.db, room.desk, room.office)
    await made.all()
    for part, (name, (side, text)) in enumerate(SAID.items(), 2):
        await room.record(made.calls[name], room.desk.now, part=part)
        await made.says(name, text, side)
    return made


async def archived(room: DossierRoom) -> Telephoned:
    made = await telephoned(room)
    await room.desk.act(room.office.director, Act.ARCHIVE)
    await room.work()
    return made


@pytest.mark.proves("F12.9-1")
async def test_the_package_holds_every_call_with_its_words_and_who_spoke_to_whom(room: DossierRoom) -> None:
    made = await archived(room)
    [manifest] = await room.manifests()
    sounds = {one.about["call"]: one for one in manifest.entries if one.path.startswith("recordings/")}
    assert set(sounds) == {str(id) for id in made.calls.values()}
    assert sounds[str(made.calls["110"])].about["belongs"] == "asked"
    assert sounds[str(made.calls["follow-up"])].title.startswith("回访通话的录音 ")
    words = {one.path for one in manifest.entries if one.path.startswith("transcripts/")}
    assert words == {f"transcripts/{id}.json" for id in made.calls.values()}
    path = await room.exported(room.office.archivist, sound=True)
    code, said = verified(path)
    assert code == 0, said
    with zipfile.ZipFile(path) as package:
        names = set(package.namelist())
        index = package.read("index.html").decode()
        told = {one["call_id"]: one for one in json.loads(package.read("00/data/calls.json"))["belonging"]}
        calls = package.read("00/data/calls.json").decode()
    assert len([name for name in names if name.endswith((".flac", ".opus"))]) == len(made.calls)
    assert (told[str(made.calls["110"])]["first"], told[str(made.calls["110"])]["second"]) == ("110报警", "话务员")
    assert told[str(made.calls["callback"])]["first"] == "对方"
    for text in ("通话双方：110报警 与 话务员", "回访通话", "答复通话", "回拨", "并入工单的通话", "咨询、联动通话"):
        assert text in index, text
    for name, (_, text) in SAID.items():
        assert name == "merged" or text in index
    for secret in ("李大壮", OTHER, OTHER[3:], MOBILE, MOBILE[3:]):
        assert secret not in index and secret not in calls, secret


async def test_a_package_with_all_calls_comes_back_elsewhere(room: DossierRoom) -> None:
    made = await archived(room)
    path = await room.exported(room.office.archivist, sound=True)
    async with room.db.session() as session:
        kept = await session.scalars(select(DossierObject).where(DossierObject.path.like("%/recordings/%")))
        gone = [one.store_key for one in kept]
    for key in gone:
        (room.home / "archive" / (key + SUFFIX)).unlink()
    package = open_package(path)
    done = await bring(room.db, room.keeper, room.office.archivist, package, verify(package, None), path.name)
    assert done.objects == len(made.calls), "every recording was put back"


async def test_a_late_recording_of_any_of_its_calls_is_an_addendum(room: DossierRoom) -> None:
    made = await archived(room)
    late = await room.record(made.calls["110"], room.desk.now + timedelta(days=1), part=40)
    await room.work()
    _, last = await room.manifests()
    assert last.cause == "补充录音" and f"recordings/{late.id}.opus" in {one.path for one in last.entries}


async def test_a_package_that_was_closed_with_fewer_calls_is_brought_up_to_date(room: DossierRoom) -> None:
    await room.order()
    await room.desk.act(room.office.director, Act.ARCHIVE)
    await room.work()
    made = Telephoned(room.db, room.desk, room.office)
    await made.own()
    await made.linked()
    assert await jobs.bring_all(room.db) == 0
    async with room.db.session() as session:  # as the upgrade leaves what was there
        await session.execute(update(Dossier).values(calls_seen_at=None))
    assert await jobs.bring_all(room.db) == 1 and await jobs.bring_all(room.db) == 0
    await room.work()
    _, last = await room.manifests()
    assert last.cause == "补充通话" and "data/calls.json" in {one.path for one in last.entries}


async def test_a_call_that_a_sealed_order_has_too_stands_apart(room: DossierRoom) -> None:
    made = await telephoned(room)
    other = await Desk(room.db, room.office).open(category="report", content="反映某人")
    async with room.db.session() as session:
        split = update(Ticket).where(Ticket.id == other.id)
        await session.execute(split.values(sealed=True, call_id=None, split_from=room.desk.id))
    await room.desk.act(room.office.director, Act.ARCHIVE)
    await room.work()
    [manifest] = await room.manifests()
    own = [one for one in manifest.entries if one.about.get("call") == str(made.calls["own"])]
    assert [one.needs for one in own] == [["identity", "sound"]]
    assert f"transcripts/{made.calls['own']}.json" not in {one.path for one in manifest.entries}


async def alarmed(room: DossierRoom) -> SpokenCall:
    """The order is of an emergency, and 城市管理局's contact was called and pressed 1."""
    unit = room.office.units["cgj"]
    async with room.db.session() as session:
        event = EmergencyEvent(id=new_id(), number="TF20260302-001", kind="fire", place="胜利路", state="open")
        session.add(event)
        await session.flush()
        session.add(EmergencyOrder(event_id=event.id, ticket_id=room.desk.id, state="linked"))
        first = await Desk(room.db, room.office).open()
        alarm = Alarm(id=new_id(), event_id=event.id, unit_id=unit, ticket_id=first.id)
        session.add(alarm)
        await session.flush()
        rung = AlarmRung(id=new_id(), alarm_id=alarm.id, n=1, name="值班员周某", phone="+8613900000091")
        rung.since = rung.until = room.desk.now
        session.add(rung)
        call = SpokenCall(id=new_id(), phone=rung.phone, text="胜利路发生火情，请立即处置", subject="alarm")
        call.subject_id, call.until, call.outcome = rung.id, room.desk.now, Outcome.CONFIRMED
        call.placed_at = call.answered_at = call.confirmed_at = call.ended_at = room.desk.now
        session.add(call)
    return call


async def test_what_was_said_to_a_units_contact_is_in_the_package(room: DossierRoom) -> None:
    await room.order()
    call = await alarmed(room)
    async with room.db.session() as session:
        [told] = await alarms.of_order(session, room.desk.id)
        assert [each.calls[0].id for each in told.told] == [call.id], "another order came to the unit first"
        stranger = await Desk(room.db, room.office).open()
        assert await alarms.of_order(session, stranger.id) == []
    await room.desk.act(room.office.director, Act.ARCHIVE)
    await room.work()
    path = await room.exported(room.office.archivist)
    assert verified(path)[0] == 0
    with zipfile.ZipFile(path) as package:
        kept = json.loads(package.read("00/data/emergency.json"))
        index = package.read("index.html").decode()
    [spoken] = kept["spoken_calls"]
    assert (spoken["text"], spoken["phone"]) == ("胜利路发生火情，请立即处置", "139****0091")
    for text in ("应急通知电话", "值班员周某", "胜利路发生火情，请立即处置", "已按键确认", "139****0091"):
        assert text in index, text
