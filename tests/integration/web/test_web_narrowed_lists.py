"""Lists that are narrowed and taken along: incidents, special limits, settled matters, programs, failed jobs."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from web_desk import Desk, signed_in
from web_lists import MORE, Serve, shown, taken, told, walked
from web_rows import incidents, limits, matters, programs

from callflow.incidents.models import Incident
from core import clock
from core.db import Database
from core.permissions import Role
from crm.installed import installed
from crm.tickets.models import StatutoryLimit
from web.paging import PAGE


async def test_incidents_are_narrowed(db: Database, serve: Serve) -> None:
    lead = await incidents(db, serve)
    async with db.session() as session:
        at = clock.now() - timedelta(days=4)
        session.add(Incident(kind="spool-full", opened_at=at, last_minute_at=at, minutes=4))
    for query, rows in (
        ("kind=spool-full", 1),
        ("state=open", 1),
        ("state=unexplained", 1),
        ("state=explained", PAGE),
        ("search=第7号", 1),
        ("search=第7号 没有", 0),
        (f"last={(clock.today() - timedelta(days=4)).isoformat()}", 1),
    ):
        page = await (await lead.get(f"/incidents?{query}")).text()
        assert page.count('<td class="nowrap">') // 2 == rows, query
    assert "没有符合条件的值守事件" in await (await lead.get("/incidents?search=没有")).text()


@pytest.mark.proves("D15")
async def test_limits_are_narrowed_by_how_they_stand_and_by_their_words(db: Database, serve: Serve) -> None:
    desk = await limits(db, serve)
    today, day = clock.today(), timedelta(days=1)
    async with db.session() as session:
        rows = list(await session.scalars(select(StatutoryLimit).order_by(StatutoryLimit.proposed_at)))
        rejected, coming, present, over, last_day = rows[:5]
        rejected.rejected_at, rejected.rejected_reason = clock.now(), "条款引用有误"
        for one in rows[1:5]:
            one.approved_at = clock.now()
        coming.effective_from, present.effective_from = today + day, today
        over.effective_to, last_day.effective_to = today - day, today
    for query, wanted in (
        ("state=rejected", [0]),
        ("state=coming", [1]),
        ("state=present&sort=oldest", [2, 4]),
        ("state=over", [3]),
        ("state=waiting&search=第9号", [9]),
        ("search=办法 第7号", [7]),
        (f"search={installed().county.matters['CX01'].name} 第7号", [7]),
        ("search=办法 没有", []),
    ):
        page = await (await desk.get(f"/limits?{query}")).text()
        assert told(page.partition("<tbody>")[2]) == wanted, query
    assert "没有符合条件的特别时限" in await (await desk.get("/limits?search=没有")).text()


async def test_settled_matters_are_narrowed_and_taken_along(db: Database, serve: Serve) -> None:
    desk = await matters(db, serve)
    assert shown(await (await desk.get("/handovers/matters?search=停水 第7号")).text()) == [7]
    assert "没有符合条件的事项" in await (await desk.get("/handovers/matters?search=没有")).text()
    assert "没有符合条件的事项" in await (await desk.get("/handovers/matters?last=2026-01-01")).text()
    assert 'href="/handovers/matters"' in await (await desk.get("/handovers")).text()
    [row] = await taken(desk, "/handovers/matters/export", {"search": "第7号"})
    assert row[1:6] == ["李建国", "停水", "", "李建国", "第7号"] and row[7] == "王丽"
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    assert (await agent.get("/handovers/matters")).status == 403
    assert (await agent.post("/handovers/matters/export", {"reason": "季度检查"})).status == 403


async def test_programs_are_narrowed_and_taken_along_without_their_tokens(db: Database, serve: Serve) -> None:
    desk = await programs(db, serve)
    held = [n for n in range(MORE) if n % 10 == 0]
    for query, wanted in (
        ("sort=due", held[::-1]),
        ("sort=last", held),
        ("state=ready&sort=oldest", held),
        ("state=off", [9]),
        ("search=第1号", [1]),
        ("channel=web&search=第7号", [7]),
        ("channel=counter&search=第7号", []),
        ("state=bare&channel=counter&search=第8号", [8]),
    ):
        assert shown(await (await desk.get(f"/programs?{query}")).text())[: len(held)] == wanted, query
    for order in ("due", "last"):
        assert sorted(await walked(desk, f"/programs?sort={order}")) == list(range(MORE))
    assert "没有符合条件的程序" in await (await desk.get("/programs?search=没有")).text()
    [row] = await taken(desk, "/programs/export", {"search": "第10号"})
    assert row[:4] == ["第10号", "窗口", "热线中心", "1"] and row[-1] == "可调用"
    assert not {"p10", "秘10"} & set(row), "no part of a token leaves"
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    assert (await agent.post("/programs/export", {"reason": "季度检查"})).status == 403


async def jobs(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "jobs", Role.SYSTEM_ADMIN)
    made = text(
        "INSERT INTO procrastinate_jobs (id, queue_name, task_name, status, attempts, args) OVERRIDING SYSTEM VALUE"
        " VALUES (:id, 'sms', :name, 'failed', :n, jsonb_build_object('to', '+8613800001234'))"
    )
    async with db.session() as session:
        for n in range(MORE):
            name = "sms.submit" if n % 2 else "crm.open-draft"
            await session.execute(made, {"id": 1000 + n, "name": name, "n": n})
    return desk


async def test_failed_jobs_are_narrowed_and_taken_along(db: Database, serve: Serve) -> None:
    desk = await jobs(db, serve)

    async def numbers(address: str) -> list[int]:
        found: list[int] = []
        while address:
            page = await (await desk.get(address)).text()
            found += map(int, re.findall(r'id="job-1(\d{3})"', page))
            further = re.search(r'rel="next" href="([^"]+)"', page)
            address = further[1].replace("&amp;", "&") if further else ""
        return found

    assert await numbers("/jobs") == list(reversed(range(MORE)))
    assert await numbers("/jobs?sort=oldest") == list(range(MORE))
    assert await numbers("/jobs?sort=oldest&task=sms.submit") == list(range(1, MORE, 2))
    assert await numbers("/jobs?sort=oldest&search=短信网关 提交") == list(range(1, MORE, 2))
    assert await numbers("/jobs?search=1007") == [7]
    assert await numbers("/jobs?search=1007 草稿") == []
    assert (await desk.get("/jobs?after=x")).status == 422
    page = await (await desk.get("/jobs?search=没有")).text()
    assert "没有符合条件的任务" in page and "/jobs/export" not in page
    [row] = await taken(desk, "/jobs/export", {"search": "1007"})
    assert row == ["1007", "—", "向短信网关提交短信", "7"], "and not to whom"
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    assert (await agent.post("/jobs/export", {"reason": "季度检查"})).status == 403
