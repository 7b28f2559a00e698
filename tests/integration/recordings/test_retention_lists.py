"""保管与销毁: what ends is proposed by the day, reviewed, approved by two others, destroyed, and certified."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from archive_room import NOON, Room
from by_hand import AS_OWNER
from retention_room import AFTER, LAST, Office, order_of, person
from retention_room import office as made
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from callflow.models import Call
from core import clock
from core.clock import midnight
from core.db import Database, new_id
from core.errors import Conflict, Denied, Gone, Invalid
from core.identity.models import Unit
from core.jobs import run_pending
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm import installed
from crm.citizens import restrictions
from crm.citizens.events import RestrictionLifted, RestrictionPlaced
from crm.finding.asked import Wanted
from crm.finding.index import index_due
from crm.finding.service import find
from crm.installed import Installation
from crm.retention import holds, lists
from crm.retention import subscribers as _  # noqa: F401 - who forgets with it
from crm.retention.models import DisposalItem, DisposalList
from crm.retention.rules import Act, Reason
from crm.retention.subscribers import hold_restricted, release_restricted
from crm.tickets.models import Ticket
from recordings.desk.waveform import waveform
from recordings.disposal import paper
from recordings.disposal.models import Disposal, DisposalCertificate
from recordings.layers.corrections import correct
from recordings.layers.models import TranscriptCorrection
from recordings.models import Recording, Side, Source, TranscriptSegment
from recordings.store.models import ArchiveKey
from recordings.store.port import Damaged
from recordings.store.vault import SUFFIX

ONE = timedelta(days=1)


@pytest.fixture
def office(db: Database, home: Path, installation: Installation) -> Office:
    installed.use(installation)
    return made(db, home)


@pytest.mark.proves("A12.9-1", "T24")
async def test_a_recording_is_proposed_the_day_after_its_last_protected_day(office: Office) -> None:
    (row,) = await office.room.record()
    assert row.protected_until == date(2029, 11, 23)
    assert await office.proposed(LAST) is None, "on 2029-11-23, until its last minute"
    async with office.db.session() as session:
        assert await session.scalar(select(func.count()).select_from(DisposalItem)) == 0
    listed = await office.proposed(midnight(date(2029, 11, 24)))
    assert listed is not None and listed.number == "XH20291124-001"
    assert await office.states() == {row.id: "listed"}
    again = await office.proposed(AFTER + ONE)
    assert again is not None and (again.id, len(await office.states())) == (listed.id, 1)


@pytest.mark.proves("T24")
async def test_thirty_days_before_it_is_told_once(office: Office) -> None:
    await office.room.record(count=2)
    for days, told in ((31, 0), (30, 1), (30, 1), (29, 1)):
        await office.proposed(midnight(date(2029, 11, 23)) - days * ONE + timedelta(hours=9))
        async with office.db.session() as session:
            entries = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "retention.warn"))).all()
        assert len(entries) == told, days
    assert entries[0].detail == {"until": "2029-11-23", "objects": 2}


async def words_of(office: Office, row: Recording) -> None:
    """What was said in it, as it was heard live."""
    async with office.db.session() as session:
        said = {"words": [], "source": Source.LIVE, "side": Side.CITIZEN}
        session.add(TranscriptSegment(call_id=row.call_id, start_s=0.1, end_s=0.4, text="路灯不亮", **said))


async def test_words_end_in_all_their_layers_and_are_found_no_more(office: Office) -> None:
    (row,) = await office.room.record()
    await words_of(office, row)
    async with office.db.session() as session:
        line = (await session.scalars(select(TranscriptSegment))).one()
        await correct(session, office.archivist, line.id, "路灯坏了", line.text)
        again = {"words": [], "source": Source.BATCH, "side": Side.CITIZEN, "text": "路灯不凉", "recording_id": row.id}
        session.add(TranscriptSegment(call_id=row.call_id, start_s=0.1, end_s=0.4, under=line.id, **again))
    await index_due(office.db)
    async with office.db.session() as session:
        found = await find(session, office.archivist, Wanted("路灯"))
        assert [one.id for one, _ in found.rows] == [row.id]
    await office.done()
    async with office.db.session() as session:
        for table in (TranscriptSegment, TranscriptCorrection):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
    await index_due(office.db)
    async with office.db.session() as session:
        assert not (await find(session, office.archivist, Wanted("路灯"))).rows


@pytest.mark.proves("F12.9-3")
async def test_four_people_end_a_recording_and_the_certificate_says_so(office: Office) -> None:
    kept, *gone = await office.room.record(count=3)
    await office.room.seal()
    for row in gone:
        await words_of(office, row)
    listed = await office.proposed()
    assert listed is not None
    with clock.frozen(AFTER):
        async with office.db.session() as session:
            until = date(2030, 12, 31)
            took = await lists.take_off(session, office.archivist, listed.id, 1, [kept.id], "市档案馆征集样本", until)
            assert took == 1
        with pytest.raises(Denied):
            await office.act(Act.REVIEW, office.director, listed)
        with pytest.raises(Conflict, match="wrong-state"):
            await office.act(Act.APPROVE, office.director, listed)
        with pytest.raises(Invalid, match="confirmation-words"):
            await office.act(Act.REVIEW, office.archivist, listed, "审查3份")
        await office.act(Act.REVIEW, office.archivist, listed)
        with pytest.raises(Conflict, match="wrong-state"):
            await office.act(Act.CONFIRM, office.leader, listed)
        with pytest.raises(Denied):
            await office.act(Act.APPROVE, office.leader, listed)
        await office.act(Act.APPROVE, office.director, listed)
        await office.act(Act.CONFIRM, office.leader, listed)
        with pytest.raises(Invalid, match="confirmation-words"):
            await office.act(Act.ORDER, office.archivist, listed, "永久销毁")
        await office.act(Act.ORDER, office.archivist, listed)
    await office.dispose(listed)
    done = await office.now(listed)
    assert (done.state, done.number) == ("done", "XH20291124-001")
    rows = await office.rows([kept.id, *(row.id for row in gone)])
    assert [one.certificate for one in rows] == ["", done.number, done.number]
    assert rows[0].protected_until == date(2030, 12, 31) and "陈档" in rows[0].protection
    for row in gone:
        assert not office.room.path(row).exists()
    async with office.db.session() as session:
        assert (await session.scalars(select(ArchiveKey.store_key))).all() == [kept.store_key]
        assert await session.scalar(select(func.count()).select_from(TranscriptSegment)) == 0
        certificate = await session.get_one(DisposalCertificate, done.number)
        with pytest.raises(Gone, match="recording-destroyed") as refused:
            await waveform(office.db, office.room.store, office.archivist, gone[0].id)
        assert "2029年11月24日依法销毁（销毁证书 XH20291124-001）" in refused.value.message
        told = select(LedgerEntry.action).where(LedgerEntry.action.startswith("disposal.")).order_by(LedgerEntry.id)
        acts = await session.scalars(told)
        assert [one.removeprefix("disposal.") for one in acts] == [
            "propose", "take-off", "review", "approve", "confirm", "order", "done"
        ]  # fmt: skip
    stored = (office.room.root / paper.whole_key(done.number)).read_bytes()
    assert not (office.room.root / (paper.whole_key(done.number) + SUFFIX)).exists(), "readable without any key"
    said = json.loads(stored)["document"]
    assert (said["count"], said["certificate"]["approved_name"]) == (2, "赵主任")
    assert paper.read(stored, office.room.signer.known()).text == certificate.document
    assert certificate.document.count("sha256") == 0 and len(said["parts"]) == 1
    part = json.loads((office.room.root / paper.part_key(done.number, 1)).read_bytes())["document"]
    assert [one["sha256"] for one in part["recordings"]] == [row.digest for row in gone]
    assert await office.room.checked(AFTER + ONE) == (True, "1 份录音，未发现问题"), "a lawful end is no finding"


@pytest.mark.proves("F12.9-3")
async def test_what_the_machine_quoted_in_the_order_goes_with_the_words(office: Office) -> None:
    (row,) = await office.room.record()
    said = {"content": {"value": "路灯不亮", "words": "我家门口路灯不亮三天了", "confidence": 80}}
    ticket = await order_of(office.db, row, proposals=said, content="路灯不亮")
    await office.done()
    await run_pending(office.db)
    async with office.db.session() as session:
        kept = await session.get_one(Ticket, ticket.id)
        assert (kept.proposals, kept.content) == ({}, "路灯不亮"), "the order itself stays"
        assert (kept.version, kept.updated_at) == (ticket.version, ticket.updated_at)


@pytest.mark.proves("F12.9-3")
async def test_nobody_approves_what_he_reviewed_and_nobody_approves_twice(office: Office) -> None:
    await office.room.record()
    listed = await office.proposed()
    assert listed is not None
    everything = person(Role.ARCHIVIST, "全能")
    everything = type(everything)(
        everything.user_id, "全能", frozenset({Role.ARCHIVIST, Role.DIRECTOR, Role.BUREAU_LEADER})
    )
    with clock.frozen(AFTER):
        await office.act(Act.REVIEW, everything, listed)
        with pytest.raises(Denied, match="same-person"):
            await office.act(Act.APPROVE, everything, listed)
        await office.act(Act.APPROVE, office.director, listed)
        with pytest.raises(Denied, match="same-person"):
            await office.act(Act.CONFIRM, everything, listed)
        both = type(everything)(office.director.user_id, "赵主任", frozenset({Role.DIRECTOR, Role.BUREAU_LEADER}))
        with pytest.raises(Denied, match="same-person"):
            await office.act(Act.CONFIRM, both, listed)
        back = await office.act(Act.RETURN, office.leader, listed, "第3份涉及信访")
        assert (back.state, back.approved_by, back.returned_name) == ("proposed", None, "孙局")
        async with office.db.session() as session:
            with pytest.raises(Conflict, match="changed-meanwhile"):
                await lists.review(session, office.archivist, listed.id, 1, "审查1份")


SCOPES = ("order", "phone", "unit", "period")


@pytest.mark.proves("A12.9-2", "F12.9-2")
@pytest.mark.parametrize("scope", SCOPES)
async def test_a_hold_keeps_it_off_the_list_and_stops_it_after_approval(office: Office, scope: str) -> None:
    row, other = await office.room.record(count=2)
    unit = new_id()
    ticket = await order_of(office.db, row, lead_unit_id=unit)
    async with office.db.session() as session:
        session.add(Unit(id=unit, code="cgj", name="城市管理局", kind="department"))
        if scope == "period":
            moved = await session.get_one(Recording, row.id)
            moved.started_at = NOON - 7 * ONE
    given = {
        "order": holds.Scope(number=ticket.number),
        "phone": holds.Scope(phone="+8613800001234", first=date(2026, 1, 1), last=date(2027, 1, 1)),
        "unit": holds.Scope(unit_id=unit),
        "period": holds.Scope(first=date(2026, 11, 16), last=date(2026, 11, 16)),
    }[scope]
    listed = await office.ordered()
    with clock.frozen(AFTER):
        async with office.db.session() as session:
            about = (Reason.LITIGATION, "（2029）赣1126行初7号", "县司法局 张某")
            hold, covered = await holds.place(session, office.archivist, *about, given)
            assert covered == 1
    await office.dispose(listed)
    assert await office.states() == {row.id: "stopped", other.id: "destroyed"}
    async with office.db.session() as session:
        item = await session.get_one(DisposalItem, (listed.id, row.id))
        assert "冻结（诉讼、复议）：（2029）赣1126行初7号" in item.why
    assert b"".join([block async for block in office.room.store.read(row.store_key)])
    assert await office.proposed(AFTER + ONE) is None, "blocked at the proposal as well"
    with clock.frozen(AFTER + 2 * ONE):
        async with office.db.session() as session:
            await holds.lift(session, office.leader, hold.id, "判决已生效，卷宗已归档")
        async with office.db.session() as session:
            with pytest.raises(Conflict, match="hold-lifted"):
                await holds.lift(session, office.leader, hold.id, "再次解除")
    again = await office.proposed(AFTER + 3 * ONE)
    assert again is not None and again.number == "XH20291127-001"
    assert (await office.rows([row.id]))[0].destroyed_at is None


async def test_what_a_citizen_had_restricted_is_held_until_the_restriction_ends(office: Office) -> None:
    row, other = await office.room.record(count=2)
    phone = "+8613907930001"
    async with office.db.session() as session:
        (await session.get_one(Call, row.call_id)).caller = phone
    listed = await office.ordered()
    request = new_id()
    with clock.frozen(AFTER):
        async with office.db.session() as session:
            placed = await restrictions.place(session, office.director, phone, request)
        event = RestrictionPlaced(restriction_id=placed.id, by_id=office.director.user_id)
        for _ in "twice":
            async with office.db.session() as session:
                await hold_restricted(session, [event])
        async with office.db.session() as session:
            (hold,) = await holds.present(session)
            assert (hold.phone, hold.placed_name) == (phone, office.director.name)
            with pytest.raises(Conflict, match="hold-of-restriction"):
                await holds.lift(session, office.leader, hold.id, "不再需要")
    await office.dispose(listed)
    assert await office.states() == {row.id: "stopped", other.id: "destroyed"}
    with clock.frozen(AFTER + ONE):
        async with office.db.session() as session:
            assert await restrictions.lift(session, office.director, request)
            ended = RestrictionLifted(restriction_id=placed.id, by_id=office.director.user_id)
            await release_restricted(session, [ended])
            await hold_restricted(session, [event])
            assert not await holds.present(session), "a message that comes late places nothing"
    assert await office.proposed(AFTER + 2 * ONE) is not None


@pytest.mark.proves("A12.9-2")
async def test_a_hold_has_a_scope_and_somebody_who_may_place_it(office: Office) -> None:
    about = (Reason.SUPERVISION, "督办〔2029〕3号", "政府办督察股 李某")
    async with office.db.session() as session:
        for scope in (holds.Scope(), holds.Scope(first=date(2029, 1, 1))):
            with pytest.raises(Invalid):
                await holds.place(session, office.archivist, *about, scope)
        with pytest.raises(Denied):
            await holds.place(session, person(Role.AGENT, "王丽"), *about, holds.Scope(phone="+8613800001234"))
        with pytest.raises(Invalid, match="no-such-order"):
            await holds.place(session, office.archivist, *about, holds.Scope(number="YY20290101-00001"))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM legal_holds",
        "TRUNCATE legal_holds",
        "UPDATE legal_holds SET first = first + 1, last = last + 1",
        "UPDATE legal_holds SET document = '', lifted_at = now(), lifted_by = placed_by",
    ],
)
async def test_the_database_lets_a_hold_be_lifted_and_nothing_else(office: Office, statement: str) -> None:
    about = (Reason.LITIGATION, "（2029）赣1126民初9号", "县法院 王某")
    async with office.db.session() as session:
        day = date(2029, 1, 1)
        hold, _ = await holds.place(session, office.archivist, *about, holds.Scope(first=day, last=day))
    with pytest.raises(IntegrityError, match="lifted by a named person"):
        async with office.db.session() as session:
            await session.execute(AS_OWNER)
            await session.execute(text(statement))
    async with office.db.session() as session:
        await holds.lift(session, office.archivist, hold.id, "案件审结归档")
    with pytest.raises(IntegrityError, match="lifted by a named person"):
        async with office.db.session() as session:
            await session.execute(text("UPDATE legal_holds SET lifted_why = '改'"))


async def read(room: Room, row: Recording) -> bool:
    """Whether it can still be read."""
    try:
        return bool(b"".join([block async for block in room.store.read(row.store_key)]))
    except Damaged:
        return False


async def test_a_list_that_nothing_is_left_on_ends_with_its_review(office: Office) -> None:
    (row,) = await office.room.record()
    listed = await office.proposed()
    assert listed is not None
    with clock.frozen(AFTER):
        async with office.db.session() as session:
            await lists.take_off(session, office.archivist, listed.id, 1, [row.id], "留作培训教材", date(2031, 1, 1))
        done = await office.act(Act.REVIEW, office.archivist, listed)
    assert done.state == "void" and await read(office.room, row)
    async with office.db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Disposal)) == 0
        assert await session.scalar(select(func.count()).select_from(DisposalList)) == 1
