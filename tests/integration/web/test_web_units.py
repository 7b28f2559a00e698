"""A unit's own page, 主管事项 and the month of enterprises; what a dispatcher sees of an incomplete unit."""

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from test_web_order_acts import FIELDS, act
from test_web_order_acts import order as dispatched
from web_api import unit
from web_desk import Desk, make_user, signed_in

from core.db import Database
from core.identity.models import Unit
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.members.models import UnitDetails
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.service import Opening, open_draft

PROBLEM = {"Accept": "application/problem+json"}


async def leader(db: Database, desk: Desk) -> tuple[Desk, UUID]:
    mine = await unit(db)
    await make_user(db, "clerk", Role.UNIT_CLERK, unit_id=mine)
    return await signed_in(db, desk, "chief", Role.UNIT_LEADER, unit_id=mine), mine


@pytest.mark.proves("F30-1", "A30-1")
async def test_a_leader_decides_the_units_details_inside_the_countys(db: Database, serve: Callable[[], Desk]) -> None:
    chief, mine = await leader(db, serve())
    page = await (await chief.get("/unit")).text()
    assert "尚未制定，全部按县级规定办理" in page and "县级时限 10 个工作日" in page and "资料完整" in page
    form = {"seen": "0", "limit_complaint": "12", "limit_help": "3", "inform": "1", "document": "弋城管〔2026〕3号"}
    form |= {"step_0_name": "经办人办理", "step_0_days": "2", "step_1_name": "分管领导签批", "step_1_leader": "true"}
    refused = await chief.post("/unit/details", form, headers=PROBLEM)
    fields = (await refused.json(content_type=None))["fields"]
    assert set(fields) == {"limit_complaint"} and "只能更短（第三十条" in fields["limit_complaint"]
    short = await chief.post("/unit/details", form | {"step_2_name": "签"}, headers=PROBLEM)
    assert set((await short.json(content_type=None))["fields"]) == {"step_2_name"}
    form["limit_complaint"] = "5"
    assert (await chief.post("/unit/details", form)).status == 303
    assert (await chief.post("/unit/details", form)).status == 409, "over a version that somebody has replaced"
    page = await (await chief.get("/unit")).text()
    assert "第 1 版" in page and 'value="弋城管〔2026〕3号"' in page
    clerk = await signed_in(db, serve(), "clerk2", Role.UNIT_CLERK, unit_id=mine)
    assert (await clerk.post("/unit/details", form | {"seen": "1"})).status == 403
    read = await (await clerk.get("/unit")).text()
    assert "经办人办理（2 个工作日） → 分管领导签批（呈批）" in read and "5 个工作日（县级 10 个）" in read
    async with db.session() as session:
        [row] = await session.scalars(select(UnitDetails))
        assert (row.unit_id, row.n, row.content["limits"]) == (mine, 1, {"complaint": 5, "help": 3})


@pytest.mark.proves("F08-1")
async def test_a_leader_who_goes_away_names_the_b_side(db: Database, serve: Callable[[], Desk]) -> None:
    chief, mine = await leader(db, serve())
    other = await make_user(db, "deputy", Role.UNIT_CLERK, unit_id=mine)
    wrong = await chief.post("/unit/absence", {"stand_in_id": str(other)}, headers=PROBLEM)
    assert "返岗时间" in (await wrong.json(content_type=None))["fields"]["away_until"]
    gone = {"stand_in_id": str(other), "back_on": "2999-01-01"}
    assert (await chief.post("/unit/absence", gone)).status == 422, "who is gone for good has left"


@pytest.mark.proves("A08-1")
async def test_a_dispatcher_sees_what_is_incomplete_and_says_why_it_goes_there(
    db: Database, serve: Callable[[], Desk]
) -> None:
    mine = await unit(db)
    desk = await signed_in(db, serve(), "dispatcher", Role.DISPATCHER)
    async with db.session() as session:
        (await session.get_one(Unit, mine)).lacks = ["clerk"]
        given = Correction.model_validate(FIELDS)
        ticket = await open_draft(session, Opening("counter", phone="+8613800001234", given=given))
    page = await (await desk.get(f"/orders/{ticket.id}")).text()
    assert "城市管理局（资料不完整）" in page and "单位资料不完整仍派发的理由" in page
    form: dict[str, Any] = {"version": str(ticket.version), "lead_unit": str(mine), **FIELDS}
    refused = await desk.post(f"/orders/{ticket.id}/dispatch", form, headers=PROBLEM)
    assert "缺启用的经办人账号" in (await refused.json(content_type=None))["fields"]["incomplete_reason"]
    assert (await desk.post(f"/orders/{ticket.id}/dispatch", form | {"incomplete_reason": "已电话确认"})).status == 303
    page = await (await desk.get(f"/orders/{ticket.id}")).text()
    assert "单位资料不完整仍派发：已电话确认" in page, "the history shows it"


@pytest.mark.proves("F05-3")
async def test_a_typed_address_proposes_the_township(db: Database, serve: Callable[[], Desk]) -> None:
    desk = await signed_in(db, serve(), "dispatcher", Role.DISPATCHER)
    async with db.session() as session:
        given = Correction.model_validate({**FIELDS, "address": "漆工镇漆工村卫生室旁"})
        ticket = await open_draft(session, Opening("counter", phone="+8613800001234", given=given))
    page = await (await desk.get(f"/orders/{ticket.id}")).text()
    assert "发生地点“漆工村”属漆工镇人民政府" in page
    assert 'data-proposal="area" data-value="qigong"' in page


@pytest.mark.proves("F05-2", "A05-1")
async def test_a_department_watches_and_reports_its_enterprise(db: Database, serve: Callable[[], Desk]) -> None:
    bureau = await unit(db, "zjj", "住房和城乡建设局")
    water = await unit(db, "gsgs", "自来水公司")
    async with db.session() as session:
        row = await session.get_one(Unit, water)
        row.kind, row.competent_unit_id = "enterprise", bureau
    mine = await dispatched(db, water)
    builder = await signed_in(db, serve(), "builder", Role.UNIT_CLERK, unit_id=bureau)
    stranger = await signed_in(db, serve(), "stranger", Role.UNIT_CLERK, unit_id=await unit(db, "mzj", "民政局"))
    async with db.session() as session:
        ticket = await session.get_one(Ticket, mine)
        number, month = ticket.number, f"{ticket.due_at:%Y-%m}"
    page = await (await builder.get("/watched")).text()
    assert number in page and "自来水公司" in page and "未阅知" in page and "个工作日" in page
    assert number in await (await builder.get(f"/watched?search={number}&sort=oldest")).text()
    assert "没有符合条件的工单" in await (await builder.get("/watched?search=没有这回事")).text()
    taken_along = await builder.post("/watched/export", {"search": number, "reason": "主管部门月度调度"})
    [line] = list(load_workbook(io.BytesIO(await taken_along.read())).active.iter_rows(values_only=True))[2:-1]  # type: ignore[union-attr]
    assert line[1] == number and [cell or "" for cell in line[3:]] == ["自来水公司", "待签收", "", "未阅知"]
    assert (await stranger.post("/watched/export", {"all": "true", "reason": "月度调度"})).status == 422
    assert (await act(builder, db, mine, "acknowledge")).status == 303
    assert "未阅知" not in await (await builder.get("/watched")).text()
    assert "没有正在办理的主管事项" in await (await stranger.get("/watched")).text()
    assert "没有企事业单位应办结的工单" in await (await stranger.get(f"/enterprises?month={month}")).text()
    director = await signed_in(db, serve(), "director", Role.DIRECTOR)
    page = await (await director.get(f"/enterprises?month={month}")).text()
    assert "住房和城乡建设局" in page and "没有逾期" in page
    assert (await director.get("/watched")).status == 403
    assert "请填写导出原因" in await (await builder.post("/enterprises/export", {"month": month})).text()
    answer = await builder.post("/enterprises/export", {"month": month, "reason": "月度通报"})
    assert answer.status == 200, await answer.text()
    rows = list(load_workbook(io.BytesIO(await answer.read())).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert rows[2][:5] == ("住房和城乡建设局", "自来水公司", "1", "0", "无")
    async with db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "enterprises.export"))).one()
    assert entry.subject_id in str(rows[0][0])
    assert (entry.reason, entry.detail["filter"]) == ("月度通报", {"month": month})
    nothing = await stranger.post("/enterprises/export", {"month": month, "reason": "月度通报"}, headers=PROBLEM)
    assert nothing.status == 422 and "nothing-to-export" in await nothing.text()
