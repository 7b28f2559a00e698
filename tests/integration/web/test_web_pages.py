"""Every page answers, empty and with data, in Chinese and with its security headers."""

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import unquote
from uuid import UUID

import pytest
from web_desk import Desk, signed_in

from callflow.agents.models import Agent
from callflow.callbacks.models import CallbackTask
from callflow.incidents.models import Incident
from callflow.models import Call
from core import clock
from core.db import Database
from core.jobs import JOBS, defer, run_pending
from core.permissions import Role
from hotline.wiring import common  # noqa: F401 - every job is known
from recordings.models import Kind, Recording, RecordingState, Side, Source, TranscriptSegment
from web.context import NOTE_COOKIE
from web.pages.jobs import WORDS

PAGES = {
    Role.SHIFT_LEAD: ["/live-calls", "/calls", "/callbacks", "/recordings", "/incidents", "/system", "/account"],
    Role.SECURITY_ADMIN: ["/users", "/units", "/system"],
    Role.SYSTEM_ADMIN: ["/numbers", "/numbers?new=queue", "/seats", "/duty", "/units", "/jobs", "/system"],
    Role.AUDIT_ADMIN: ["/ledger", "/jobs", "/system"],
}


async def make_call(db: Database, **values: object) -> UUID:
    at = clock.now() - timedelta(minutes=3)
    fields = {"node": "node1", "linkedid": "1.1", "caller": "+8613812345678", "dialled": "12345", "arrived_at": at}
    async with db.session() as session:
        call = Call(**(fields | {"queued_at": at + timedelta(seconds=8)} | values))
        session.add(call)
        await session.flush()
        return call.id


@pytest.mark.parametrize("role", list(PAGES))
async def test_pages_answer_while_nothing_has_happened(db: Database, serve: Callable[[], Desk], role: Role) -> None:
    desk = await signed_in(db, serve(), "person", role)
    for path in PAGES[role]:
        response = await desk.get(path)
        text = await response.text()
        assert response.status == 200, (path, text)
        assert 'id="page"' in text and 'id="rail"' in text
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "no-store"
        part = await desk.get(path, headers={"HX-Request": "true"})
        assert 'id="rail"' not in await part.text()


async def test_a_call_shows_its_words_and_masks_its_number(db: Database, lead: Desk) -> None:
    call_id = await make_call(db, connected_at=clock.now())
    async with db.session() as session:
        words = {"words": [], "source": Source.LIVE, "start_s": 1.0, "end_s": 2.0}
        session.add(TranscriptSegment(call_id=call_id, side=Side.CITIZEN, text="小区门口<b>占道", **words))
    text = await (await lead.get(f"/calls/{call_id}")).text()
    assert "小区门口&lt;b&gt;占道" in text
    assert "138****5678" in text
    assert "13812345678" not in text
    listing = await (await lead.get("/calls?search=138%201234%205678")).text()
    assert str(call_id) in listing
    assert "没有这条通话记录" in await (await lead.get(f"/calls/{UUID(int=1)}")).text()


async def test_a_landline_caller_is_told_the_number_by_mouth(db: Database, lead: Desk) -> None:
    call_id = await make_call(db, caller="+867935901234")
    assert "请口头告知市民" in await (await lead.get(f"/calls/{call_id}")).text()


async def test_an_agent_logs_in_pauses_and_leaves_from_the_bar(db: Database, agent: Desk) -> None:
    async with db.session() as session:
        session.add(Agent(user_id=agent.user_id, extension="1001", name="王丽", sip_secret="x"))
    swapped = {"HX-Request": "true"}
    acts = [
        ("log-in", {}, "示闲"),
        ("pause", {"reason": "meal"}, "用餐"),
        ("resume", {}, "示闲"),
        ("log-out", {}, "未签入"),
    ]
    for version, (act, more, state) in enumerate(acts, 1):
        response = await agent.post(f"/agent/{act}", {"version": str(version)} | more, headers=swapped)
        assert response.status == 200, await response.text()
        assert state in (await response.text()).partition('class="state"')[2][:120]
    stale = await agent.post("/agent/log-in", {"version": "1"}, headers=swapped)
    assert stale.status == 409
    assert "坐席状态已变化" in await stale.text()
    assert stale.headers["HX-Retarget"] == "#notice"


@pytest.mark.proves("F02-3")
async def test_a_call_back_is_claimed_once_and_closed_with_a_result(db: Database, agent: Desk, lead: Desk) -> None:
    call_id = await make_call(db, ended_at=clock.now(), outcome="abandoned")
    async with db.session() as session:
        task = CallbackTask(call_id=call_id, phone="+8613812345678", reason="abandoned", call_ended_at=clock.now())
        session.add(task)
        await session.flush()
        where = f"/callbacks/{task.id}"
    assert "138****5678" in await (await agent.get("/callbacks")).text()
    claimed = await agent.post(f"{where}/claim", {"version": "1"})
    assert (claimed.status, claimed.headers["Location"]) == (303, "/callbacks")
    assert (await lead.post(f"{where}/claim", {"version": "1"})).status == 409
    empty = await agent.post(f"{where}/finish", {"version": "2", "result": " "})
    assert empty.status == 422
    assert (await agent.post(f"{where}/finish", {"version": "2", "result": "已接通"})).status == 303
    assert "没有待回拨的来电" in await (await agent.get("/callbacks")).text()
    done = await (await agent.get("/callbacks?state=done&search=5678")).text()
    assert "已接通" in done and "138****5678" in done, "the number is masked again once nobody has to dial it"
    assert "没有符合条件的回拨任务" in await (await agent.get("/callbacks?state=done&search=0000")).text()
    assert (await agent.post("/callbacks/export", {"state": "done", "reason": "周报"})).status == 403
    sheet = await lead.post("/callbacks/export", {"state": "done", "reason": "周报"})
    assert sheet.status == 200 and (await sheet.read()).startswith(b"PK")


@pytest.mark.proves("F02-3")
async def test_who_was_not_reached_is_shown_with_the_time_of_the_next_try(
    db: Database, agent: Desk, lead: Desk
) -> None:
    call_id = await make_call(db, ended_at=clock.now(), outcome="abandoned")
    async with db.session() as session:
        task = CallbackTask(call_id=call_id, phone="+8613812345678", reason="abandoned", call_ended_at=clock.now())
        session.add(task)
        await session.flush()
        where = f"/callbacks/{task.id}"
    assert (await agent.post(f"{where}/claim", {"version": "1"})).status == 303
    assert "未接通，换时段再拨" in await (await agent.get("/callbacks")).text()
    assert (await lead.post(f"{where}/not-reached", {"version": "2"})).status == 409, "another one has it"
    noted = await agent.post(f"{where}/not-reached", {"version": "2"})
    assert re.search(r"第 1 次未接通，.* 后再拨", unquote(noted.cookies[NOTE_COOKIE].value))
    page = await (await lead.get("/callbacks")).text()
    assert "1 次未接通" in page and "后再拨" in page
    assert f'action="{where}/claim"' in page, "anybody may try"


async def test_what_was_done_is_told_to_whoever_did_it_and_not_to_what_a_page_fetches_by_itself(
    db: Database, agent: Desk
) -> None:
    """A region that is fetched meanwhile would take the sentence, and show it to nobody."""
    call_id = await make_call(db, ended_at=clock.now(), outcome="abandoned")
    async with db.session() as session:
        task = CallbackTask(call_id=call_id, phone="+8613812345678", reason="abandoned", call_ended_at=clock.now())
        session.add(task)
    assert NOTE_COOKIE in (await agent.post(f"/callbacks/{task.id}/claim", {"version": "1"})).cookies
    note, swapped = '<div class="note"', {"HX-Request": "true"}
    assert note not in await (await agent.get("/callbacks", headers=swapped | {"X-Live": "1"})).text()
    assert note in await (await agent.get("/callbacks", headers=swapped)).text()
    assert note not in await (await agent.get("/callbacks", headers=swapped)).text(), "once"


async def test_incidents_show_their_minutes(db: Database, lead: Desk) -> None:
    at = clock.now()
    async with db.session() as session:
        session.add(Incident(opened_at=at, last_minute_at=at, minutes=7))
        session.add(Incident(kind="spool-full", opened_at=at, last_minute_at=at, minutes=2))
        session.add(Incident(kind="archive-away", opened_at=at, last_minute_at=at, minutes=3, closed_at=at))
    page = await (await lead.get("/incidents")).text()
    for shown in ("无人值守", "持续中", "录音无法写入", "录音无法归档"):
        assert shown in page


async def test_a_new_user_gets_a_first_password_once(db: Database, serve: Callable[[], Desk]) -> None:
    desk = await signed_in(db, serve(), "person", Role.SECURITY_ADMIN)
    form = {"login": "zhao", "name": "赵敏", "roles": "agent"}
    created = await desk.post("/users", form)
    text = await created.text()
    assert created.status == 200, text
    first = text.partition("首次登录密码：<strong>")[2].partition("<")[0]
    assert (await serve().enter("zhao", first)).headers["Location"] == "/sign-in/password"
    again = await desk.post("/users", form)
    assert again.status == 422
    assert "该登录名已被使用" in await again.text()


async def test_two_visits_to_the_player_within_one_second_are_two(db: Database, lead: Desk) -> None:
    async with db.session() as session:
        row = Recording(
            node="node1",
            linkedid="1.1",
            kind=Kind.TALK,
            part=1,
            started_at=clock.now(),
            seconds=3.0,
            channels=2,
            digest="0" * 64,
            store_key="2026/11/25/talk.flac",
            size=1,
            protected_until=clock.today(),
            state=RecordingState.STORED,
        )
        session.add(row)
    seen = set()
    for _ in range(3):
        page = await lead.post(f"/recordings/{row.id}", {"purpose": "核实诉求内容", "reason": "市民来电催办"})
        grant = re.search(r"grant=([0-9a-f]{64})", await page.text())
        assert grant, await page.text()
        seen.add(grant[1])
    assert len(seen) == 3, "each visit has a grant of its own, and its listening is a line of its own in the ledger"


async def test_a_failed_job_is_run_again_by_a_person_who_says_why(db: Database, serve: Callable[[], Desk]) -> None:
    async with db.session() as session:
        await defer(session, JOBS["crm.open-draft"], events=[{"call_id": "no call"}, {"call_id": "none"}])
    await run_pending(db)
    await run_pending(db)
    desk = await signed_in(db, serve(), "person", Role.SYSTEM_ADMIN)
    text = await (await desk.get("/jobs")).text()
    assert text.count("<td>通话接通后形成工单草稿</td>") == 2
    assert "no call" not in text, "what a job is about may be personal"
    (id, other) = re.findall(r"/jobs/(\d+)/replay", text)
    assert (await desk.post(f"/jobs/{id}/replay", {"reason": ""})).status == 422
    assert (await desk.post(f"/jobs/{id}/replay", {"reason": "数据已修正"})).status == 303
    assert (await desk.post(f"/jobs/{id}/replay", {"reason": "数据已修正"})).status == 409
    text = await (await desk.get("/jobs")).text()
    assert re.findall(r"/jobs/(\d+)/replay", text) == [other]
    auditor = await signed_in(db, serve(), "auditor", Role.AUDIT_ADMIN)
    assert "由系统管理员处理" in await (await auditor.get("/jobs")).text()
    assert (await auditor.post(f"/jobs/{other}/replay", {"reason": "试试"})).status == 403


def test_every_job_has_words() -> None:
    assert {name for name in JOBS if not name.startswith("test.")} == set(WORDS)
