"""The roster's page: planned, refused with its gaps, published, read by agents."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from web_desk import Desk, make_user, signed_in

from callflow.agents import service as agents
from callflow.numbers import service as numbers
from callflow.roster.models import RosterShift
from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.permissions import Role

JSON = {"Accept": "application/problem+json"}


@pytest.mark.proves("A02-1", "F02-1")
async def test_a_roster_is_planned_refused_completed_and_published(
    db: Database, serve: Callable[[], Desk], lead: Desk
) -> None:
    other = await make_user(db, "zhangqiang", Role.AGENT)
    reader = await signed_in(db, serve(), "wangli", Role.AGENT)
    assert reader.user_id and lead.user_id
    async with db.session() as session:
        await numbers.set_queue(session, SYSTEM, "hotline", "综合坐席")
        await agents.enrol(session, SYSTEM, other, "1002", "张强", {"hotline": 0})
        await agents.enrol(session, SYSTEM, reader.user_id, "1001", "王丽", {"hotline": 0})
    today = clock.today()
    empty = await (await reader.get("/roster")).text()
    assert "还没有公布班表" in empty and "排入班次" not in empty

    day = {"user_id": str(other), "shift_day": str(today), "start": "00:00", "end": "12:00", "days": "15"}
    assert (await lead.post("/roster/shifts", day)).status == 303
    tomorrow = today + timedelta(days=1)
    night = day | {"user_id": str(reader.user_id), "start": "12:00", "end": "00:00"}
    assert (await lead.post("/roster/shifts", night | {"days": "1"})).status == 303
    assert (await lead.post("/roster/shifts", night | {"shift_day": str(tomorrow + timedelta(days=1))})).status == 303
    page = await (await lead.get("/roster")).text()
    told = f"{tomorrow.month}月{tomorrow.day}日 12:00 至 24:00"
    assert told in page and "有 1 段无人，不能公布" in page
    seen = page.split('name="seen" value="')[1].split('"')[0]
    refused = await lead.post("/roster/publish", {"seen": seen}, headers=JSON)
    assert refused.status == 422 and told in await refused.text()
    assert (await reader.post("/roster/publish", {"seen": seen})).status == 403
    assert (await lead.post("/roster/shifts", night | {"shift_day": str(tomorrow), "days": "1"})).status == 303
    page = await (await lead.get("/roster")).text()
    assert "每一分钟都有人" in page and "未公布的改动" in page
    seen = page.split('name="seen" value="')[1].split('"')[0]
    assert (await lead.post("/roster/publish", {"seen": seen, "note": "十二月班表"})).status == 303
    read = await (await reader.get("/roster")).text()
    assert "第 1 版" in read and "十二月班表" in read and "shift mine" in read and "删除" not in read

    async with db.session() as session:
        shift = (await session.scalars(select(RosterShift).limit(1))).one()
    assert (await lead.post(f"/roster/shifts/{shift.id}/remove", {"day": str(today)})).status == 303
    assert (await lead.post(f"/roster/shifts/{shift.id}/remove")).status == 404
    again = await lead.post("/roster/publish", {"seen": seen})
    assert again.status == 409 and "已被他人修改" in await again.text()
    assert (await lead.get("/roster?version=9")).status == 404
    copied = {"first": str(today), "onto": str(today + timedelta(days=15)), "days": "7"}
    assert (await lead.post("/roster/copy", copied)).status == 303


async def test_wrong_shifts_are_said_beside_their_fields(db: Database, lead: Desk) -> None:
    user_id = await make_user(db, "zhangqiang", Role.AGENT)
    form = {"user_id": str(user_id), "shift_day": "2026-12-01", "start": "22:30", "end": "06:30"}

    async def wrong(**changes: str) -> dict[str, str]:
        answer = await lead.post("/roster/shifts", form | changes, headers=JSON)
        assert answer.status == 422
        fields: dict[str, str] = (await answer.json(content_type=None))["fields"]
        return fields

    assert "有坐席" in (await wrong())["user_id"]
    async with db.session() as session:
        await numbers.set_queue(session, SYSTEM, "hotline", "综合坐席")
        await agents.enrol(session, SYSTEM, user_id, "1002", "张强", {"hotline": 0})
    assert (await lead.post("/roster/shifts", form)).status == 303
    page = await (await lead.get("/roster?day=2026-12-01")).text()
    assert "22:30–06:30" in page and "夜班" in page
    assert "已有班次" in (await wrong(shift_day="2026-12-02", start="05:00"))["start"]
    assert "16 小时" in (await wrong(start="06:00", end="23:00"))["end"]
    assert (await wrong(days="32"))["days"]
    assert (await wrong(start="25:00"))["start"]
