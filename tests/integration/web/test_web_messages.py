"""The outbox of SMS and its templates through the real web role (F13-3)."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from web_desk import Desk, signed_in

from core.clock import local, now, today
from core.db import Database, new_id
from core.ledger.models import LedgerEntry
from core.permissions import Role
from core.policy import parse
from crm import installed
from crm.notices_policy import NoticesPolicy
from crm.rulebook.preview import of_policy
from crm.sms.inbox import DatabaseInbox
from crm.sms.journal import become, locked
from crm.sms.models import Sms
from crm.sms.port import Report
from crm.sms.rules import SmsState
from crm.sms.service import EXAMPLE, queue_receipt
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft

POLICY = (Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml").read_text(encoding="utf-8")
TEXT = "【弋阳12345】您的诉求已受理，工单号YY20261123-00001，查询码123456。"


async def queued(db: Database, phone: str | None = "+8613800001234", **more: bool) -> tuple[UUID, Ticket]:
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", new_id(), phone))
        sms = await queue_receipt(session, ticket_id=ticket.id, to=phone, anonymous=False, text=TEXT, **more)
    return sms.id, ticket


async def stands(db: Database, sms_id: UUID, state: SmsState, why: str, gateway_id: str = "") -> None:
    async with db.session() as session:
        sms = await locked(session, sms_id)
        assert sms is not None
        sms.gateway, sms.gateway_id = "smpp", gateway_id or None
        await become(session, sms, state, why)


async def text(desk: Desk, path: str) -> str:
    response = await desk.get(path)
    assert response.status == 200, await response.text()
    return await response.text()


@pytest.mark.proves("F13-3", "T19", "D31")
async def test_the_outbox_tells_each_messages_story_and_hides_what_only_the_citizen_may_know(
    db: Database, lead: Desk
) -> None:
    first, ticket = await queued(db)
    await stands(db, first, SmsState.SUBMITTED, "网关已接收", "77")
    await DatabaseInbox(db).report(Report("smpp", "77", "+8613800001234", "DELIVRD"))
    _, other = await queued(db, "+867935551234")
    unknown, _ = await queued(db, "+8613800005678")
    await stands(db, unknown, SmsState.UNKNOWN, "提交后未收到网关应答")
    page = await text(lead, "/sms")
    for said in ("已随派发生成", "网关已接收", "网关回执：DELIVRD", "138****1234", "受理短信", "来电号码不能接收短信"):
        assert said in page
    for secret in ("13800001234", "123456"):
        assert secret not in page
    assert "生成 2 条，60秒内交网关 1 条" in page
    assert "已送达 1" in page and "结果不明 1" in page and "不适用 1" in page
    one = await text(lead, f"/sms?number={ticket.number}")
    assert ticket.number in one and other.number not in one
    assert ticket.number in await text(lead, "/sms?state=delivered&waiting=&number=")
    assert "没有符合条件的短信" in await text(lead, "/sms?waiting=true")
    async with db.session() as session:
        late = await session.get_one(Sms, unknown)
        late.person_asked_at = now()
        late.created_at = now() - timedelta(minutes=2)
    assert "登记结果" in await text(lead, "/sms?waiting=true")
    still_today = local(now() - timedelta(minutes=2)).date() == today()
    assert ("超过60秒 1 条" in await text(lead, "/sms")) == still_today
    done = await lead.post(f"/sms/{unknown}/resolve", {"outcome": "delivered", "reason": "电话核实已收到"})
    assert done.status == 303
    assert "电话核实已收到" in await text(lead, "/sms")


async def test_an_example_is_never_sent_whoever_would_be_reached(db: Database, lead: Desk) -> None:
    sms_id, _ = await queued(db, example=True)
    async with db.session() as session:
        sms = await session.get_one(Sms, sms_id)
        assert (sms.state, sms.reason) == (SmsState.NOT_APPLICABLE, EXAMPLE)
    assert EXAMPLE in await text(lead, "/sms")


async def test_a_unit_does_not_see_the_outbox(db: Database, serve: Callable[[], Desk]) -> None:
    agent = await signed_in(db, serve(), "wang.li", Role.AGENT)
    assert (await agent.get("/sms")).status == 403


@pytest.mark.proves("F13-3")
async def test_templates_have_versions_and_a_preview_before_anybody_decides(
    db: Database, serve: Callable[[], Desk]
) -> None:
    here = installed.installed()
    changed = POLICY.replace("您的工单{number}已办结，我们将对您回访，请留意来电。", "工单{number}已办结，稍后回访。")
    coming = parse(changed)
    assert coming[NoticesPolicy].citizen_closed != here.policy[NoticesPolicy].citizen_closed
    [(was, will)] = of_policy(here.policy, coming, here.calendar).texts
    assert was is not None and was.text.startswith("【弋阳12345】您的工单YY")
    assert will.text == "【弋阳12345】工单YY20261231-00001已办结，稍后回访。"
    assert will.length == len(will.text)
    before = here.policy.version
    installed.use(replace(here, rules=here.rules.with_policy(now() + timedelta(days=3), coming)))
    desk = await signed_in(db, serve(), "du.ban", Role.SUPERVISOR)
    page = await text(desk, "/policy/texts")
    assert "我们将对您回访" in page and "待生效" in page and "与现行不同" not in page
    page = await text(desk, f"/policy/texts?version={coming.version}")
    assert "稍后回访" in page and "与现行不同" in page
    assert "我们将对您回访" in await text(desk, f"/policy/texts?version={before}")
    assert (await desk.get("/policy/texts?version=nothing")).status == 404


async def test_the_log_is_taken_along_without_numbers_and_codes(db: Database, serve: Callable[[], Desk]) -> None:
    lead, agent = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD), await signed_in(db, serve(), "a", Role.AGENT)
    first, _ = await queued(db)
    _, other = await queued(db, "+8613900005678")
    await stands(db, first, SmsState.FAILED, "空号")
    assert 'action="/sms/export"' in await text(lead, "/sms")
    taken = await lead.post("/sms/export", {"state": "failed", "reason": "统计空号"})
    assert taken.status == 200, await taken.text()
    content = await taken.read()
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=3)]
    assert [row[3:6] for row in rows[:-1]] == [["138****1234", "发送失败", "空号"]]
    told = str(rows)
    assert "查询码******" in told and "123456" not in told and other.number not in told
    async with db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "sms.export"))).one()
    assert entry.subject_id in sheet["A1"].value and (entry.reason, entry.detail["count"]) == ("统计空号", 1)
    assert (await lead.post("/sms/export", {"state": "unknown", "reason": "统计"})).status == 422
    assert (await lead.post("/sms/export", {"reason": " "})).status == 422
    assert (await agent.post("/sms/export", {"reason": "统计空号"})).status == 403
