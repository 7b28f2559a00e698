"""The list of member units: searched, narrowed, sorted, paged, and taken along."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from test_web_taking import entry, sheet
from web_desk import Desk, make_user, signed_in

from core.db import Database
from core.identity.models import Unit
from core.permissions import Role
from web.pages import units


@pytest.fixture
async def system(db: Database, serve: Callable[[], Desk]) -> Desk:
    return await signed_in(db, serve(), "wei.xt", Role.SYSTEM_ADMIN)


@pytest.fixture(autouse=True)
async def county_units(db: Database) -> dict[str, Unit]:
    """A department with a station below it, an enterprise, and one that is no longer in use."""
    whole: dict[str, Any] = {"leader_name": "方建平", "leader_phone": "+8613000000001", "office": "热线工作股"}
    async with db.session() as session:
        made = [
            Unit(code="cgj", name="城市管理局", kind="department", duty_phone="+867935900001", **whole),
            Unit(code="zs", name="自来水公司", kind="enterprise", lacks=["leader", "phone"]),
            Unit(code="old", name="招商局", kind="department", active=False),
        ]
        session.add_all(made)
        await session.flush()
        made.append(Unit(code="cgj-1", name="城管一中队", kind="station", parent_unit_id=made[0].id))
        session.add(made[-1])
    await make_user(db, "clerk", Role.UNIT_CLERK, unit_id=made[0].id)
    return {unit.code: unit for unit in made}


async def codes(desk: Desk, query: str = "") -> list[str]:
    """The units on the page."""
    answer = await desk.get(f"/units?{query}")
    assert answer.status == 200, await answer.text()
    table = (await answer.text()).partition("<tbody>")[2].partition("</tbody>")[0]
    return re.findall(r'<span class="quiet small">([a-z0-9-]+)</span>', table)


async def test_they_are_found_narrowed_and_sorted(system: Desk) -> None:
    assert await codes(system) == ["cgj", "cgj-1", "zs", "old"], "those in use first"
    assert await codes(system, "sort=state") == ["zs", "cgj", "cgj-1", "old"], "what is incomplete first"
    assert await codes(system, "search=城管") == ["cgj-1"]
    assert await codes(system, "search=CGJ 城市") == ["cgj"], "all words, large or small letters"
    assert await codes(system, "search=热线工作") == ["cgj"]
    assert await codes(system, "search=方建平") == await codes(system, "search=0793-5900001") == ["cgj"]
    assert await codes(system, "search=13000000001") == [], "the leader's number stands in no list"
    assert await codes(system, "kind=department") == ["cgj", "old"]
    assert await codes(system, "kind=department&state=on") == ["cgj"]
    assert await codes(system, "state=off") == ["old"]
    assert await codes(system, "state=incomplete") == ["zs"]
    page = await (await system.get("/units?search=民政")).text()
    assert "没有符合条件的单位" in page and "清除条件" in page and "1 个在用单位资料不完整" in page
    assert (await system.get("/units?sort=up")).status == (await system.get("/units?state=gone")).status == 422


async def test_pages_go_on_and_the_form_stays_beside_them(
    db: Database, system: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "PAGE", 2)
    seen: list[str] = []
    address = "/units?sort=state"
    for _ in range(2):
        text = await (await system.get(address)).text()
        seen += await codes(system, address.partition("?")[2])
        if further := re.search(r'rel="next" href="([^"]+)"', text):
            address = html.unescape(further[1])
    assert seen == ["zs", "cgj", "cgj-1", "old"] and not further and "共 4 条" in text
    edit = re.search(r'<a href="([^"]+edit=[^"]+)">城管一中队', text)
    assert edit
    beside = await (await system.get(html.unescape(edit[1]))).text()
    assert 'value="城管一中队"' in beside and "城市管理局" in beside
    assert await codes(system, html.unescape(edit[1]).partition("?")[2]) == ["cgj-1", "old"], "on the same page"


async def test_they_are_taken_along(db: Database, system: Desk, serve: Callable[[], Desk]) -> None:
    asked = {"search": "0793-5900001", "kind": "department", "state": "on", "reason": "通讯录核对"}
    mark, rows = await sheet(system, "/units/export", asked)
    assert rows == [
        ["cgj", "城市管理局", "县直部门", "", "方建平", "热线工作股", "0793-5900001", "1 人", "正常", ""],
    ]
    told = await entry(db, "unit.export")
    assert told.subject_id in mark and told.reason == "通讯录核对"
    wanted = {"search": "0793-***0001", "kind": "department", "state": "在用"}
    assert (told.detail["count"], told.detail["filter"]) == (1, wanted)
    security = await signed_in(db, serve(), "zhou.an", Role.SECURITY_ADMIN)
    _, rows = await sheet(security, "/units/export", {"reason": "账号清理"})
    assert [row[3] for row in rows] == ["", "城市管理局", "", ""]
    agent = await signed_in(db, serve(), "wangli", Role.AGENT)
    assert (await agent.post("/units/export", {"reason": "通讯录核对"})).status == 403
