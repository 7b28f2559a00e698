"""Dispatch catalogue and power list through the real web role: a table in, two persons, and it is in force."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import select, update
from web_desk import Desk, signed_in

from core.db import Database
from core.identity.models import Unit
from core.ledger.models import LedgerEntry
from core.permissions import Role
from core.rules.book import Rulebook
from core.rules.keeper import RulesKeeper
from crm import installed
from crm.rulebook.list_forms import CATALOGUE_COLUMNS, POWER_COLUMNS

TEXT = (Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml").read_text(encoding="utf-8")
POWERS = [
    [column.title for column in POWER_COLUMNS],
    ["QZ-001", "城市市容管理", "行政处罚", "城市管理局", "《城市市容和环境卫生管理条例》第十四条"],
    ["QZ-002", "治安管理", "行政处罚", "公安局", "《治安管理处罚法》第七条"],
]


@pytest.fixture
async def keeper(db: Database, county: None) -> RulesKeeper:
    """Units of the county, and the rules of this process as its keeper keeps them."""
    here = installed.installed()
    async with db.session() as session:
        session.add_all(Unit(code=one.code, name=one.name, kind=one.kind.value) for one in here.county.units.values())

    def apply(book: Rulebook) -> None:
        installed.use(replace(installed.installed(), rules=book))

    made = RulesKeeper(db, TEXT, apply, must_load=True, lists=here.first_lists)
    await made.look()
    return made


@pytest.fixture
async def dispatcher(db: Database, serve: Callable[[], Desk], keeper: RulesKeeper) -> Desk:
    return await signed_in(db, serve(), "pai.dan", Role.DISPATCHER)


@pytest.fixture
async def director(db: Database, serve: Callable[[], Desk], keeper: RulesKeeper) -> Desk:
    return await signed_in(db, serve(), "zhu.ren", Role.DIRECTOR)


def book(rows: Sequence[Sequence[str]]) -> bytes:
    """The rows as an .xlsx file."""
    made = Workbook()
    for row in rows:
        made.active.append(list(row))
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


async def sent(desk: Desk, kind: str, content: bytes, document: str = "弋府办发〔2026〕3号") -> aiohttp.ClientResponse:
    form = aiohttp.FormData()
    form.add_field("document", document)
    form.add_field("file", content, filename="清单.xlsx", content_type="application/octet-stream")
    return await desk.post(f"/{kind}/import", raw=form)


async def text(desk: Desk, path: str) -> str:
    response = await desk.get(path)
    assert response.status == 200, await response.text()
    return await response.text()


async def exported(desk: Desk, kind: str) -> list[list[str]]:
    response = await desk.post(f"/{kind}/export")
    assert response.status == 200
    page: Any = load_workbook(io.BytesIO(await response.read())).active
    return [[str(cell or "") for cell in row] for row in page.iter_rows(values_only=True)]


@pytest.mark.proves("F12.2-1", "F19-1")
async def test_lists_are_imported_by_two_persons_and_are_in_force_at_once(
    keeper: RulesKeeper, dispatcher: Desk, director: Desk
) -> None:
    before = installed.installed().catalogue
    assert before.route("CX01", "taoyuan").power is None
    proposed = await sent(dispatcher, "powers", book(POWERS))
    assert proposed.status == 303, await proposed.text()
    powers = proposed.headers["Location"]
    assert "新增" in await text(dispatcher, powers)
    refused = await dispatcher.post(f"{powers}/confirm")
    assert refused.status == 403
    assert (await director.post(f"{powers}/confirm")).status == 303
    await keeper.look()
    assert installed.installed().powers.get("QZ-001") is not None

    head, *rows = await exported(dispatcher, "catalogue")
    assert head == [column.title for column in CATALOGUE_COLUMNS]
    changed = [[*row[:5], "QZ-001", row[6]] if row[0] == "CX01" and row[2] == "全县" else row for row in rows]
    proposed = await sent(dispatcher, "catalogue", book([head, *changed]))
    assert proposed.status == 303, await proposed.text()
    catalogue = proposed.headers["Location"]
    shown = await text(director, catalogue)
    assert "修改" in shown
    assert "QZ-001" in shown
    assert installed.installed().catalogue.route("CX01", "taoyuan").power is None, "nothing is in force by a proposal"
    assert (await director.post(f"{catalogue}/confirm")).status == 303
    await keeper.look()
    assert installed.installed().catalogue.route("CX01", "taoyuan").power == "QZ-001"
    again = await sent(dispatcher, "catalogue", book([head, *changed]))
    assert again.status == 422
    assert "没有差别" in await again.text()
    without = await sent(director, "powers", book([POWERS[0], POWERS[2]]))
    assert without.status == 422
    assert "QZ-001" in await without.text(), "the catalogue rests on it"
    found = await text(dispatcher, "/powers?search=治安")
    assert "QZ-002" in found
    assert "QZ-001</td>" not in found


@pytest.mark.proves("A12.2-1")
async def test_the_page_shows_that_nothing_is_left_open_and_what_a_switched_off_unit_opens(
    db: Database, dispatcher: Desk
) -> None:
    page = await text(dispatcher, "/catalogue/cells")
    assert "没有缺项" in page
    assert re.search(r"热线中心指定 \d+", page)
    assert "工作作风" in await text(dispatcher, "/catalogue/cells?answer=centre")
    async with db.session() as session:
        await session.execute(update(Unit).where(Unit.code == "jtj").values(active=False))
    gaps = await text(dispatcher, "/catalogue/cells")
    assert "（已停用）" in gaps
    assert "处“事项 × 属地”没有承办单位" in await text(dispatcher, "/catalogue")


async def test_both_lists_are_sorted_and_taken_along(
    db: Database, keeper: RulesKeeper, serve: Callable[[], Desk], dispatcher: Desk, director: Desk
) -> None:
    proposed = await sent(dispatcher, "powers", book(POWERS))
    assert (await director.post(f"{proposed.headers['Location']}/confirm")).status == 303
    await keeper.look()
    by_unit = await text(dispatcher, "/powers?sort=unit")
    assert by_unit.index("QZ-001") < by_unit.index("QZ-002"), "城管局 before 公安局"
    assert 'aria-sort="ascending"' in by_unit
    why = {"search": "qz-002", "reason": "报送政数局"}
    assert "请填写导出原因" in await (await dispatcher.post("/powers/taken", {"search": "qz-002"})).text()
    assert (await dispatcher.post("/powers/taken", why | {"search": "没有"})).status == 422
    answer = await dispatcher.post("/powers/taken", why)
    page: Any = load_workbook(io.BytesIO(await answer.read())).active
    mark, head, *rows = [[str(cell or "") for cell in row] for row in page.iter_rows(values_only=True)]
    assert head == [column.title for column in POWER_COLUMNS]
    assert [row[0] for row in rows[:-1]] == ["QZ-002"]
    async with db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "powers.taken"))).one()
    assert entry.subject_id in mark[0] and entry.detail["filter"] == {"search": "qz-002"}
    assert (await dispatcher.post("/catalogue/taken", {"sort": "unit", "reason": "核对目录"})).status == 200
    agent = await signed_in(db, serve(), "wang.li", Role.AGENT)
    assert (await agent.post("/catalogue/taken", {"reason": "核对目录"})).status == 403


@pytest.mark.parametrize(
    ("content", "document", "says"),
    [
        (b"", "文号", "文件是空的"),
        (b"PK\x03\x04rubbish", "文号", "不是有效的 .xlsx"),
        (book([["甲", "乙"], ["1", "2"]]), "文号", "没有找到表头"),
        (book([POWERS[0], ["QZ-1", "x", "", "无此局", "某法"]]), "文号", "无此局"),
        (book(POWERS), "", "请填写依据的文号"),
    ],
    ids=["empty", "rubbish", "no head", "no such unit", "no document"],  # a workbook's bytes tell when it was written
)
async def test_what_cannot_be_imported_says_why_and_changes_nothing(
    dispatcher: Desk, content: bytes, document: str, says: str
) -> None:
    response = await sent(dispatcher, "powers", content, document)
    assert response.status == 422
    assert says in await response.text()
    assert "待确认" not in await text(dispatcher, "/powers")


async def test_an_agent_neither_sees_nor_imports_lists(db: Database, serve: Callable[[], Desk], keeper: Any) -> None:
    agent = await signed_in(db, serve(), "wang.li", Role.AGENT)
    assert (await agent.get("/catalogue")).status == 403
    assert (await sent(agent, "catalogue", book(POWERS))).status == 403


async def test_the_quality_of_dispatch_has_its_page(dispatcher: Desk) -> None:
    assert "这个月没有派发过工单" in await text(dispatcher, "/dispatch-quality")
    assert (await dispatcher.get("/dispatch-quality?month=2999-01")).status == 422
    assert (await dispatcher.get("/dispatch-quality?month=x")).status == 422
    assert "请填写导出原因" in await (await dispatcher.post("/dispatch-quality/export", {"month": "2026-01"})).text()
    for path in ("/dispatch-quality/export", "/dispatch-quality/uncited"):
        nothing = await dispatcher.post(path, {"month": "2026-01", "reason": "月度通报"})
        assert nothing.status == 422 and "没有符合条件的内容可以导出" in await nothing.text()
