"""A citizen's granted deletion is beside what it asks for on the ordinary list, and learns what became of it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from retention_room import AFTER, Office, archive, office, order_of, put_to
from sqlalchemy import select

from callflow.models import Call
from core import clock
from core.clock import midnight
from core.db import Database, new_id
from core.ledger.models import LedgerEntry
from crm import installed
from crm.datarequests.models import DataRequest, DataRequestStep
from crm.datarequests.rules import Kind, State, Verdict
from crm.installed import Installation
from crm.retention import holds, queries
from crm.retention.asked import Asked, asked
from crm.retention.rules import Act, Reason
from recordings.models import Recording

PHONE, OTHER = "+8613800001234", "+8613900001111"


@pytest.fixture(name="office")
def made(db: Database, home: Path, installation: Installation) -> Office:
    installed.use(installation)
    return office(db, home)


async def granted(office: Office, number: str = "个信〔2029〕7号", **more: Any) -> DataRequest:
    """A deletion that was decided and passed on."""
    with clock.frozen(AFTER):
        row = DataRequest(id=new_id(), number=number, kind=Kind.DELETE, way="call", phone=PHONE, name="李四", orders=[])
        row.asked, row.registered_by_name, row.registered_at = "请删除我的录音", "陈档", AFTER
        row.warn_at = row.due_at = AFTER
        row.state, row.verdict, row.decided_at, row.done_at = State.DONE, Verdict.GRANT, AFTER, AFTER
        row.decided_by_name, row.reasons, row.law = "赵主任", "保存期已满", "个人信息保护法第四十七条"
        for name, value in more.items():
            setattr(row, name, value)
        async with office.db.session() as session:
            session.add(row)
    return row


async def of_phone(office: Office, row: Recording, phone: str) -> None:
    async with office.db.session() as session:
        (await session.get_one(Call, row.call_id)).caller = phone


async def standing(office: Office) -> list[Asked]:
    async with office.db.session() as session:
        return await asked(session)


async def steps(office: Office, row: DataRequest) -> list[tuple[str, str]]:
    async with office.db.session() as session:
        of = select(DataRequestStep).where(DataRequestStep.request_id == row.id).order_by(DataRequestStep.at)
        return [(one.act, one.note) for one in await session.scalars(of)]


@pytest.mark.proves("F12.9-3")
async def test_a_granted_deletion_goes_with_the_next_list_and_says_when_it_is_done(office: Office) -> None:
    row, other = await office.room.record(count=2)
    await of_phone(office, row, PHONE)
    await of_phone(office, other, OTHER)
    ticket = await order_of(office.db, row)
    file = await put_to(office, ticket)
    await archive(office, ticket)
    request = await granted(office)
    assert [(one.listed, one.kept, one.until) for one in await standing(office)] == [(0, 2, date(2029, 11, 23))]
    listed = await office.approved()
    assert [(one.listed, one.held, one.kept, one.destroyed) for one in await standing(office)] == [(2, 0, 0, 0)]
    assert await steps(office, request) == [("list", f"2 份，销毁清单 {listed.number}")]
    async with office.db.session() as session:
        shown = await queries.items(session, office.archivist, listed.id, None, None, 10)
        (entry,) = await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "disposal.propose"))
    assert {one.object.id: one.request for one in shown} == {
        row.id: request.number,
        file.id: request.number,
        other.id: "",
    }
    assert entry.detail["requests"] == [request.number]
    with clock.frozen(AFTER):
        ordered = await office.act(Act.ORDER, office.archivist, listed)
    await office.dispose(ordered)
    assert await standing(office) == [], "nothing is left of it"
    assert (await steps(office, request))[-1] == ("destroy", f"销毁 2 份，销毁证书 {listed.number}")
    async with office.db.session() as session:
        done = await session.get_one(DataRequest, request.id)
        (told,) = await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "data-request.destroy"))
    assert done.destroyed_at and done.state == State.DONE
    assert (told.subject_id, told.detail["certificate"]) == (str(request.id), listed.number)


@pytest.mark.proves("A12.9-2")
async def test_the_law_keeps_what_it_keeps_and_the_request_says_so(office: Office) -> None:
    row, long = await office.room.record(count=2)
    for one in (row, long):
        await of_phone(office, one, PHONE)
    await order_of(office.db, long, category="report", sealed=True)
    await office.proposed(midnight(date(2029, 11, 20)))
    request = await granted(office)
    listed = await office.ordered()
    (now,) = await standing(office)
    assert (now.listed, now.kept, now.until) == (1, 1, date(2031, 11, 23))
    with clock.frozen(AFTER):
        async with office.db.session() as session:
            about = (Reason.LITIGATION, "（2029）赣1126行初7号", "县司法局 张某")
            await holds.place(session, office.archivist, *about, holds.Scope(phone=PHONE))
    await office.dispose(listed)
    (now,) = await standing(office)
    assert (now.listed, now.held, now.kept, now.destroyed) == (0, 2, 0, 0)
    assert (await steps(office, request))[-1] == ("destroy", "1 份因冻结或保存期延长没有销毁；尚有 2 份在保存")


async def test_a_request_about_one_order_is_about_no_other_and_a_withdrawn_one_about_none(office: Office) -> None:
    row, other = await office.room.record(count=2)
    for one in (row, other):
        await of_phone(office, one, PHONE)
    tickets = [await order_of(office.db, one) for one in (row, other)]
    request = await granted(office, orders=[tickets[0].number])
    await granted(office, "个信〔2029〕8号", state=State.WITHDRAWN)
    listed = await office.proposed()
    assert listed
    async with office.db.session() as session:
        shown = await queries.items(session, office.archivist, listed.id, None, None, 10)
    assert {one.object.id: one.request for one in shown} == {row.id: request.number, other.id: ""}
