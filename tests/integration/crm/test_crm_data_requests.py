"""Requests below the pages: samples without the restricted, copies with sound, a new number, tries twice."""

import hashlib
import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from callflow.models import Call
from core import clock
from core.actor import Actor
from core.clock import midnight
from core.db import Database, new_id
from core.errors import Conflict, Invalid
from core.jobs import JobContext, run_pending
from core.policy import parse
from core.rules.book import Enacted, Rulebook
from crm import installed
from crm.accuracy.service import _answers
from crm.citizens import restrictions
from crm.citizens.events import RestrictionLifted, RestrictionPlaced
from crm.citizens.service import known, remember
from crm.datarequests import doing, service
from crm.datarequests.jobs import Shelf, build
from crm.datarequests.models import DataPackage, DataRequest
from crm.datarequests.rules import Answer, Check, Field, Kind, Verdict, Way
from crm.datarequests.service import Asked
from crm.installed import Installation
from crm.knowledge.models import KnowledgeItem, KnowledgeUse
from crm.sampling import Period
from crm.scoring.service import _population
from crm.scoring_policy import ScoringPolicy
from crm.sms.models import Sms
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, confirm, correct, open_draft
from recordings.models import Kind as Sort
from recordings.models import Recording, RecordingState
from recordings.store.folder import FolderStore

MINE, OTHER = "+8613800001234", "+8613900004321"
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SOUND = b"fLaC and then samples"


async def talk(db: Database, office: Any, phone: str, store: FolderStore | None = None) -> UUID:
    """A recorded call that an agent took on that Monday."""
    digest = hashlib.sha256(SOUND).hexdigest()
    async with db.session() as session:
        row = Call(id=new_id(), node="n", linkedid=str(new_id()), direction="inbound", caller=phone, outcome="answered")
        row.arrived_at = row.connected_at = MONDAY
        row.ended_at, row.agent_id, row.agent_name = MONDAY + timedelta(minutes=2), office.agent.user_id, "王丽"
        session.add(row)
        await session.flush()
        what = {"node": "n", "linkedid": row.linkedid, "kind": Sort.TALK, "part": 1, "channels": 2, "seconds": 120.0}
        kept = {"digest": digest, "store_key": f"{row.id}.flac", "size": len(SOUND), "state": RecordingState.STORED}
        until = date(2029, 11, 23)
        session.add(Recording(call_id=row.id, started_at=MONDAY, protected_until=until, **what, **kept))
    if store:
        await store.put(f"{row.id}.flac", io.BytesIO(SOUND), digest)
    return row.id


async def granted(db: Database, office: Any, kind: Kind, phone: str = MINE, **more: Any) -> UUID:
    """A request that was registered, proven and granted."""
    async with db.session() as session:
        row = await service.register(
            session, office.agent, Asked(kind, Way.VISIT, "张伟", "请依法办理", phone=phone, **more)
        )
        await service.confirm(session, office.agent, row.id, 1, Check.ID, "居民身份证，姓名一致")
        fields = [*more.get("corrections", ())]
        await service.decide(session, office.director, row.id, 2, Verdict.GRANT, "", fields)
        return row.id


async def done(db: Database, actor: Actor, id: UUID, words: str = "") -> DataRequest:
    async with db.session() as session:
        seen = (await session.get_one(DataRequest, id)).version
        return await doing.carry_out(session, actor, id, seen, words)


async def test_what_is_restricted_is_in_no_sample(db: Database, office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []

    async def listen(session: Any, *events: Any) -> None:
        told.extend(events)

    mine, other = await talk(db, office, MINE), await talk(db, office, OTHER)
    async with db.session() as session:
        item = KnowledgeItem(id=new_id(), number="ZS1", unit_id=office.units["cgj"])
        session.add(item)
        await session.flush()
        for phone in (MINE, OTHER, None):
            order = await open_draft(session, Opening("counter", phone=phone))
            session.add(KnowledgeUse(item_id=item.id, n=1, ticket_id=order.id, at=MONDAY, by_name="王丽"))
    period, rules = Period(MONDAY.date(), MONDAY.date()), installed.installed().policy[ScoringPolicy]

    async def drawable() -> tuple[set[str], int]:
        async with db.session() as session:
            _, calls = await _population(session, period, rules)
            return {one for some in calls.values() for one in some}, len(await _answers(session, period))

    assert await drawable() == ({str(mine), str(other)}, 3)
    id = await granted(db, office, Kind.RESTRICT)
    monkeypatch.setattr(restrictions, "publish", listen)
    await done(db, office.director, id)
    assert await drawable() == ({str(other)}, 2)
    async with db.session() as session:
        await doing.lift(session, office.director, id, 4, "争议已经解决")
    assert await drawable() == ({str(mine), str(other)}, 3)
    assert [type(one) for one in told] == [RestrictionPlaced, RestrictionLifted]
    assert MINE not in "".join(one.model_dump_json() for one in told), "events are logged"


@pytest.fixture
def with_sound(installation: Installation) -> None:
    """The bureau gives out sound."""
    text = (Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml").read_text(encoding="utf-8")
    policy = parse(text.replace("package_sound = false", "package_sound = true"))
    book = Rulebook((Enacted(midnight(date(2025, 1, 1)), policy),), installation.rules.calendars)
    installed.use(replace(installation, rules=book))


async def test_sound_lies_in_the_copy_where_the_bureau_gives_it_out(
    db: Database, office: Any, home: Path, with_sound: None
) -> None:
    store = FolderStore(home / "archive")
    await talk(db, office, MINE, store)
    await talk(db, office, OTHER, store)
    id = await granted(db, office, Kind.COPY)
    await done(db, office.director, id)
    shelf = Shelf(store)
    await run_pending(db, services={Shelf: shelf})
    async with db.session() as session:
        made = await session.get_one(DataPackage, id)
    content = b"".join([block async for block in store.read(made.store_key)])
    assert hashlib.sha256(content).hexdigest() == made.digest and len(content) == made.size
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        page, sound = sorted(archive.namelist(), key=len)
        assert archive.read(sound) == SOUND and sound in archive.read(page).decode()
    await build.handler(JobContext(db, {Shelf: shelf}), request_id=str(id))
    async with db.session() as session:
        again = await session.get_one(DataPackage, id)
    assert (again.digest, again.ready_at) == (made.digest, made.ready_at), "once"


async def test_a_copy_that_is_withdrawn_is_not_made(db: Database, office: Any, home: Path) -> None:
    id = await granted(db, office, Kind.COPY)
    row = await done(db, office.director, id)
    async with db.session() as session:
        with pytest.raises(Conflict, match="package-not-ready"):
            await doing.take(session, office.director, id)
    async with db.session() as session:
        await doing.withdraw(session, office.agent, id, row.version, "不要了")
    store = FolderStore(home / "archive")
    await run_pending(db, services={Shelf: Shelf(store)})
    assert [one async for one in store.list("packages/")] == []
    async with db.session() as session:
        with pytest.raises(Conflict, match="package-gone"):
            await doing.take(session, office.director, id)


async def test_a_new_number_reaches_undispatched_orders_and_the_profile(db: Database, office: Any) -> None:
    async with db.session() as session:
        await remember(session, MINE, name="张伟", address="胜利路1号")
        order = await open_draft(session, Opening("counter", phone=MINE))
        given = {"category": "opinion", "title": "建言", "content": "路灯不亮", "caller_name": "张伟"}
        given |= {"occurred": "昨晚", "address": "胜利路", "subject": "路灯", "demand": "请修复"}
        await correct(session, office.agent, order.id, 1, Correction.model_validate(given))
        await confirm(session, office.agent, order.id, 2)
    id = await granted(db, office, Kind.CORRECT, corrections={Field.PHONE: OTHER, Field.NAME: "张玮"})
    row = await done(db, office.archivist, id)
    async with db.session() as session:
        ticket = await session.get_one(Ticket, order.id)
        profiles = await known(session, MINE, OTHER)
        corrections = {one.field: one.before for one in await service.corrections_of(session, id)}
    assert (ticket.caller_phone, ticket.caller_name, ticket.state) == (OTHER, "张玮", "confirmed")
    assert (profiles[OTHER].name, profiles[OTHER].address) == ("张玮", "胜利路1号")
    assert (profiles[MINE].name, profiles[MINE].address) == (None, None), "whoever has the number now is another one"
    assert corrections == {"name": "张伟", "phone": MINE}
    assert ticket.number in row.done_note and OTHER not in row.done_note


async def test_the_answer_waits_for_the_night_to_end_and_a_landline_gets_none(db: Database, office: Any) -> None:
    night = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
    with clock.frozen(night):
        fixed = await granted(db, office, Kind.RESTRICT, phone="+867935901234")
        mobile = await granted(db, office, Kind.RESTRICT)
        for id in (fixed, mobile):
            await done(db, office.director, id)
        async with db.session() as session:
            with pytest.raises(Invalid):
                await service.answer(session, office.director, fixed, 4, [Answer.SMS])
        async with db.session() as session:
            await service.answer(session, office.director, mobile, 4, [Answer.SMS])
    await run_pending(db)
    async with db.session() as session:
        sms = (await session.scalars(select(Sms))).one()
    assert sms.state == "queued" and sms.attempts == 0


async def test_numbers_run_on_in_their_year(db: Database, office: Any) -> None:
    first = [await granted(db, office, Kind.EXPLAIN) for _ in range(2)]
    with clock.frozen(clock.now() + timedelta(days=400)):
        later = await granted(db, office, Kind.EXPLAIN)
    async with db.session() as session:
        numbers = [(await session.get_one(DataRequest, id)).number for id in (*first, later)]
    assert [one.partition("〕")[2] for one in numbers] == ["1号", "2号", "1号"]


async def test_what_a_unit_has_is_not_changed_behind_its_back(db: Database, office: Any) -> None:
    async with db.session() as session:
        order = await open_draft(session, Opening("counter", phone=MINE))
        given = {"category": "opinion", "matter": "CX01", "title": "建言", "content": "路灯不亮", "caller_name": "张维"}
        given |= {"occurred": "昨晚", "address": "胜利路", "subject": "路灯", "demand": "请修复"}
        await correct(session, office.agent, order.id, 1, Correction.model_validate(given))
        wanted = Order(lead_unit_id=office.units["cgj"], assist_unit_ids=())
        await dispatch(session, office.agent, order.id, 2, wanted)
        await remember(session, MINE, name="张维")
    id = await granted(db, office, Kind.CORRECT, corrections={Field.NAME: "张伟"})
    row = await done(db, office.director, id)
    assert f"工单 {order.number} 未更正（" in row.done_note and "档案已更正" in row.done_note
    async with db.session() as session:
        assert (await session.get_one(Ticket, order.id)).caller_name == "张维"
        assert (await known(session, MINE))[MINE].name == "张伟"
