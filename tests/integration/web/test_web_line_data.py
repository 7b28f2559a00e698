"""Numbers, queues, seats and duty mobiles, edited in the browser and followed by the line's snapshot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from web_desk import Desk, make_user, signed_in

from callflow import snapshot
from callflow.agents import service as agents
from callflow.agents.models import Agent
from callflow.agents.rules import steps
from callflow.numbers.models import DutyMobile, Number
from core.actor import SYSTEM
from core.db import Database
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.county.load import load
from crm.demo import seed_people

JSON = {"Accept": "application/problem+json"}


@pytest.fixture
async def system(db: Database, serve: Callable[[], Desk]) -> Desk:
    """A system administrator, with one queue and the main number set up."""
    desk = await signed_in(db, serve(), "sys", Role.SYSTEM_ADMIN)
    assert (await desk.post("/queues", {"name": "hotline", "title": "综合坐席"})).status == 303
    number = {"number": "12345", "title": "政务服务便民热线", "queue": "hotline", "active": "true"}
    assert (await desk.post("/numbers", number)).status == 303
    return desk


async def wrong(desk: Desk, path: str, form: dict[str, Any]) -> dict[str, str]:
    answer = await desk.post(path, form, headers=JSON)
    assert answer.status == 422, await answer.text()
    fields: dict[str, str] = (await answer.json(content_type=None))["fields"]
    return fields


async def line(db: Database) -> snapshot.Snapshot:
    async with db.session() as session:
        return await snapshot.load(session)


async def test_a_merged_number_reaches_the_snapshot_with_its_history(db: Database, system: Desk) -> None:
    form = {"number": "12315", "title": "消费维权", "original_hotline": "12315 消费者投诉", "queue": "hotline"}
    assert (await system.post("/numbers", form | {"active": "true"})).status == 303
    entry = (await line(db)).numbers["12315"]
    assert (entry.original_hotline, entry.queue) == ("12315 消费者投诉", "hotline")
    assert (await system.post("/queues", {"name": "second", "title": "二线"})).status == 303
    edited = form | {"queue": "second", "version": "1", "active": "true"}
    del edited["number"]
    assert (await system.post("/numbers/12315", edited)).status == 303
    assert (await line(db)).numbers["12315"].queue == "second"
    stale = await system.post("/numbers/12315", edited)
    assert stale.status == 409 and "已被他人修改" in await stale.text()
    del edited["active"]
    assert (await system.post("/numbers/12315", edited | {"version": "2"})).status == 303
    assert "12315" not in (await line(db)).numbers
    async with db.session() as session:
        wanted = select(LedgerEntry).where(LedgerEntry.subject_id == "12315").order_by(LedgerEntry.id)
        rows = (await session.scalars(wanted)).all()
    assert [one.action for one in rows] == ["line.number.create", "line.number.edit", "line.number.edit"]
    assert rows[1].detail["changes"] == {"queue": ["hotline", "second"]}
    assert "12315" in await (await system.get("/numbers?number=12315")).text()


async def test_wrong_numbers_and_queues_are_said_beside_their_fields(system: Desk) -> None:
    number = {"title": "某热线", "queue": "hotline", "active": "true"}
    assert "紧急热线不并入" in (await wrong(system, "/numbers", number | {"number": "119"}))["number"]
    assert "已登记" in (await wrong(system, "/numbers", number | {"number": "12345"}))["number"]
    assert "已有的队列" in (await wrong(system, "/numbers", number | {"number": "12320", "queue": "none"}))["queue"]
    assert "格式不正确" in (await wrong(system, "/numbers", number | {"number": "12a"}))["number"]
    off = {"title": "政务服务便民热线", "queue": "hotline", "version": "1"}
    assert "不能停用" in (await wrong(system, "/numbers/12345", off))["active"]
    assert (
        "转往本队列"
        in (await wrong(system, "/queues/hotline", {"title": "综合", "overflow": "hotline", "version": "1"}))[
            "overflow"
        ]
    )
    assert (
        "不能大于"
        in (await wrong(system, "/queues", {"name": "q", "title": "队列", "max_waiting": "10001"}))["max_waiting"]
    )
    assert (await wrong(system, "/queues", {"name": "general", "title": "通用"}))["queue"]


async def test_duty_mobiles_are_edited_and_called_in_order(db: Database, system: Desk) -> None:
    every = [str(day) for day in range(1, 8)]
    form = {"name": "夜班值班长", "phone": "138 1234 5678", "position": "2", "from_time": "00:00", "to_time": "00:00"}
    assert (await system.post("/duty/mobiles", form | {"weekdays": every, "active": "true"})).status == 303
    second = form | {"name": "副班长", "phone": "13912345678", "position": "1", "weekdays": every, "active": "true"}
    assert (await system.post("/duty/mobiles", second)).status == 303
    assert [one.name for one in (await line(db)).duty] == ["副班长", "夜班值班长"]
    async with db.session() as session:
        row = (await session.scalars(select(DutyMobile).where(DutyMobile.name == "副班长"))).one()
    page = await (await system.get(f"/duty?mobile={row.id}")).text()
    assert "当班" in page and "修改值班手机" in page
    off = {key: value for key, value in second.items() if key != "active"} | {"version": "1"}
    assert (await system.post(f"/duty/mobiles/{row.id}", off)).status == 303
    assert [one.name for one in (await line(db)).duty] == ["夜班值班长"]
    assert (await system.post(f"/duty/mobiles/{row.id}", off)).status == 409
    assert (
        "时间格式"
        in (await wrong(system, "/duty/mobiles", form | {"weekdays": every, "from_time": "25:00"}))["from_time"]
    )
    assert "至少选择一天" in (await wrong(system, "/duty/mobiles", form))["weekdays"]
    assert (await wrong(system, "/duty/mobiles", form | {"weekdays": every, "phone": "12"}))["phone"]
    async with db.session() as session:
        details = [str(one.detail) for one in await session.scalars(select(LedgerEntry))]
    assert not any("13912345678" in one or "13812345678" in one for one in details)


async def test_a_seat_is_given_changed_and_its_secret_renewed(db: Database, system: Desk) -> None:
    user_id = await make_user(db, "wangli", Role.AGENT)
    other = await make_user(db, "lili", Role.AGENT)
    seat = {"user_id": str(user_id), "extension": "1001", "queues": "hotline"}
    assert (await system.post("/seats", seat)).status == 303
    taken = await wrong(system, "/seats", seat | {"user_id": str(other)})
    assert "已分配给" in taken["extension"]
    assert (await system.post("/seats", seat | {"extension": "1002"})).status == 409, "it was not seen before"
    assert (await system.post("/seats", seat | {"extension": "1002", "seen": "1001:hotline:desk"})).status == 303
    async with db.session() as session:
        before = (await session.get_one(Agent, user_id)).sip_secret
    shown = await (await system.post(f"/seats/{user_id}/secret")).text()
    async with db.session() as session:
        after = (await session.get_one(Agent, user_id)).sip_secret
    assert after != before and after in shown
    assert after not in await (await system.get(f"/seats?edit={user_id}")).text()


async def test_a_skill_is_a_penalty_within_one_pool(db: Database, system: Desk) -> None:
    skilled, other = await make_user(db, "wangli", Role.AGENT), await make_user(db, "lili", Role.AGENT)
    assert (await system.post("/queues", {"name": "dialect", "title": "方言"})).status == 303
    seat = {"user_id": str(skilled), "extension": "1001"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for user_id, extension, dialect in ((skilled, 1001, "dialect"), (other, 1002, "dialect:5")):
        places = f"queues=hotline&queues={dialect}&queues="
        body = f"_csrf={system.csrf}&user_id={user_id}&extension={extension}&seen=&{places}"
        assert (await system.post("/seats", raw=body, headers=form)).status == 303
    async with db.session() as session:
        for user_id in (skilled, other):
            await agents.log_in(session, SYSTEM, user_id)
        plan = steps(await agents.intents(session), {})
    added = {(one.headers["Queue"], one.headers["MemberName"]): one.headers["Penalty"] for one in plan}
    assert added == {
        ("hotline", "1001"): "0",
        ("hotline", "1002"): "0",
        ("dialect", "1001"): "0",
        ("dialect", "1002"): "5",
    }, "everybody is a member of the queue: what the skilled cannot take reaches the others"
    assert "方言（其次）" in await (await system.get("/seats")).text()
    seen = {"seen": "1001:dialect,hotline:desk", "queues": "dialect:3"}
    assert (await wrong(system, "/seats", seat | seen))["queues"]


async def test_what_was_edited_survives_the_next_start(db: Database, system: Desk) -> None:
    county = load(Path("counties/yiyang"))
    async with db.session() as session:
        await seed_people(session, county)
    edited = {"title": "改名的队列", "version": "1", "max_waiting": "7"}
    assert (await system.post("/queues/hotline", edited)).status == 303
    number = {"title": "市场监管", "queue": "hotline", "version": "1"}
    assert (await system.post("/numbers/12315", number)).status == 303
    async with db.session() as session:
        assert await seed_people(session, county) == []
        row = await session.get_one(Number, "12315")
    assert (row.title, row.active) == ("市场监管", False)
    assert (await line(db)).queues["hotline"].max_waiting == 7
