"""Alarms on a real database: begun with the dispatch, climbing in natural time, ended once; and the duty contacts."""

from datetime import time, timedelta
from typing import Any
from uuid import UUID

import pytest
from crm_desk import Desk, at
from sqlalchemy import select

from callflow.spoken.models import SpokenCall
from callflow.spoken.rules import Outcome
from callflow.spoken.service import close
from core import clock
from core.clock import now
from core.db import Database
from core.errors import Conflict, Denied, Invalid, NotFound
from core.identity.models import Unit
from core.jobs import run_pending
from core.ledger.models import LedgerEntry
from crm.alarms import queries, service
from crm.alarms import subscribers as of_alarms
from crm.alarms.models import Alarm, AlarmRung
from crm.contacts import queries as contact_queries
from crm.contacts import service as contacts
from crm.contacts import subscribers as of_contacts
from crm.contacts.models import DutyContact
from crm.contacts.rules import Days, Trouble
from crm.contacts.service import Fields
from crm.emergencies import service as emergencies
from crm.emergencies.models import EmergencyEntry, EmergencyEvent, EmergencySign
from crm.notices import subscribers as of_notices
from crm.notices.models import Notice
from crm.sms.models import Sms
from crm.tickets.states import Act
from crm.timers.scan import scan

assert of_alarms and of_contacts and of_notices
NIGHT = "2026-10-01 03:00"
"""国庆节, when nobody is in the office."""
WHOLE = {"days": Days.ALL, "start": time(), "end": time()}


def fields(rank: int, name: str, phone: str, **given: Any) -> Fields:
    return Fields(rank, name, "值班员", phone, **WHOLE | given)


async def do(db: Database, what: Any, *given: Any, **named: Any) -> Any:
    async with db.session() as session:
        return await what(session, *given, **named)


@pytest.fixture
async def fire(db: Database, office: Any) -> Desk:
    """An order about a fire at three in the night of a holiday, confirmed as an emergency; 公安局 has two contacts at
    all hours, one by day, and a duty phone."""
    unit = office.units["gaj"]
    with clock.frozen(at("2026-09-01 10:00")):
        async with db.session() as session:
            (await session.get_one(Unit, unit)).duty_phone = "+8613900000093"
        for one in (
            fields(2, "李四", "13900000092"),
            fields(1, "张三", "13900000091"),
            fields(1, "白班", "13900000099", days=Days.WORKING, start=time(8, 30), end=time(17, 30)),
        ):
            await do(db, contacts.add, office.other, unit, one)
    desk = Desk(db, office, NIGHT)
    await desk.open(category="help", matter="CX01", title="居民楼着火", content="三楼着火了浓烟很大")
    with clock.frozen(desk.now):
        await run_pending(db)
        async with db.session() as session:
            sign = (await session.scalars(select(EmergencySign).where(EmergencySign.ticket_id == desk.id))).one()
        await do(db, emergencies.confirm, office.agent, sign.id)
        await run_pending(db)
    return desk


async def dispatched(db: Database, desk: Desk) -> Alarm:
    await desk.dispatch("gaj", when="2026-10-01 03:04", basis="依职责派发（第十四条）")
    with clock.frozen(desk.now):
        await run_pending(db)
    return await alarm(db)


async def alarm(db: Database) -> Alarm:
    async with db.session() as session:
        return (await session.scalars(select(Alarm))).one()


async def told(db: Database) -> list[tuple[str, str]]:
    """Contacts in the order in which they were told, and since when after the dispatch."""
    async with db.session() as session:
        rungs = await session.scalars(select(AlarmRung).order_by(AlarmRung.n))
        return [(one.name, f"{clock.local(one.since):%H:%M:%S}") for one in rungs]


async def calls(db: Database) -> list[SpokenCall]:
    async with db.session() as session:
        return list(await session.scalars(select(SpokenCall).order_by(SpokenCall.wanted_at, SpokenCall.id)))


async def ends(db: Database, call: SpokenCall, outcome: Outcome, when: Any) -> None:
    """The line's part: this call is over."""
    with clock.frozen(when):
        async with db.session() as session:
            row = await session.get_one(SpokenCall, call.id)
            row.placed_at = row.wanted_at
            row.confirmed_at = when if outcome is Outcome.CONFIRMED else None
            await close(session, row, outcome)
        await run_pending(db)


async def lines(db: Database) -> list[str]:
    async with db.session() as session:
        return list(await session.scalars(select(EmergencyEntry.text).order_by(EmergencyEntry.at, EmergencyEntry.id)))


@pytest.mark.proves("F14-3", "A14-2", "T18")
async def test_nobody_confirms_at_three_on_a_holiday_and_the_next_contact_is_called(db: Database, fire: Desk) -> None:
    await dispatched(db, fire)
    began = fire.now
    assert await told(db) == [("张三", "03:04:00")]
    [first] = await calls(db)
    assert (first.phone, first.wanted_at, first.subject) == ("+8613900000091", began, "alarm")
    assert "公安局" in first.text and "火" in first.text
    await ends(db, first, Outcome.NO_ANSWER, began + timedelta(seconds=30))
    again = (await calls(db))[1]
    assert (again.phone, again.wanted_at) == ("+8613900000091", began + timedelta(seconds=30, minutes=3))
    for after, names in (
        (timedelta(minutes=15) - timedelta(microseconds=1), ["张三"]),
        (timedelta(minutes=15), ["张三", "李四"]),
        (timedelta(minutes=29), ["张三", "李四"]),
        (timedelta(minutes=30), ["张三", "李四", "值班电话"]),
        (timedelta(minutes=45), ["张三", "李四", "值班电话"]),
        (timedelta(hours=9), ["张三", "李四", "值班电话"]),
    ):
        with clock.frozen(began + after):
            await service.climb_all(db)
            await run_pending(db)
        assert [name for name, _ in await told(db)] == names
    assert [since for _, since in await told(db)] == ["03:04:00", "03:19:00", "03:34:00"]
    assert (await alarm(db)).due_at is None and (await alarm(db)).done_at is None
    async with db.session() as session:
        texts = [one.text for one in await session.scalars(select(Sms)) if one.key.startswith("alarm:")]
        notices = list(await session.scalars(select(Notice).where(Notice.template == "unit_not_reached")))
    assert len(texts) == 3 and all("【" in text and fire.office is not None for text in texts)
    assert [one.user_id for one in notices] == [fire.office.lead.user_id]
    record = await lines(db)
    assert any("第1联系人张三：无人接听" in line for line in record)
    assert any("第2联系人李四" in line for line in record) and "均未确认" in record[-1]


@pytest.mark.proves("F14-3")
async def test_a_key_ends_it_and_nobody_else_is_called(db: Database, fire: Desk) -> None:
    await dispatched(db, fire)
    [first] = await calls(db)
    await ends(db, first, Outcome.UNCONFIRMED, fire.now + timedelta(minutes=1))
    await ends(db, (await calls(db))[1], Outcome.CONFIRMED, fire.now + timedelta(minutes=5))
    row = await alarm(db)
    assert (row.how, row.done_by_name, row.done_at) == ("keypad", "张三", fire.now + timedelta(minutes=5))
    with clock.frozen(fire.now + timedelta(hours=1)):
        assert await service.climb_all(db) == 0
    assert len(await calls(db)) == 2 and len(await told(db)) == 1
    assert any("（张三）：电话按键确认" in line for line in await lines(db))


async def test_signing_the_order_ends_it_and_takes_the_waiting_call_back(db: Database, fire: Desk) -> None:
    await dispatched(db, fire)
    await ends(db, (await calls(db))[0], Outcome.BUSY, fire.now + timedelta(minutes=1))
    assert len(await calls(db)) == 2
    await fire.act(fire.office.other, Act.SIGN)
    with clock.frozen(fire.now):
        await run_pending(db)
    assert (await alarm(db)).how == "signed"
    assert [one.outcome for one in await calls(db)] == ["busy"], "the second call is not placed any more"


async def test_many_orders_of_one_event_ring_a_unit_once_and_its_end_ends_the_alarm(db: Database, fire: Desk) -> None:
    await dispatched(db, fire)
    async with db.session() as session:
        event = (await session.scalars(select(EmergencyEvent))).one()
        number = (await fire.ticket()).number
    second = Desk(db, fire.office, "2026-10-01 03:06")
    await second.open(category="help", title="楼道冒烟", phone="+8613800009999")
    with clock.frozen(second.now):
        await do(db, emergencies.link, fire.office.agent, event.id, [(await second.ticket()).number, number])
    await second.dispatch("gaj", basis="依职责派发（第十四条）")
    with clock.frozen(second.now):
        await run_pending(db)
        assert len(await calls(db)) == 1
        async with db.session() as session:
            event = await session.get_one(EmergencyEvent, event.id)
        await do(db, emergencies.close, fire.office.lead, event.id, event.version, "火已扑灭，无人受伤")
        await run_pending(db)
    assert (await alarm(db)).how == "over" and await calls(db) == []


async def test_a_unit_that_nobody_can_be_reached_of_goes_to_the_lead_at_once(db: Database, fire: Desk) -> None:
    await fire.dispatch("mzj", when="2026-10-01 03:04", basis="依职责派发（第十四条）")
    with clock.frozen(fire.now):
        await run_pending(db)
    assert await told(db) == [] and (await alarm(db)).due_at is None
    assert "此刻没有值班联系人" in (await lines(db))[-1]
    async with db.session() as session:
        assert await session.scalar(select(Notice.user_id).where(Notice.template == "unit_not_reached"))


async def test_people_hurry_and_say_whom_they_reached(db: Database, fire: Desk) -> None:
    row = await dispatched(db, fire)
    with clock.frozen(fire.now + timedelta(minutes=1)):
        await do(db, service.hurry, fire.office.agent, row.id)
        assert [name for name, _ in await told(db)] == ["张三", "李四"]
        assert [one.phone for one in await calls(db)] == ["+8613900000092"], "who was called first is left alone"
        with pytest.raises(Denied):
            await do(db, service.reached, fire.office.other, row.id, "王五", "")
        await do(db, service.reached, fire.office.agent, row.id, "王五", "已出警")
        with pytest.raises(Conflict, match="alarm-over"):
            await do(db, service.hurry, fire.office.agent, row.id)
        with pytest.raises(NotFound):
            await do(db, service.reached, fire.office.agent, fire.id, "王五", "")
    async with db.session() as session:
        event = (await session.scalars(select(EmergencyEvent))).one()
        [shown] = await queries.of_event(session, event.id)
        actions = set(await session.scalars(select(LedgerEntry.action)))
    assert shown.how and shown.how.label == "人工联系到" and [one.rung.name for one in shown.told] == ["张三", "李四"]
    assert {"alarm.hurry", "alarm.reached"} <= actions
    assert any("（王五）：人工联系到，已出警" in line for line in await lines(db))


async def test_an_end_that_is_told_twice_calls_again_once(db: Database, fire: Desk) -> None:
    await dispatched(db, fire)
    [first] = await calls(db)
    await ends(db, first, Outcome.NO_ANSWER, fire.now + timedelta(minutes=1))
    async with db.session() as session:
        await service.called(session, await session.get_one(SpokenCall, first.id))
    assert len(await calls(db)) == 2


@pytest.mark.proves("T17", "D30")
async def test_an_emergency_that_no_unit_gets_in_time_alarms_the_lead_once(db: Database, fire: Desk) -> None:
    opened = (await fire.ticket()).opened_at
    for after, count in ((timedelta(minutes=5) - timedelta(microseconds=1), 0), (timedelta(minutes=5), 1)):
        with clock.frozen(opened + after):
            fired = await scan(db)
            assert fired and fired["emergency-undispatched"] == count
    with clock.frozen(opened + timedelta(hours=1)):
        fired = await scan(db)
        assert fired and fired["emergency-undispatched"] == 0
        await run_pending(db)
    async with db.session() as session:
        users = set(await session.scalars(select(Notice.user_id).where(Notice.template == "escalated")))
    assert users == {fire.office.lead.user_id}


async def row_of(db: Database, id: UUID) -> DutyContact:
    async with db.session() as session:
        return await session.get_one(DutyContact, id)


@pytest.mark.proves("F14-2")
async def test_contacts_are_tried_on_a_schedule_and_what_failed_is_tried_again(db: Database, office: Any) -> None:
    with clock.frozen(at("2026-03-02 08:00")):
        one = await do(db, contacts.add, office.other, office.units["gaj"], fields(1, "张三", "13900000091"))
        night = fields(2, "夜班", "13900000092", start=time(18), end=time(8))
        await do(db, contacts.add, office.other, office.units["gaj"], night)
        assert await contacts.test_all(db) == 0, "before the bureau's hours"
    with clock.frozen(at("2026-03-02 09:00")):
        assert await contacts.test_all(db) == 1, "who is on duty at night is not woken by day"
        assert await contacts.test_all(db) == 0
        [call] = await calls(db)
        assert "不是突发事件" in call.text
    await ends(db, call, Outcome.NO_ANSWER, at("2026-03-02 09:01"))
    found = await row_of(db, one.id)
    assert (found.test_outcome, found.checked_by_name) == ("no-answer", "other")
    async with db.session() as session:
        with clock.frozen(at("2026-03-02 09:02")):
            [standing] = [s for s in await contact_queries.standings(session, office.agent) if s.unit.code == "gaj"]
    assert standing.troubles == (Trouble.FAILED, Trouble.ALONE) and not standing.gaps
    with clock.frozen(at("2026-03-03 09:00")):
        assert await contacts.test_all(db) == 1
    await ends(db, (await calls(db))[1], Outcome.CONFIRMED, at("2026-03-03 09:01"))
    found = await row_of(db, one.id)
    assert (found.test_outcome, found.checked_by_name) == ("confirmed", contacts.BY_CALL)
    for day, count in (("2026-03-04", 0), ("2026-04-01", 0), ("2026-04-02", 1)):
        with clock.frozen(at(f"{day} 09:00")):
            assert await contacts.test_all(db) == count


@pytest.mark.proves("F14-2")
async def test_gaps_show_before_they_matter(db: Database, office: Any) -> None:
    unit = office.units["gaj"]
    with clock.frozen(at("2026-03-06 09:00")):
        by_day = fields(1, "白班", "13900000091", days=Days.WORKING, start=time(8, 30), end=time(17, 30))
        await do(db, contacts.add, office.lead, unit, by_day)
        async with db.session() as session:
            found = {one.unit.code: one for one in await contact_queries.standings(session, office.agent)}
            own = await contact_queries.standings(session, office.other)
        assert found["gaj"].troubles[0] is Trouble.GAP and found["mzj"].troubles == (Trouble.NOBODY,)
        assert found["gaj"].gaps[0].since == at("2026-03-06 17:30")
        assert [one.unit.code for one in own] == ["gaj"], "a unit sees its own"
        await do(db, contacts.add, office.other, unit, fields(2, "总值班", "13900000092"))
        async with db.session() as session:
            [own_now] = await contact_queries.standings(session, office.other)
        assert own_now.troubles == (Trouble.ALONE,)
    with clock.frozen(at("2026-06-10 09:00")):
        async with db.session() as session:
            [later] = await contact_queries.standings(session, office.other)
        assert Trouble.UNCHECKED in later.troubles


async def test_a_unit_keeps_its_own_contacts_and_nobody_elses(db: Database, office: Any) -> None:
    unit = office.units["gaj"]
    row = await do(db, contacts.add, office.other, unit, fields(1, "张三", "0793-5900110"))
    assert row.phone == "+867935900110"
    for who, error in ((office.stranger, NotFound), (office.agent, Denied)):
        with pytest.raises(error):
            await do(db, contacts.check, who, row.id, row.version)
    with pytest.raises(Denied, match="other-unit"):
        await do(db, contacts.add, office.stranger, unit, fields(1, "外人", "13900000091"))
    with pytest.raises(Invalid) as wrong:
        await do(db, contacts.edit, office.other, row.id, row.version, fields(1, "张三", "12"))
    assert "phone" in wrong.value.fields
    with pytest.raises(Invalid, match="bad-days"):
        days = {"first_day": at("2026-03-02 00:00").date(), "last_day": at("2026-03-01 00:00").date()}
        await do(db, contacts.add, office.other, unit, fields(1, "张三", "13900000091", **days))
    edited = await do(db, contacts.edit, office.other, row.id, row.version, fields(1, "张三", "13900000091"))
    with pytest.raises(Conflict, match="changed-meanwhile"):
        await do(db, contacts.check, office.other, row.id, row.version)
    await do(db, contacts.test, office.other, row.id)
    with pytest.raises(Conflict, match="test-goes-on"):
        await do(db, contacts.test, office.lead, row.id)
    await do(db, contacts.retire, office.lead, row.id, edited.version, "已调离")
    assert await calls(db) == [], "who is retired is not called any more"
    with pytest.raises(Conflict, match="contact-retired"):
        await do(db, contacts.test, office.other, row.id)
    async with db.session() as session:
        entries = list(await session.scalars(select(LedgerEntry).where(LedgerEntry.action.like("contact.%"))))
        assert await contact_queries.contacts(session, office.lead, contact_queries.Wanted(), "", 9) == []
        [gone] = await contact_queries.contacts(session, office.lead, contact_queries.Wanted(retired=True), "", 9)
    assert gone.contact.retired_reason == "已调离"
    assert "13900000091" not in str([one.detail for one in entries]), "the ledger keeps numbers masked"
    assert now() > gone.contact.created_at
