"""The city's files, sheets and rows as lists: narrowed, read to their end, taken along without their citizens."""

from uuid import UUID

import pytest
from sqlalchemy import select
from web_desk import Desk, signed_in
from web_lists import MORE, Serve, shown, taken, walked
from web_rows import files

from core.actor import Actor
from core.db import Database, new_id
from core.permissions import Permission, Role
from crm.city.importing import Wanted, packed, some_rows
from crm.city.judging import Verdict
from crm.city.models import CityImport, CityRow
from crm.tickets.service import Opening, open_draft
from web.paging import PAGE

FILE = UUID("018f0000-0000-7000-8000-000000000001")


async def test_the_citys_files_and_sheets_are_narrowed_and_taken_along(db: Database, serve: Serve) -> None:
    desk = await files(db, serve)
    for path, number in (("/city/imports", "第7号.xlsx"), ("/city/exports", "HX第7号")):
        assert shown(await (await desk.get(f"{path}?search=孙派 第7号")).text()) == [7]
        assert "没有符合条件的" in await (await desk.get(f"{path}?search=没有")).text()
        assert f'href="{path}"' in await (await desk.get("/city")).text()
        [row] = await taken(desk, f"{path}/taken", {"search": "第7号"})
        assert row[0] == number and row[-1] in ("未导入", "7")


async def rows(db: Database, serve: Serve) -> Desk:
    desk = await signed_in(db, serve(), "rows", Role.DISPATCHER)
    async with db.session() as session:
        counts = {one.value: 0 for one in Verdict}
        session.add(
            CityImport(id=FILE, file_name="市级.xlsx", digest="", titles=[], uploaded_name="孙派", counts=counts)
        )
        await session.flush()
        session.add_all(
            CityRow(import_id=FILE, n=n + 2, number=f"SR{n}", verdict="bad" if n % 2 else "new", reason=f"第{n}号")
            for n in range(MORE)
        )
    return desk


@pytest.mark.proves("F09-2")
async def test_every_row_of_a_citys_file_can_be_looked_at_before_it_is_imported(db: Database, serve: Serve) -> None:
    desk, path = await rows(db, serve), f"/city/imports/{FILE}"
    assert await walked(desk, path) == list(range(MORE))
    assert await walked(desk, f"{path}?sort=last") == list(reversed(range(MORE)))
    assert await walked(desk, f"{path}?verdict=bad") == list(range(1, MORE, 2))
    assert shown(await (await desk.get(f"{path}?search=SR7 第7号")).text()) == [7]
    assert "没有符合条件的行" in await (await desk.get(f"{path}?verdict=bad&search=第8号")).text()
    assert (await desk.get(f"{path}?after=x")).status == 422


async def test_the_rows_of_a_citys_file_are_taken_along_without_their_citizens(db: Database, serve: Serve) -> None:
    desk, path = await rows(db, serve), f"/city/imports/{FILE}"
    async with db.session() as session:
        ticket = await open_draft(session, Opening("city"))
        report = await open_draft(session, Opening("city"))
        report.sealed = True
        for n, order in ((7, ticket), (9, report)):
            row = (await session.scalars(select(CityRow).where(CityRow.number == f"SR{n}"))).one()
            row.ticket_id, row.cells = order.id, packed(["张三", "13800001234"])
            row.reason = f"第{n}号，请回电13800001234"
    page = await (await desk.get(f"{path}?search={ticket.number}")).text()
    assert shown(page) == [7] and f'<a href="/orders/{ticket.id}">{ticket.number}</a>' in page
    [seven] = await taken(desk, f"{path}/taken", {"search": ticket.number})
    assert seven == ["9", "SR7", ticket.number, Verdict.BAD.label, "第7号，请回电138****1234"]
    [nine] = await taken(desk, f"{path}/taken", {"verdict": "bad", "search": "第9号"})
    assert nine[2] == report.number
    who = Actor(new_id(), "市级接口", scopes=frozenset({Permission.CITY_EXCHANGE, Permission.ORDER_VIEW}))
    async with db.session() as session:
        found = await some_rows(session, who, FILE, Wanted(["号，请回电"]), None, PAGE)
    assert [number for _, number in found] == [ticket.number, None], "no 举报 to who may not know of it"
    agent = await signed_in(db, serve(), "agent", Role.AGENT)
    assert (await agent.post(f"{path}/taken", {"reason": "季度检查"})).status == 403
