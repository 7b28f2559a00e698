"""The page 市级工单: a file is uploaded, looked at, imported; what happened goes back; who may not, may not."""

import io
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from city_files import NUMBER, row, xlsx
from openpyxl import load_workbook
from sqlalchemy import func, select
from web_api import unit
from web_desk import Desk, signed_in

from core.actor import Actor
from core.db import Database
from core.identity.models import Unit
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.city.models import CityImport
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.models import Ticket
from crm.tickets.perform import perform
from crm.tickets.states import Act


@pytest.fixture
async def desk(db: Database, serve: Callable[[], Desk]) -> Desk:
    return await signed_in(db, serve(), "sunpai", Role.DISPATCHER)


async def send(desk: Desk, content: bytes, name: str = "市级.xlsx") -> aiohttp.ClientResponse:
    """The file as a browser's form sends it."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("_csrf", desk.csrf)
    form.add_field("file", content, filename=name, content_type="application/octet-stream")
    headers = {"Accept": "text/html", "X-CSRF-Token": desk.csrf}
    return await desk.client.post("/city/imports", data=form, headers=headers, allow_redirects=False)


async def text(answer: aiohttp.ClientResponse, status: int = 200) -> str:
    found = await answer.text()
    assert answer.status == status, found
    return found


async def kept(db: Database) -> int:
    async with db.session() as session:
        return await session.scalar(select(func.count()).select_from(CityImport)) or 0


@pytest.mark.proves("D33", "F09-2")
async def test_from_the_citys_file_to_what_goes_back(db: Database, desk: Desk) -> None:
    assert "还没有导入过市级工单" in await text(await desk.get("/city"))
    answer = await send(desk, xlsx(row(), row("SR2", 办结时限="<b>下周</b>")), "C:\\桌面\\市级<3月>.xlsx")
    assert answer.status == 303, await answer.text()
    place = answer.headers["Location"]
    shown = await text(await desk.get(place))
    assert "市级&lt;3月&gt;.xlsx" in shown
    assert "C:" not in shown
    assert "不是日期：&lt;b&gt;下周" in shown
    assert "导入 1 张新工单" in shown
    bad = load_workbook(io.BytesIO(await (await desk.post(f"{place}/bad-rows")).read())).active
    assert bad is not None
    assert bad["C3"].value == "SR2"
    await text(await desk.post(f"{place}/confirm"), 303)
    assert "已导入这个文件" in await text(await desk.post(f"{place}/confirm"), 409)
    async with db.session() as session:
        ticket = (await session.scalars(select(Ticket))).one()
    assert (ticket.upstream_number, ticket.source) == (NUMBER, "city")
    await handled(db, desk, ticket)
    order = await text(await desk.get(f"/orders/{ticket.id}"))
    assert f"市级工单 {NUMBER}" in order
    page = await text(await desk.get("/city"))
    assert "导出 1 条回写表" in page
    assert "未报市级" in page
    sheet = load_workbook(io.BytesIO(await (await desk.post("/city/exports")).read())).active
    assert sheet is not None
    assert [cell.value for cell in sheet[2]][:3] == [NUMBER, ticket.number, "签收"]
    assert "不需要回写" in await text(await desk.post("/city/exports"), 422)
    ask: dict[str, Any] = {"version": await version(db), "kind": "extension"}
    answered = {**ask, "consents": "true", "answer": "同意"}
    assert "尚未报市级" in await text(await desk.post(f"/city/orders/{ticket.id}/answer", answered), 409)
    await text(await desk.post(f"/city/orders/{ticket.id}/forward", ask | {"opinion": "情况属实"}), 303)
    assert "待市级答复" in await text(await desk.get("/city"))
    answered |= {"version": await version(db), "upstream_due": "2027-01-15"}
    await text(await desk.post(f"/city/orders/{ticket.id}/answer", answered), 303)
    assert "市级同意" in await text(await desk.get("/city?state=exported"))


async def test_the_reconciliation_is_looked_through_and_taken_along(
    db: Database, desk: Desk, serve: Callable[[], Desk]
) -> None:
    place = (await send(desk, xlsx(row()))).headers["Location"]
    await text(await desk.post(f"{place}/confirm"), 303)
    async with db.session() as session:
        ticket = (await session.scalars(select(Ticket))).one()
    await handled(db, desk, ticket)
    why = {"state": "exported", "reason": "与市级核对"}
    assert "没有符合条件" in await text(await desk.post("/city/reconciliation", why), 422)
    await desk.post("/city/exports")
    for number in (NUMBER, ticket.number.lower(), ""):
        page = await text(await desk.get(f"/city?state=exported&number={number}"))
        assert f'href="/orders/{ticket.id}">{ticket.number}' in page.partition("待回写")[0]
        assert 'action="/city/reconciliation"' in page
    assert "没有这个编号已导出的回写" in await text(await desk.get("/city?state=exported&number=SR404"))
    assert "请填写导出原因" in await text(await desk.post("/city/reconciliation", {"state": "exported"}), 422)
    taken = await desk.post("/city/reconciliation", why | {"number": NUMBER})
    assert taken.status == 200, await taken.text()
    sheet = load_workbook(io.BytesIO(await taken.read())).active
    assert sheet is not None
    assert [cell.value for cell in sheet[3]][:3] == [NUMBER, ticket.number, "签收"]
    assert sheet["E3"].value == "已导出" and ticket.title not in str(list(sheet.values))
    async with db.session() as session:
        wanted = select(LedgerEntry).where(LedgerEntry.action == "city.reconciliation-export")
        entry = (await session.scalars(wanted)).one()
    assert entry.subject_id in sheet["A1"].value and (entry.reason, entry.detail["count"]) == ("与市级核对", 1)
    agent = await signed_in(db, serve(), "wangli", Role.AGENT)
    assert (await agent.post("/city/reconciliation", why)).status == 403


async def handled(db: Database, desk: Desk, ticket: Ticket) -> None:
    """Dispatched, signed for, and an extension asked for."""
    lead = await unit(db)
    who = Actor(desk.user_id, "孙派", frozenset({Role.DISPATCHER}))
    clerk = Actor(desk.user_id, "经办", frozenset({Role.UNIT_CLERK}), lead)
    async with db.session() as session:
        assert await session.get(Unit, lead)
        await dispatch(session, who, ticket.id, 1, Order(lead_unit_id=lead, basis="测试派发"))
        await perform(session, clerk, ticket.id, 2, Act.SIGN)
        asked = {"ground": "complex", "explanation": "涉及多个路段", "days": 3}
        await perform(session, clerk, ticket.id, 3, Act.EXTEND, asked)


async def version(db: Database) -> int:
    async with db.session() as session:
        return (await session.scalars(select(Ticket.version))).one()


async def test_what_is_no_file_of_the_citys_leaves_nothing(db: Database, desk: Desk) -> None:
    assert "请选择" in await text(await send(desk, b"", ""), 422)
    assert "不是有效的 .xlsx" in await text(await send(desk, b"PK\x03\x04nonsense"), 422)
    assert "过大" in await text(await send(desk, bytes(9 * 1024 * 1024)), 413)
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"--x\r\n", b"nothing", b"--x\r\n\r\nno name\r\n--x--\r\n"):
        answer = await desk.post("/city/imports", raw=body, headers=broken)
        assert 400 <= answer.status < 500, await answer.text()
    assert "格式不正确" in await text(
        await desk.post("/city/imports", raw=b"--x--", headers={"Content-Type": "multipart/form-data"}), 422
    )
    form = aiohttp.FormData()
    form.add_field("file", xlsx(row()), filename="a.xlsx")
    answer = await desk.client.post("/city/imports", data=form, allow_redirects=False)
    assert answer.status == 403, "without its token"
    assert await kept(db) == 0


@pytest.mark.parametrize("role", [Role.AGENT, Role.UNIT_CLERK, Role.CHECKER, Role.SUPERVISOR, Role.SYSTEM_ADMIN])
async def test_who_may_not(db: Database, serve: Callable[[], Desk], role: Role) -> None:
    lead = await unit(db) if role is Role.UNIT_CLERK else None
    desk = await signed_in(db, serve(), "somebody", role, unit_id=lead)
    assert (await desk.get("/city")).status == 403
    assert (await send(desk, xlsx(row()))).status == 403
    assert (await desk.post("/city/exports")).status == 403
    assert await kept(db) == 0
