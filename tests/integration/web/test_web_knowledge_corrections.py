"""纠错 through its pages: said on the item, seen by its unit, answered, listed and taken along."""

import io

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from test_web_knowledge import Makers, text
from test_web_knowledge import makers as makers

from core.ledger.models import LedgerEntry
from crm.knowledge.models import KnowledgeCorrection

PROBLEM = {"Accept": "application/problem+json"}
SAID = "窗口已搬到二楼<b>，条目</b>还写着一楼"


async def waiting(makers: Makers) -> str:
    async with makers.db.session() as session:
        return str(
            await session.scalar(select(KnowledgeCorrection.id).where(KnowledgeCorrection.answered_at.is_(None)))
        )


@pytest.mark.proves("F18-3")
async def test_said_on_the_item_answered_by_its_unit(makers: Makers) -> None:
    item = await makers.published()
    path = f"/knowledge/{item.id}"
    assert "没有纠错" in await text(makers.asking, "/knowledge/corrections")
    short = await makers.asking.post(f"{path}/corrections", {"version": "1", "said": "错"}, headers=PROBLEM)
    assert (short.status, set((await short.json())["fields"])) == (422, {"said"})
    done = await makers.asking.post(f"{path}/corrections", {"version": "1", "said": SAID})
    assert (done.status, done.headers["Location"]) == (303, path)
    page = await text(makers.asking, path)
    assert "有人指出本条目有误" in page and "&lt;b&gt;" in page and "<b>，条目" not in page
    assert "/answer" not in page, "the agent does not answer"
    again = await makers.asking.post(f"{path}/corrections", {"version": "1", "said": SAID}, headers=PROBLEM)
    assert (again.status, (await again.json())["id"]) == (409, "correction-waits")
    id = await waiting(makers)
    assert f"/knowledge/corrections/{id}/answer" in await text(makers.clerk, path)
    assert f"/knowledge/corrections/{id}/answer" in await text(makers.clerk, "/knowledge/corrections?standing=open")
    given = {"verdict": "right", "answer": "已核实，窗口在二楼"}
    assert (await makers.keeper.post(f"/knowledge/corrections/{id}/answer", given)).status == 403
    assert (await makers.clerk.post(f"/knowledge/corrections/{id}/answer", given)).status == 303
    page = await text(makers.asking, path)
    assert "属实，将修订或停用" in page and "待复审" in page and "有人指出本条目有误" not in page
    assert "没有符合条件的纠错" in await text(makers.clerk, "/knowledge/corrections?standing=open")


@pytest.mark.proves("F18-3")
async def test_taken_along_with_a_reason(makers: Makers) -> None:
    item = await makers.published()
    await makers.asking.post(f"/knowledge/{item.id}/corrections", {"version": "1", "said": "=cmd()已经搬迁"})
    refused = await makers.keeper.post("/knowledge/corrections/export", {"reason": ""}, headers=PROBLEM)
    assert refused.status == 422
    asked = {"reason": "每月通报", "search": "搬迁"}
    taken = await makers.keeper.post("/knowledge/corrections/export", asked)
    assert taken.status == 200
    rows = list(load_workbook(io.BytesIO(await taken.read())).active.iter_rows())  # type: ignore[union-attr]
    [row] = [row for row in rows if row[0].value == item.number]
    assert "独角兽" in str(row[1].value) and "待答复" in {cell.value for cell in row}
    assert ("已经搬迁" in str(row[5].value), row[5].data_type) == (True, "s"), "no formula leaves the house"
    async with makers.db.session() as session:
        actions = await session.scalars(select(LedgerEntry.action))
        assert "knowledge.corrections-export" in {*actions}
