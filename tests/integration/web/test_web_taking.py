"""Every list of a desk can be taken along as a workbook: by whom, when and why stands on it and in the ledger."""

import html
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update
from web_desk import Desk, make_user, signed_in

from callflow.incidents.models import Incident
from callflow.models import Call
from core.actor import Actor
from core.clock import now
from core.db import Database, new_id
from core.identity.models import User
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.notices.models import Notice
from crm.queries import desks
from crm.tickets.input import Correction
from crm.tickets.service import Opening, correct, open_draft
from web.pages import users

CALLER = "+8613800001234"


async def sheet(desk: Desk, path: str, form: dict[str, str]) -> tuple[str, list[list[Any]]]:
    """The mark in its first row, and its rows without heads and closing mark."""
    answer = await desk.post(path, form)
    assert answer.status == 200, await answer.text()
    page = load_workbook(io.BytesIO(await answer.read())).active
    assert page is not None
    rows = [[cell.value or "" for cell in row] for row in page.iter_rows()]
    return rows[0][0], rows[2:-1]


async def entry(db: Database, action: str) -> LedgerEntry:
    async with db.session() as session:
        return (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == action))).one()


async def test_a_queue_of_the_desk(db: Database, serve: Callable[[], Desk]) -> None:
    lead = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    assert 'action="/desk/export"' not in await (await lead.get("/desk?queue=drafts")).text()
    assert (await lead.post("/desk/export", {"queue": "drafts", "reason": "交班"})).status == 422
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", new_id(), CALLER))
        words = {"title": "=小区停水，请回电13800001234", "category": "help"}
        await correct(
            session,
            Actor(lead.user_id, "李建国", frozenset({Role.SHIFT_LEAD})),
            ticket.id,
            1,
            Correction.model_validate(words),
        )
    assert 'action="/desk/export"' in await (await lead.get("/desk?queue=drafts")).text()
    mark, rows = await sheet(lead, "/desk/export", {"queue": "drafts", "reason": "交班核对"})
    [row] = rows
    assert row[1:6] == [ticket.number, "=小区停水，请回电138****1234", "求助", "受理中", ""]
    told = await entry(db, "desk.export")
    assert told.subject_id in mark and "工作台·受理中" in mark
    assert (told.reason, told.detail) == (
        "交班核对",
        {"count": 1, "filter": {"queue": "受理中"}, "address": "127.0.0.1"},
    )
    assert (await lead.post("/desk/export", {"queue": "to-sign", "reason": "交班核对"})).status == 404
    assert "填写导出原因" in await (await lead.post("/desk/export", {"queue": "drafts", "reason": " "})).text()


async def test_a_queue_is_narrowed_sorted_and_paged(db: Database, serve: Callable[[], Desk]) -> None:
    lead = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    actor, numbers = Actor(lead.user_id, "李建国", frozenset({Role.SHIFT_LEAD})), []
    for n in range(desks.PAGE + 2):
        async with db.session() as session:
            ticket = await open_draft(session, Opening("phone", new_id(), CALLER))
            words = {"title": "小区停水" if n % 2 else "路灯不亮", "category": "help" if n else "complaint"}
            await correct(session, actor, ticket.id, 1, Correction.model_validate(words))
        numbers.append(ticket.number)

    async def shown(path: str) -> list[str]:
        page = await (await lead.get(path)).text()
        return [one for one in re.findall(r'<a href="/orders/[^"]+">([^<]+)</a>', page) if one in numbers]

    assert await shown("/desk?queue=drafts&search=停水") == numbers[1::2]
    assert await shown("/desk?queue=drafts&search=停水&sort=newest") == numbers[1::2][::-1]
    assert await shown("/desk?queue=drafts&category=complaint") == numbers[:1]
    assert await shown(f"/desk?queue=drafts&search={numbers[3]}") == [numbers[3]]
    page = await (await lead.get("/desk?queue=drafts&search=噪音")).text()
    assert "没有符合条件的工单" in page and "清除条件" in page
    first = await (await lead.get("/desk?queue=drafts&sort=newest")).text()
    further = re.search(r'rel="next" href="([^"]+)"', first)
    assert further and await shown(html.unescape(further[1])) == numbers[1::-1]
    _, rows = await sheet(lead, "/desk/export", {"queue": "drafts", "category": "complaint", "reason": "交班核对"})
    assert [row[1] for row in rows] == numbers[:1]
    assert (await entry(db, "desk.export")).detail["filter"] == {"queue": "受理中", "category": "complaint"}
    assert (await lead.get("/desk?queue=drafts&category=gossip")).status == 422


async def test_calls(db: Database, serve: Callable[[], Desk]) -> None:
    lead, agent = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD), await signed_in(db, serve(), "a", Role.AGENT)
    async with db.session() as session:
        for outcome in ("answered", "abandoned"):
            call = {"node": "one", "direction": "in", "arrived_at": now(), "caller": CALLER, "outcome": outcome}
            session.add(Call(id=new_id(), linkedid=outcome, dialled="12345", **call))
    mark, rows = await sheet(
        lead, "/calls/export", {"outcome": "abandoned", "search": "13800001234", "reason": "统计放弃"}
    )
    assert [row[1:6] for row in rows] == [["138****1234", "12345", "", "未接通", ""]]
    told = await entry(db, "calls.export")
    assert told.subject_id in mark
    assert told.detail["filter"] == {"outcome": "未接通", "search": "138****1234"}
    page = await (await lead.get("/calls?search=1234&sort=oldest")).text()
    assert page.index("已接通</span>") < page.index("未接通</span>") and page.count('href="/calls/') == 2
    assert "没有符合条件的通话" in await (await lead.get("/calls?search=张三")).text()
    assert "没有符合条件的通话" in await (await lead.get("/calls?last=2026-01-01")).text()
    checker = await signed_in(db, serve(), "checker", Role.CHECKER)
    assert (await checker.get("/calls?search=1234")).status == 200
    assert (await checker.get("/calls?search=13800001234")).status == 403, "a whole number would be found out so"
    assert 'action="/calls/export"' not in await (await agent.get("/calls")).text()
    assert (await agent.post("/calls/export", {"reason": "统计放弃"})).status == 403


async def test_the_inbox(db: Database, serve: Callable[[], Desk]) -> None:
    desk, other = [await signed_in(db, serve(), name, Role.DISPATCHER) for name in ("a", "b")]
    async with db.session() as session:
        ticket = await open_draft(session, Opening("phone", new_id(), CALLER))
        for who, text in ((desk, "工单甲将到期"), (desk, "工单乙已逾期"), (other, "工单丙将到期")):
            assert who.user_id
            told = {"event": text, "ticket_id": ticket.id, "template": "due", "text": text, "created_at": now()}
            session.add(Notice(user_id=who.user_id, **told))
    assert 'action="/notices/export"' in await (await desk.get("/notices")).text()
    mark, rows = await sheet(desk, "/notices/export", {"search": "到期", "unread": "true", "reason": "交接"})
    assert [row[1:3] for row in rows] == [["工单甲将到期", "未读"]], "one's own alone"
    told_of = await entry(db, "notices.export")
    assert told_of.subject_id in mark and told_of.detail["filter"] == {"unread": True, "search": "到期"}
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    assert (await agent.post("/notices/export", {"reason": "交接"})).status == 403


async def test_limits_of_other_laws(db: Database, serve: Callable[[], Desk]) -> None:
    desk = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    law = {"matter": "CX01", "n": "30", "unit": "day", "effective_from": "2026-01-01"}
    for citation in ("某条例第十条", "某办法第三条"):
        assert (await desk.post("/limits", law | {"citation": citation})).status == 303
    assert 'action="/limits/export"' in await (await desk.get("/limits")).text()
    mark, rows = await sheet(desk, "/limits/export", {"search": "条例", "state": "waiting", "reason": "报送政数局"})
    assert [row[1:6] for row in rows] == [["30日", "某条例第十条", "2026年1月1日", "", "待核准"]]
    told = await entry(db, "limits.export")
    assert told.subject_id in mark and told.detail["filter"] == {"search": "条例", "state": "待核准"}


async def test_incidents(db: Database, serve: Callable[[], Desk]) -> None:
    lead = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    async with db.session() as session:
        session.add(Incident(kind="no-agent", opened_at=now(), last_minute_at=now(), minutes=3, waiting=2))
    _, rows = await sheet(lead, "/incidents/export", {"reason": "月度通报"})
    assert [row[1:7] for row in rows] == [["持续中", "无人值守", "3", "", "2", "未全程当班"]]
    assert (await entry(db, "incidents.export")).reason == "月度通报"


async def test_the_ledger(db: Database, serve: Callable[[], Desk]) -> None:
    auditor = await signed_in(db, serve(), "shen.ji", Role.AUDIT_ADMIN)
    _, rows = await sheet(auditor, "/ledger/export", {"what": "session", "reason": "季度审计"})
    assert rows and all(row[2] in ("登录", "通过动态口令", "登录失败") for row in rows)
    assert (await entry(db, "ledger.export")).detail["filter"] == {"what": "登录"}
    page = await (await auditor.get("/ledger?what=export")).text()
    assert "导出审计日志" in page and "类别：登录" in page


@pytest.mark.parametrize("group", ["policy", "dispatch-quality", "roster"])
async def test_every_group_of_the_ledger_can_be_asked_for(db: Database, serve: Callable[[], Desk], group: str) -> None:
    auditor = await signed_in(db, serve(), "shen.ji", Role.AUDIT_ADMIN)
    assert (await auditor.get(f"/ledger?what={group}")).status == 200


async def test_users_are_narrowed_and_those_of_before_the_rules_are_shown(
    db: Database, serve: Callable[[], Desk]
) -> None:
    security = await signed_in(db, serve(), "zhou.an", Role.SECURITY_ADMIN)
    await make_user(db, "wang.li", Role.AGENT)
    old = await make_user(db, "old.admin", Role.SYSTEM_ADMIN)
    async with db.session() as session:
        await session.execute(update(User).where(User.id == old).values(roles=["system-admin", "audit-admin"]))

    async def logins(query: str) -> list[str]:
        page = await (await security.get(f"/users?{query}")).text()
        return re.findall(r'<a href="/users/[^"]{36}">([^<]+)</a>', page)

    assert await logins("") == ["old.admin", "wang.li", "zhou.an"]
    assert await logins("role=agent") == ["wang.li"]
    assert await logins("search=王") == ["wang.li"]
    assert await logins("search=Wang 王") == ["wang.li"], "all words, large or small letters"
    assert await logins("search=admin&state=on") == ["old.admin"]
    assert await logins("state=off") == []
    assert await logins("state=misfit") == ["old.admin"]
    assert "三员分立" in await (await security.get("/users?state=misfit")).text()
    assert "没有符合条件的用户" in await (await security.get("/users?state=off")).text()
    _, rows = await sheet(security, "/users/export", {"state": "misfit", "reason": "岗位清理"})
    assert [[row[0], row[2], row[6]] for row in rows] == [["old.admin", "系统管理员、审计管理员", "岗位须调整"]]
    assert (await entry(db, "user.export")).detail["filter"] == {"state": "岗位须调整"}


async def test_many_users_are_paged(db: Database, serve: Callable[[], Desk]) -> None:
    security = await signed_in(db, serve(), "zhou.an", Role.SECURITY_ADMIN)
    async with db.session() as session:
        pattern = await session.get_one(User, security.user_id)
        for n in range(users.PAGE):
            session.add(User(login=f"a{n:03}", name="测试员", roles=["agent"], password_hash=pattern.password_hash))
    first = await (await security.get("/users?search=a")).text()
    further = re.search(r'rel="next" href="([^"]+)"', first)
    assert further and "zhou.an" not in first.split("</table>")[0]
    last = await (await security.get(html.unescape(further[1]))).text()
    assert "zhou.an" in last and "a098" not in last and "回到第一页" in last
