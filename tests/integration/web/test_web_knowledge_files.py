"""The knowledge base in files: a unit's table becomes its drafts or none, an export comes back, the handbook."""

import io
from typing import Any

import aiohttp
import docx
import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select
from test_web_knowledge import ITEM, Makers, text
from test_web_knowledge import makers as makers

from core.ledger.models import LedgerEntry
from crm.knowledge.models import KnowledgeItem

PROBLEM = {"Accept": "application/problem+json"}
HEAD = ["问题", "答复", "依据", "分类"]


def book(*rows: list[str], head: list[str] = HEAD) -> bytes:
    made = Workbook()
    assert made.active is not None
    for row in (head, *rows):
        made.active.append(row)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


async def sends(makers: Makers, who: str, content: bytes, name: str = "条目.xlsx") -> aiohttp.ClientResponse:
    form = aiohttp.FormData()
    form.add_field("file", content, filename=name, content_type="application/octet-stream")
    return await makers.desks[who].post("/knowledge/import", raw=form, headers=PROBLEM)


async def items(makers: Makers) -> int:
    async with makers.db.session() as session:
        return await session.scalar(select(func.count()).select_from(KnowledgeItem)) or 0


async def test_a_table_becomes_drafts_of_the_unit(makers: Makers) -> None:
    assert "认得的列名" in await text(makers.clerk, "/knowledge/import")
    assert (await makers.asking.get("/knowledge/import")).status == 403
    rows = [[f"第{n}种犬类怎么登记", "带身份证<b>办理", "某某条例第三条", "行政审批"] for n in range(1_000)]
    done = await sends(makers, "clerk", book(*rows))
    assert (done.status, done.headers["Location"]) == (303, "/knowledge?standing=draft")
    assert await items(makers) == 1_000
    page = await text(makers.clerk, "/knowledge?standing=draft&search=第7种")
    assert "第7种犬类怎么登记" in page and "身份证&lt;b&gt;" in page
    assert "第7种犬类怎么登记" not in await text(makers.asking, "/knowledge"), "a draft answers nobody"
    again = await sends(makers, "clerk", book(["第7种犬类怎么登记", "", "", ""]))
    assert (again.status, "与条目 ZS" in (await again.json())["fields"]["file"]) == (422, True)


async def test_one_wrong_row_and_nothing_is_imported(makers: Makers) -> None:
    rows = [[f"第{n}种犬类怎么登记", "", "", "行政审批"] for n in range(50)] + [["坏的一行怎么办", "", "", "没有这类"]]
    refused = await sends(makers, "clerk", book(*rows))
    assert refused.status == 422
    assert "第 52 行“分类”" in (await refused.json())["fields"]["file"]
    assert await items(makers) == 0


@pytest.mark.parametrize(("name", "content"), [("a.docx", b"x"), ("a.xlsx", b"PK\x03\x04broken"), ("a.exe", b"\0\1\2")])
async def test_what_is_no_table_is_refused(makers: Makers, name: str, content: bytes) -> None:
    refused = await sends(makers, "clerk", content, name)
    assert (refused.status, (await refused.json())["id"]) == (422, "bad-file")
    assert (await sends(makers, "clerk", b"x" * (51 * 2**20), name)).status == 413
    assert await items(makers) == 0


async def test_what_was_exported_is_imported_again(makers: Makers) -> None:
    await makers.published()
    taken = await makers.keeper.post("/knowledge/export", {"reason": "核对"})
    content = await taken.read()
    refused = await sends(makers, "clerk", content)
    assert "与条目 ZS00001 相同" in (await refused.json())["fields"]["file"], "it is read, and known already"
    changed = load_workbook(io.BytesIO(content))
    assert changed.active is not None
    for row in changed.active.iter_rows():
        for cell in row:
            if cell.value == ITEM["question"]:
                cell.value = "麒麟饲养登记怎么办理"
    file = io.BytesIO()
    changed.save(file)
    assert (await sends(makers, "clerk", file.getvalue())).status == 303
    assert await items(makers) == 2


async def test_templates_are_there_to_be_filled_in(makers: Makers) -> None:
    got = await makers.clerk.get("/knowledge/template?form=xlsx")
    assert got.status == 200
    active: Any = load_workbook(io.BytesIO(await got.read())).active
    assert [cell.value for cell in active[1]][:3] == ["问题", "其他问法", "答复"]
    got = await makers.clerk.get("/knowledge/template?form=docx")
    assert "问题" in docx.Document(io.BytesIO(await got.read())).tables[0].rows[0].cells[0].text


async def test_the_handbook_is_a_document_that_says_who_took_it(makers: Makers) -> None:
    item = await makers.published()
    refused = await makers.keeper.post("/knowledge/handbook", {"reason": ""}, headers=PROBLEM)
    assert refused.status == 422
    taken = await makers.keeper.post("/knowledge/handbook", {"reason": "印发各窗口"})
    assert (taken.status, ".docx" in taken.headers["Content-Disposition"]) == (200, True)
    made = docx.Document(io.BytesIO(await taken.read()))
    told = "\n".join(one.text for one in made.paragraphs)
    assert ITEM["question"] in told and f"条目：{item.number} 第 1 版" in told and "<script>" in told
    assert "导出人 " in made.sections[0].header.paragraphs[0].text
    async with makers.db.session() as session:
        assert "knowledge.handbook" in {*await session.scalars(select(LedgerEntry.action))}
