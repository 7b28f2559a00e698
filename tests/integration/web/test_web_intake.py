"""The desk's pages of intake: limit, what is typed, registration, screening, register, reconciliation."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select
from web_api import ORDER, program, unit
from web_desk import Desk, signed_in

from callflow.agents import service as agents
from callflow.agents.models import Agent as Seat
from callflow.models import Call
from callflow.numbers import service as numbers
from core import clock
from core.accounts.channels import Channel
from core.actor import SYSTEM, Actor
from core.db import Database, new_id
from core.permissions import Role
from crm.channels.models import ChannelOrder
from crm.emergencies.proposals import look
from crm.installed import installed
from crm.queries.limit_now import limit_now
from crm.referrals import service as referrals
from crm.tickets.input import Correction
from crm.tickets.models import Ticket, TypedFields
from crm.tickets.perform import perform
from crm.tickets.service import Opening, open_draft, propose
from crm.tickets.states import Act, State
from web.pages.registration import AT_THE_DESK

Serve = Callable[[], Desk]
GIVEN = {"title": "小区噪音", "content": "隔壁法院工地已经起诉，夜里仍施工", "matter": "HB03", "address": "龟峰花园"}
REFUSAL = {"explanation": "已进入诉讼程序，已作解释", "referral": "县人民法院 12368", "told": True}


async def draft(db: Database, desk: Desk, phone: str | None = "+8613800001234", **fields: Any) -> Ticket:
    """A draft of this agent's call, as the machine opened it."""
    at = clock.now()
    async with db.session() as session:
        call = Call(id=new_id(), node="n", linkedid=str(new_id()), direction="inbound", caller=phone, dialled="12345")
        call.arrived_at, call.connected_at, call.agent_id, call.agent_name = at, at, desk.user_id, "王丽"
        session.add(call)
        given = Correction.model_validate({**GIVEN, **fields})
        return await open_draft(session, Opening("phone", call.id, phone, agent_id=desk.user_id, given=given))


def agent_of(desk: Desk) -> Actor:
    return Actor(desk.user_id, "王丽", frozenset({Role.AGENT}))


@pytest.mark.proves("A09-1")
async def test_the_category_shows_its_limit_and_due_at_once(db: Database, agent: Desk) -> None:
    for category, words in (("complaint", "投诉类，10 个工作日"), ("consultation", "咨询类，2 个工作日")):
        shown = await (await agent.get(f"/limit?category={category}")).text()
        async with db.session() as session:
            found = await limit_now(session, category, None)
        assert found.clock
        assert words in shown
        assert found.clock.text in shown
        assert f"{found.clock.days[-1]['day']} 第 {found.clock.days[-1]['number']} 个工作日" in shown
    assert (await agent.get("/limit?category=nonsense")).status == 422
    ticket = await draft(db, agent)
    assert "选择诉求类别后显示办理时限" in await (await agent.get(f"/orders/{ticket.id}")).text()
    sent = await agent.post(f"/orders/{ticket.id}/dispatch", {"version": ticket.version, **GIVEN})
    assert sent.status == 422
    assert "请选择诉求类别" in await sent.text()


@pytest.mark.proves("F12.1-2")
async def test_what_is_typed_comes_back_and_goes_when_it_is_sent(
    db: Database, serve: Serve, agent: Desk, lead: Desk
) -> None:
    ticket = await draft(db, agent)
    path = f"/orders/{ticket.id}"
    kept = await agent.post(f"{path}/typing", json={"fields": {"content": "还没写完", "confidential": "true"}})
    assert (kept.status, set(await kept.json())) == (200, {"saved"})
    page = await (await agent.get(path)).text()
    assert "还没写完" in page
    assert "自动保存、尚未提交的内容" in page
    assert "还没写完" not in await (await lead.get(path)).text()
    wrong = await agent.post(f"{path}/typing", json={"fields": {"state": "archived"}})
    assert wrong.status == 422
    long = await agent.post(f"{path}/typing", json={"fields": {"content": "字" * 4001}})
    assert long.status == 422
    saved = await agent.post(path, {"version": ticket.version, **GIVEN, "content": "写完了"})
    assert saved.status == 303
    assert "尚未提交" not in await (await agent.get(path)).text()
    await agent.post(f"{path}/typing", json={"fields": {"title": "又在写"}})
    dropped = await agent.post(f"{path}/typing/drop")
    assert dropped.status == 303
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(TypedFields)) == 0


@pytest.mark.proves("F12.1-3")
async def test_a_field_that_stands_as_the_machine_filled_it_is_nobodys(db: Database, agent: Desk) -> None:
    ticket = await draft(db, agent)
    one = {"label": "", "sources": [{"text": "昨天夜里"}], "confidence": 0.8, "reason": "来电人原话"}
    async with db.session() as session:
        row = await session.get_one(Ticket, ticket.id)
        row.accepted = {"title": {"name": "王丽"}}
        await propose(session, row, {"occurred": one | {"value": "昨天夜里"}, "demand": one | {"value": "请管管"}})
    path = f"/orders/{ticket.id}"
    page = await (await agent.get(path)).text()
    assert re.findall(r'name="proposed" value="(\w+)"', page) == ["occurred", "area", "demand"]
    form = {"version": ticket.version, **GIVEN, "category": "consultation", "occurred": "昨天夜里", "demand": "请管管"}
    refused = await agent.post(f"{path}/dispatch", {**form, "proposed": ["occurred"]})
    text = await refused.text()
    assert refused.status == 422
    assert "尚未核对" in text
    saved = await agent.post(path, {**form, "proposed": ["occurred"]})
    assert saved.status == 303
    async with db.session() as session:
        row = await session.get_one(Ticket, ticket.id)
        assert "demand" in row.accepted
        assert "occurred" not in row.accepted


@pytest.mark.proves("F09-2")
@pytest.mark.parametrize("channel", AT_THE_DESK)
async def test_each_channel_is_registered_at_the_desk(db: Database, agent: Desk, channel: Channel) -> None:
    assert channel.label in await (await agent.get("/registration")).text()
    form = {"channel": channel.value, "title": "小区噪音", "content": "来件原文", "caller_phone": "13807931234"}
    form |= {"received_at": "2026-03-02T09:30", "reference": "信2026-15", "caller_name": "王小明"}
    if channel is Channel.POLICE:
        wanting = await agent.post("/registration", form)
        assert "警情编号" in await wanting.text()
        form |= {"incident_number": "3611260001", "incident_at": "2026-03-02T09:00"}
    made = await agent.post("/registration", form)
    assert made.status == 303, await made.text()
    async with db.session() as session:
        [ticket] = await session.scalars(select(Ticket))
        [row] = await session.scalars(select(ChannelOrder))
    assert made.headers["Location"] == f"/orders/{ticket.id}"
    assert (ticket.source, ticket.state, ticket.caller_phone) == (channel, State.DRAFT, "+8613807931234")
    assert (row.reference, row.received_at and clock.local(row.received_at).hour) == ("信2026-15", 9)
    assert channel.label in await (await agent.get(f"/orders/{ticket.id}")).text()
    again = await agent.post("/registration", form)
    assert again.status == 409
    assert ticket.number in await again.text()


async def test_a_letter_without_a_number_is_kept_under_the_orders(db: Database, agent: Desk) -> None:
    for _ in range(2):
        made = await agent.post("/registration", {"channel": "letter", "title": "匿名来信", "content": "来信原文"})
        assert made.status == 303
    async with db.session() as session:
        numbers = set(await session.scalars(select(Ticket.number)))
        assert {row.reference for row in await session.scalars(select(ChannelOrder))} == numbers
    refused = await agent.post("/registration", {"channel": "unit", "title": "题", "content": "文"})
    assert refused.status == 422
    future = {"channel": "letter", "title": "题", "content": "文", "received_at": "2099-01-01T00:00"}
    assert "不能晚于现在" in await (await agent.post("/registration", future)).text()


@pytest.mark.proves("F09-2")
async def test_a_channel_takes_its_order_back_until_it_is_dispatched(db: Database, serve: Serve, agent: Desk) -> None:
    counter, site = await program(db, serve), await program(db, serve, Channel.WEB)
    _, order = await counter.post("/api/v1/orders", ORDER)
    path = f"/api/v1/orders/{order['id']}"
    assert "withdraw" in [one["act"] for one in (await counter.get(path))[1]["acts"]]
    body = {"version": order["version"], "reason": "诉求人在窗口说明已自行解决"}
    assert (await site.post(f"{path}/withdraw", body))[0] == 404
    status, back = await counter.post(f"{path}/withdraw", body)
    assert (status, back["state"]) == (200, "void")
    assert (await counter.post(f"{path}/withdraw", {**body, "version": back["version"]}))[0] == 409
    async with db.session() as session:
        ticket = await session.get_one(Ticket, order["id"])
    assert (ticket.close_kind, ticket.close_reason) == ("withdrawn", body["reason"])


@pytest.mark.proves("F10-1")
async def test_the_screening_list_suggests_says_and_leads_to_the_refusal(db: Database, agent: Desk) -> None:
    ticket = await draft(db, agent)
    page = await (await agent.get(f"/orders/{ticket.id}")).text()
    screening = page[page.index('id="screening"') :]
    items = re.findall(r"<details class=\"act\"( open)?><summary>（(.)）", screening)
    assert [(bool(opened), item) for opened, item in items[:7]] == [(item in "二三", item) for item in "一二三四五六七"]
    assert "说到“起诉”" in screening
    assert "您的事项已有法定的解决途径" in screening
    begun = await (await agent.get(f"/orders/{ticket.id}?item=3")).text()
    assert '<option value="3" selected>' in begun
    assert "县人民法院诉讼服务中心12368" in begun
    assert (await agent.get(f"/orders/{ticket.id}?item=8")).status == 422
    fire = await draft(db, agent, content="楼下着火了，冒烟")
    async with db.session() as session:
        await look(session, await session.get_one(Ticket, fire.id), "楼下着火了，冒烟")
    assert "疑似突发事件：火灾" in await (await agent.get(f"/orders/{fire.id}")).text()


@pytest.mark.proves("A10-4", "F10-1", "F12.1-1")
async def test_the_call_page_shows_what_the_number_reported_before(db: Database, agent: Desk) -> None:
    before = await draft(db, agent)
    async with db.session() as session:
        ticket = await session.get_one(Ticket, before.id)
        given = {"category": "consultation"}
        await perform(session, agent_of(agent), ticket.id, ticket.version, Act.CORRECT, given)
        await perform(session, agent_of(agent), ticket.id, ticket.version, Act.ANSWER, {"text": "已当场答复清楚。"})
    now = await draft(db, agent, content="还是上次那件事")
    async with db.session() as session:
        session.add(Seat(user_id=agent.user_id, extension="1001", name="王丽", sip_secret="x"))
    bar = await (await agent.get("/frame")).text()
    page = await (await agent.get(f"/calls/{now.call_id}")).text()
    assert before.number in page
    assert "同一事项，已办结" in page
    assert "同一号码的同一事项此前已办结" in page
    assert "1 张工单" in page
    assert "138****1234 · 1 张工单 · 打开通话" in bar


@pytest.mark.proves("F10-2", "A10-3")
async def test_the_register_filters_counts_and_goes_along(db: Database, serve: Serve, agent: Desk, lead: Desk) -> None:
    ticket = await draft(db, agent)
    async with db.session() as session:
        await perform(session, agent_of(agent), ticket.id, ticket.version, Act.REFUSE, {"item": 3, **REFUSAL})
    month = f"{clock.today():%Y-%m}"
    page = await (await agent.get("/refusals")).text()
    assert ticket.number in page
    assert REFUSAL["explanation"] in page
    assert ticket.number not in await (await agent.get(f"/refusals?month={month}&item=4")).text()
    assert ticket.number in await (await agent.get(f"/refusals?search={ticket.number}")).text()
    assert "没有符合条件" in await (await agent.get("/refusals?search=没有这回事")).text()
    empty = await (await agent.get("/refusals?month=2025-01")).text()
    assert "这个月没有符合条件的不予受理" in empty
    for bad in ("2026-13", "2026", "x"):
        assert (await agent.get(f"/refusals?month={bad}")).status == 422
    assert "导出为 Excel" not in page
    assert (await agent.post("/refusals/export", {"month": month, "reason": "月报"})).status == 403
    sheets = []
    for _ in range(2):
        taken = await lead.post("/refusals/export", {"month": month, "reason": "月度通报"})
        assert taken.status == 200
        rows = list(load_workbook(io.BytesIO(await taken.read())).active.values)  # type: ignore[union-attr]
        assert "不予受理登记簿" in str(rows[0][0])
        sheets.append(rows[1:-1])
    assert sheets[0] == sheets[1]
    assert sheets[0][1][2] == ticket.number


@pytest.mark.proves("A12.1-2")
async def test_the_days_page_lists_what_is_unfinished(db: Database, serve: Serve, agent: Desk, lead: Desk) -> None:
    first, second = await draft(db, agent), await draft(db, agent)
    async with db.session() as session:
        lost = Call(id=new_id(), node="n", linkedid="lost", direction="inbound", caller="+8613800009999")
        lost.arrived_at = lost.connected_at = lost.ended_at = clock.now()
        session.add(lost)
    page = await (await agent.get("/intake-days")).text()
    assert '<strong id="difference" class="clock-late">3</strong>' in page
    for ticket in (first, second):
        assert f'href="/orders/{ticket.id}"' in page
    assert "没有形成工单" in page
    mended = await agent.post(f"/intake-days/calls/{lost.id}/order")
    assert (mended.status, mended.headers["Location"]) == (303, f"/calls/{lost.id}")
    async with db.session() as session:
        made = await session.scalar(select(Ticket).where(Ticket.call_id == lost.id))
        assert made is not None
        for id in (first.id, second.id, made.id):
            row = await session.get_one(Ticket, id)
            await perform(session, agent_of(agent), row.id, row.version, Act.VOID, {"void_ground": "拨错号码"})
    page = await (await agent.get("/intake-days")).text()
    assert '<strong id="difference">0</strong>' in page
    assert "已全部办结，差额为零" in page
    assert "没有接听的来电" in await (await agent.get("/intake-days?day=2026-01-01")).text()
    day = f"{clock.today():%Y-%m-%d}"
    assert "导出为 Excel" not in page
    assert (await agent.post("/intake-days/export", {"day": day, "reason": "日报"})).status == 403
    assert (await lead.post("/intake-days/export", {"day": "2026-01-01", "reason": "日报"})).status == 422
    assert (await lead.post("/intake-days/export", {"day": day})).status == 422
    taken = await lead.post("/intake-days/export", {"day": day, "reason": "当日核对"})
    rows = list(load_workbook(io.BytesIO(await taken.read())).active.values)  # type: ignore[union-attr]
    assert "受理核对" in str(rows[0][0])
    assert {(row[2], row[3], row[4]) for row in rows[2:5]} == {
        ("无效呼叫", number, None) for number in (first.number, second.number, made.number)
    }
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=await unit(db))
    assert (await clerk.get("/intake-days")).status == 403
    assert (await clerk.get("/refusals")).status == 403


@pytest.mark.proves("A09-2", "A12.1-2")
async def test_one_call_becomes_several_orders_without_leaving_its_page(db: Database, agent: Desk) -> None:
    ticket = await draft(db, agent, category="complaint")
    path = f"/calls/{ticket.call_id}"
    assert "目前没有可选的转接去向" in await (await agent.get(path)).text()
    async with db.session() as session:
        await referrals.seed(session, installed().county.referrals)
    page = await (await agent.get(path)).text()
    assert 'id="act-split"' in page and 'id="act-transfer"' in page and 'id="act-void"' in page
    further = {"parts_0_category": "consultation", "parts_0_matter": "LD03", "parts_0_title": "社保补缴"}
    further |= {"parts_0_content": "咨询社保断缴后如何补缴", "version": ticket.version, "back": path}
    split = await agent.post(f"/orders/{ticket.id}/acts/split", further)
    assert (split.status, split.headers["Location"]) == (303, path)
    async with db.session() as session:
        [part] = await session.scalars(select(Ticket).where(Ticket.split_from == ticket.id))
    page = await (await agent.get(path)).text()
    assert part.number in page and "本次来电拆分的工单" in page
    for order, text in ((ticket.id, "夜间施工须经批准，已告知。"), (part.id, "断缴后可在一年内补缴。")):
        async with db.session() as session:
            version = (await session.get_one(Ticket, order)).version
        answered = await agent.post(f"/orders/{order}/acts/answer", {"version": version, "text": text, "back": path})
        assert answered.headers["Location"] == path
    page = await (await agent.get("/intake-days")).text()
    assert "即时办结" in page and '<strong id="difference">0</strong>' in page
    elsewhere = await agent.post(f"/orders/{ticket.id}/acts/void", {"version": 1, "back": "https://example.com/"})
    assert elsewhere.status == 422


@pytest.mark.proves("A12.1-2")
async def test_who_leaves_the_wrap_up_is_asked_what_the_call_came_to(db: Database, agent: Desk) -> None:
    assert agent.user_id
    async with db.session() as session:
        await numbers.set_queue(session, SYSTEM, "hotline", "综合坐席")
        await agents.enrol(session, SYSTEM, agent.user_id, "1001", "王丽", {"hotline": 0})
        await agents.log_in(session, SYSTEM, agent.user_id)
    ticket = await draft(db, agent)

    async def wrapped_up() -> int:
        async with db.session() as session:
            (await session.get_one(Call, ticket.call_id)).ended_at = clock.now()
            await agents.completed(session, {"1001": clock.now()})
            return (await session.get_one(Seat, agent.user_id)).version

    version = await wrapped_up()
    bar = await (await agent.get("/frame")).text()
    assert "1 通来电未登记结果" in bar and f"/calls/{ticket.call_id}" in bar and "稍后登记，结束整理" in bar
    for act, more in (("wrap-up", {}), ("log-out", {}), ("resume", {}), ("pause", {"reason": "break"})):
        asked = await agent.post(f"/agent/{act}", {"version": version, **more})
        assert asked.status == 409
        assert "还有 1 通来电没有登记结果" in await asked.text()
    async with db.session() as session:
        assert (await session.get_one(Seat, agent.user_id)).pause_reason == "wrap-up"
    assert (await agent.post("/agent/wrap-up", {"version": version, "later": "true"})).status == 303
    assert "1 通来电未登记结果" in await (await agent.get("/frame")).text()
    ended = {"version": ticket.version, "void_ground": "未说明诉求即挂断"}
    assert (await agent.post(f"/orders/{ticket.id}/acts/void", ended)).status == 303
    version = await wrapped_up()
    bar = await (await agent.get("/frame")).text()
    assert "未登记结果" not in bar and "稍后登记" not in bar
    assert (await agent.post("/agent/wrap-up", {"version": version})).status == 303
