"""我的今日 for the agent alone, 全班今日 for the lead, with every figure's calls and as a workbook."""

import io
from collections.abc import Callable
from datetime import timedelta

from openpyxl import load_workbook
from sqlalchemy import select
from web_desk import Desk, make_user

from callflow.agents import service as agents
from callflow.models import Call
from callflow.numbers import service as numbers
from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.ledger.models import LedgerEntry
from core.permissions import Role


async def test_an_agent_sees_the_own_day_and_the_lead_everybodys(
    db: Database, serve: Callable[[], Desk], agent: Desk, lead: Desk
) -> None:
    assert agent.user_id
    other = await make_user(db, "zhangqiang", Role.AGENT)
    assert "您还没有坐席" in await (await agent.get("/my-day")).text()
    async with db.session() as session:
        await numbers.set_queue(session, SYSTEM, "hotline", "综合坐席")
        await agents.enrol(session, SYSTEM, agent.user_id, "1001", "王丽", {"hotline": 0})
        await agents.enrol(session, SYSTEM, other, "1002", "张强", {"hotline": 0})
    now = clock.now()
    with clock.frozen(now - timedelta(seconds=30)):
        async with db.session() as session:
            await agents.log_in(session, SYSTEM, agent.user_id)
            call = Call(node="n", linkedid="1.1", direction="inbound", caller="+8613812345678", dialled="12345")
            call.arrived_at, call.connected_at, call.ended_at = clock.now(), clock.now(), now
            call.agent_id, call.outcome, call.evidence = agent.user_id, "answered", {}
            call.rating = 4
            session.add(call)
    page = await (await agent.get("/my-day")).text()
    assert "话后整理最长 60 秒" in page and "138****5678" in page and f"/calls/{call.id}" in page
    assert "4.0 <small>分，1 次评分</small>" in page
    assert "来电人对话务员服务的评价，不计入工单满意率" in await (await agent.get(f"/calls/{call.id}")).text()
    assert "示闲" in page and "<dd>1 <small>次</small></dd>" in page
    assert (await agent.get(f"/my-day?user={other}")).status == 403
    assert (await agent.get("/team-day")).status == 403

    team = await (await lead.get("/team-day")).text()
    assert "王丽" in team and "张强" not in team, "who neither came nor should have is left out"
    assert f"/my-day?user={agent.user_id}" in team
    theirs = await (await lead.get(f"/my-day?user={agent.user_id}")).text()
    assert f"/calls/{call.id}" in theirs
    assert (await lead.get(f"/my-day?user={lead.user_id}")).status == 404
    assert "请填写导出原因" in await (await lead.post("/team-day/export", {})).text()
    answer = await lead.post("/team-day/export", {"reason": "月度通报"})
    sheet = load_workbook(io.BytesIO(await answer.read())).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]  # type: ignore[union-attr]
    assert rows[0][:4] == ["姓名", "分机", "签入", "示闲"]
    assert (rows[1][0], rows[1][-5:-1]) == ("王丽", ["1", "0:30", "1", "4.0"])
    async with db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "team-day.export"))).one()
    assert entry.reason == "月度通报" and entry.detail["filter"] == {"day": clock.today().isoformat()}
