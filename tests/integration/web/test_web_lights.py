"""The operations dashboard: each light with its owner and its runbook, nobody's data, and new without a reload."""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from test_web_rules import proposed, sent, soon
from test_web_sessions import PROMPTLY_S, listening
from web_desk import Desk, signed_in

from core import board
from core.clock import now
from core.db import Database, new_id
from core.health import Health
from core.permissions import GRANTS, Permission, Role
from core.rules.keeper import RulesKeeper
from crm import installed
from crm.operations.service import report_backup
from crm.operations_policy import TOPICS, OperationsPolicy
from crm.sms.models import Sms
from web.pages.system import light
from web.runbook import runbooks

ROW = re.compile(r"<tr><td>([^<]*)</td><td><span class=\"tag (good|bad)\">.*?</tr>")
LINK = re.compile(r'<a href="(/system/runbooks/[\w-]+)">')


async def rows(desk: Desk) -> dict[str, tuple[str, str]]:
    """Light -> its tone and its row."""
    text = await (await desk.get("/system")).text()
    return {one[1]: (one[2], one[0]) for one in ROW.finditer(text)}


@pytest.mark.proves("A06-3")
async def test_each_light_red_or_green_names_its_owner_and_leads_to_its_runbook(db: Database, lead: Desk) -> None:
    async with db.session() as session:
        parts = [Health(one, False, "上一轮运行出错") for book in runbooks().values() for one in book.lights]
        await board.write(session, "worker@node1", parts)
        await board.write(session, "web@node1", [Health("网页服务", True, "2 个浏览器在线")])
    found = await rows(lead)
    assert len(found) == len(parts) + 1 + 3
    assert {tone for tone, _ in found.values()} == {"good", "bad"}
    for name, (_, row) in found.items():
        assert "热线中心" in row, name
        assert "电话未登记" in row, name
        link = LINK.search(row)
        assert link, name
        answer = await lead.get(link[1])
        page = await answer.text()
        assert answer.status == 200
        assert name.rpartition("：")[2] in page and "处理步骤" in page and "热线中心" in page


@pytest.mark.proves("A06-3")
async def test_runbooks_are_served_here_and_to_those_who_see_the_lights(
    db: Database, lead: Desk, serve: Callable[[], Desk]
) -> None:
    agent = await signed_in(db, serve(), "chenjing", Role.AGENT)
    assert Permission.SYSTEM_VIEW not in GRANTS[Role.AGENT]
    for topic in TOPICS:
        page = await (await lead.get(f"/system/runbooks/{topic}")).text()
        assert "http" not in page.split('id="page"')[1]
        assert (await agent.get(f"/system/runbooks/{topic}")).status == 403
    for unknown in ("none", "../policy", "line.toml", "x" * 41):
        assert (await lead.get(f"/system/runbooks/{unknown}")).status in (404, 422)


@pytest.mark.proves("F06-3")
async def test_backups_what_waits_and_messages_are_on_the_page_without_anybodys_data(db: Database, lead: Desk) -> None:
    found = await rows(lead)
    assert {name: tone for name, (tone, _) in found.items()} == {"备份": "bad", "市级回写": "good", "短信送达": "good"}
    made = now() - timedelta(hours=2)
    states = ["delivered"] * 8 + ["failed"] * 11 + ["submitted"]
    async with db.session() as session:
        await report_backup(session, now(), "<b>38 GB</b>")
        for state in states:
            text = "您的诉求已受理，工单号YY20261129-00001，查询码123456。"
            fields = {"key": f"test:{new_id()}", "to": "+8613800001234", "text": text, "gateway": "smpp"}
            session.add(Sms(**fields, state=state, reason="13800001234 停机", created_at=made, submitting_at=made))
    page = await (await lead.get("/system")).text()
    found = await rows(lead)
    assert (found["备份"][0], found["短信送达"][0]) == ("good", "bad")
    assert "&lt;b&gt;38 GB" in found["备份"][1]
    assert "近24小时送达率 40%（8 / 20），低于规定的 90%" in found["短信送达"][1]
    figures = re.search(r"<td>近24小时</td>(.*?)</tr>", page)
    assert figures
    assert re.findall(r">([\d%]+)<", figures[1]) == ["20", "8", "11", "1", "0", "40%"]
    for secret in ("00001", "123456", "13800001234", "138****", "1234</", "停机"):
        assert secret not in page, secret


@pytest.mark.proves("A06-3")
async def test_an_owner_is_changed_by_two_persons(
    db: Database, lead: Desk, serve: Callable[[], Desk], keeper: RulesKeeper
) -> None:
    clerk = await signed_in(db, serve(), "xu.zhen", Role.SUPERVISOR)
    chief = await signed_in(db, serve(), "he.ju", Role.BUREAU_LEADER)
    form = await (await clerk.get("/policy/sections/operations")).text()
    changed = '{ post = "信息科王工", phone = "0793-5801234" }'
    preview = await (await clerk.post("/policy/sections/operations", sent(form, value_backup=changed))).text()
    assert "热线中心系统管理员，电话未登记" in preview and "信息科王工，0793-5801234" in preview
    made = await proposed(clerk, preview, since=soon())
    assert made.status == 303, await made.text()
    assert (await clerk.post(f"{made.headers['Location']}/confirm")).status == 403
    assert (await chief.post(f"{made.headers['Location']}/confirm")).status == 303
    await keeper.look()
    assert "热线中心系统管理员" in (await rows(lead))["备份"][1]
    later = installed.installed().rules.policy_at(now() + timedelta(days=3))
    assert later is not None
    row = light(Health("备份", True, "最近一次备份：2 小时 0 分钟前"), later[OperationsPolicy])
    assert (row.owner.post, row.owner.phone) == ("信息科王工", "0793-5801234")


async def test_whoever_looks_is_told_when_a_process_has_spoken(db: Database, lead: Desk) -> None:
    answer = await listening(lead)
    async with db.session() as session:
        await board.write(session, "line@node1", [Health("电话线路", False, "与 Asterisk 的管理连接中断。")])
    async with asyncio.timeout(PROMPTLY_S):
        await answer.content.readuntil(b"data: health ")
    answer.close()
    assert 'data-live-soon="health"' in await (await lead.get("/system")).text()
