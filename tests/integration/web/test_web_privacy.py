"""Names and numbers are masked until a reason is given; who looks is on record; the ledger can be read."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from web_desk import Desk, make_user, signed_in

from callflow.callbacks.models import CallbackTask
from callflow.models import Call
from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.ledger import record
from core.ledger.models import LedgerEntry
from core.ledger.service import seal
from core.permissions import Role
from crm.tickets.models import Ticket, Unmasking
from crm.tickets.service import Opening, open_draft
from recordings.models import Kind, Recording, RecordingState, Side, Source, TranscriptSegment

NAME, NUMBER = "欧阳小明", "13812345678"
JSON = {"Accept": "application/problem+json"}


async def made(db: Database, agent_id: UUID, *, ended: bool = False) -> tuple[UUID, UUID]:
    """A call of this agent and the draft that came of it."""
    at = clock.now() - timedelta(minutes=3)
    async with db.session() as session:
        call = Call(node="node1", linkedid="7.7", caller=f"+86{NUMBER}", dialled="12345", arrived_at=at)
        call.agent_id, call.agent_name, call.connected_at = agent_id, "王丽", at
        call.ended_at = clock.now() if ended else None
        session.add(call)
        await session.flush()
        ticket = await open_draft(session, Opening("phone", call.id, call.caller, None, agent_id))
        ticket.caller_name = NAME
        return call.id, ticket.id


async def looks(db: Database) -> list[tuple[str, str, str | None]]:
    async with db.session() as session:
        rows = await session.scalars(
            select(LedgerEntry).where(LedgerEntry.action.startswith("personal.")).order_by(LedgerEntry.id)
        )
        return [(one.action, one.subject, one.reason) for one in rows]


async def test_the_agent_in_the_call_sees_the_caller_and_it_is_recorded_once(db: Database, agent: Desk) -> None:
    assert agent.user_id
    call_id, ticket_id = await made(db, agent.user_id)
    for path in (f"/calls/{call_id}", f"/calls/{call_id}", f"/orders/{ticket_id}"):
        text = await (await agent.get(path)).text()
        assert f'value="{NAME}"' in text and NUMBER in text
    assert await looks(db) == [("personal.handle", "order", None)]


async def test_pages_fetched_at_once_are_one_look(db: Database, agent: Desk) -> None:
    assert agent.user_id
    call_id, ticket_id = await made(db, agent.user_id)
    pages = (agent.get(path) for path in [f"/calls/{call_id}", f"/orders/{ticket_id}"] * 3)
    assert {answer.status for answer in await asyncio.gather(*pages)} == {200}
    assert await looks(db) == [("personal.handle", "order", None)]


async def test_everybody_else_sees_it_masked_until_they_say_why(db: Database, agent: Desk, lead: Desk) -> None:
    assert agent.user_id
    call_id, ticket_id = await made(db, agent.user_id)
    for path in (f"/calls/{call_id}", f"/orders/{ticket_id}", "/orders", "/calls"):
        text = await (await lead.get(path)).text()
        assert NAME not in text and NUMBER not in text, path
    assert "沿用 欧**明" in await (await lead.get(f"/orders/{ticket_id}")).text()
    unsaid = await lead.post(f"/orders/{ticket_id}/caller", {"reason": " "}, headers=JSON)
    assert unsaid.status == 422 and "reason" in (await unsaid.json(content_type=None))["fields"]
    assert await looks(db) == []
    shown = await lead.post(f"/orders/{ticket_id}/caller", {"reason": "回电核实地点"}, headers={"HX-Request": "true"})
    text = await shown.text()
    assert NAME in text and NUMBER in text and "已记入审计日志" in text
    assert shown.headers["HX-Push-Url"] == f"/orders/{ticket_id}"
    assert NUMBER in await (await lead.post(f"/calls/{call_id}/caller", {"reason": "线路测试"})).text()
    assert await looks(db) == [
        ("personal.unmask", "order", "回电核实地点"),
        ("personal.unmask", "call", "线路测试"),
    ]
    assert NAME in await (await lead.get(f"/orders/{ticket_id}")).text(), "for some minutes"
    assert NAME not in await (await lead.get("/orders")).text()
    async with db.session() as session:
        await session.execute(update(Unmasking).values(until=clock.now()))
    assert NAME not in await (await lead.get(f"/orders/{ticket_id}")).text(), "not for ever"


async def test_a_finished_call_is_masked_for_its_agent_too(db: Database, agent: Desk) -> None:
    assert agent.user_id
    call_id, ticket_id = await made(db, agent.user_id, ended=True)
    assert NAME in await (await agent.get(f"/orders/{ticket_id}")).text(), "the draft is still being written"
    async with db.session() as session:
        await session.execute(update(Ticket).values(state="dispatched"))
    for path in (f"/calls/{call_id}", f"/orders/{ticket_id}"):
        text = await (await agent.get(path)).text()
        assert NAME not in text and NUMBER not in text


async def test_who_reported_stays_sealed(db: Database, serve: Callable[[], Desk], agent: Desk) -> None:
    call_id, ticket_id = await made(db, await make_user(db, "other", Role.AGENT))
    async with db.session() as session:
        await session.execute(update(Ticket).values(sealed=True, category="report"))
    refused = await agent.post(f"/calls/{call_id}/caller", {"reason": "想知道是谁"})
    assert refused.status == 403 and "密封" in await refused.text()
    assert (await agent.post(f"/orders/{ticket_id}/caller", {"reason": "想知道是谁"})).status == 404
    assert await looks(db) == []
    archivist = await signed_in(db, serve(), "chen", Role.ARCHIVIST)
    assert (await archivist.post(f"/calls/{call_id}/caller", {"reason": "整理档案"})).status == 403


async def test_who_claimed_a_call_back_gets_the_number_to_dial(db: Database, agent: Desk, lead: Desk) -> None:
    assert agent.user_id
    call_id, _ = await made(db, agent.user_id, ended=True)
    async with db.session() as session:
        at = clock.now()
        task = CallbackTask(call_id=call_id, phone=f"+86{NUMBER}", reason="abandoned", call_ended_at=at)
        session.add(task)
    assert NUMBER not in await (await agent.get("/callbacks")).text()
    assert (await agent.post(f"/callbacks/{task.id}/claim", {"version": "1"})).status == 303
    for _ in range(2):
        assert NUMBER in await (await agent.get("/callbacks")).text()
    assert NUMBER not in await (await lead.get("/callbacks")).text()
    assert await looks(db) == [("personal.handle", "callback", None)]


@pytest.fixture
async def auditor(db: Database, serve: Callable[[], Desk]) -> Desk:
    """An audit administrator who is signed in."""
    return await signed_in(db, serve(), "shen", Role.AUDIT_ADMIN)


async def test_the_ledger_is_found_by_person_act_subject_and_day(db: Database, auditor: Desk, agent: Desk) -> None:
    assert agent.user_id
    _, ticket_id = await made(db, agent.user_id)
    await agent.post(f"/orders/{ticket_id}/caller", {"reason": "回电核实<b>"})
    await seal(db)
    text = await (await auditor.get("/ledger?what=personal")).text()
    assert "查看完整姓名和电话" in text and "回电核实&lt;b&gt;" in text and "王丽" in text
    assert "登录</td>" not in text
    assert "待封存" not in text
    assert "回电核实" in await (await auditor.get(f"/ledger?subject={ticket_id}")).text()
    assert "没有符合条件的记录" in await (await auditor.get("/ledger?who=赵")).text()
    assert "回电核实" in await (await auditor.get("/ledger?who=王")).text()
    today = clock.today()
    assert "回电核实" in await (await auditor.get(f"/ledger?first={today}&last={today}")).text()
    assert "没有符合条件的记录" in await (await auditor.get(f"/ledger?first={today + timedelta(days=1)}")).text()
    assert (await agent.get("/ledger")).status == 403


async def test_the_ledger_is_paged_without_a_gap(db: Database, auditor: Desk) -> None:
    async with db.session() as session:
        for number in range(120):
            await record(session, SYSTEM, "line.number.edit", "number", f"n{number:03}")
    seen: list[str] = []
    path = "/ledger?what=line"
    while path:
        text = await (await auditor.get(path)).text()
        seen += [part.partition("<")[0].strip() for part in text.split("接入号码</a>")[1:]]
        link = text.partition('rel="next" href="')[2].partition('"')[0]
        path = link.replace("&amp;", "&")
    assert seen == [f"n{number:03}" for number in reversed(range(120))]


async def test_an_order_shows_what_was_said_beside_what_came_of_it(
    db: Database, agent: Desk, serve: Callable[[], Desk]
) -> None:
    assert agent.user_id
    call_id, ticket_id = await made(db, agent.user_id, ended=True)
    async with db.session() as session:
        said = {"side": Side.CITIZEN, "start_s": 2.0, "end_s": 4.0, "words": [], "source": Source.BATCH}
        session.add(TranscriptSegment(call_id=call_id, text="小区停水，请回电13912345678", **said))
        file = {"channels": 2, "digest": "0" * 64, "store_key": "a.flac", "size": 1, "state": RecordingState.STORED}
        row = Recording(call_id=call_id, node="node1", linkedid="7.7", kind=Kind.TALK, part=1, seconds=65.0, **file)
        row.started_at, row.protected_until = clock.now(), clock.today()
        session.add(row)
    lead = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    page = await (await lead.get(f"/orders/{ticket_id}")).text()
    assert "小区停水，请回电139****5678" in page and "13912345678" not in page
    assert f'href="/recordings/{row.id}"' in page and f'href="/calls/{call_id}"' in page
    bureau = await signed_in(db, serve(), "leader", Role.LEADER)
    page = await (await bureau.get(f"/orders/{ticket_id}")).text()
    assert "小区停水" not in page and "查看通话" not in page, "who may not see calls is led to none"
    async with db.session() as session:
        await session.execute(update(Ticket).where(Ticket.id == ticket_id).values(category="report", sealed=True))
    checker = await signed_in(db, serve(), "checker", Role.CHECKER)
    page = await (await checker.get(f"/orders/{ticket_id}")).text()
    assert "身份保密" in page and "小区停水" not in page and str(call_id) not in page, "it would tell who reported"
