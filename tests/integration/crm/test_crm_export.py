"""Orders taken along as a workbook: marked, masked, harmless, and on record."""

from typing import Any

import openpyxl
import pytest
from sqlalchemy import select
from test_crm_search import make, sent

from core.actor import Actor
from core.db import Database
from core.errors import Denied, Invalid
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.search import export as exporting
from crm.search.filter import OrderFilter
from crm.sheets.workbook import FORMULA_STARTS, Sheet, write

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "|cmd", '=HYPERLINK("http://x","y")', "%0A"]


async def taken(db: Database, actor: Actor, reason: str = "核对一周的办理情况", **wanted: Any) -> tuple[Any, Any]:
    """The sheet as a spreadsheet reads it, and what came of the command."""
    done = await exporting.export(db, actor, OrderFilter(**wanted), reason, title="弋阳12345")
    with done.content:
        return openpyxl.load_workbook(done.content)["工单"], done


@pytest.mark.proves("F22-5")
async def test_a_workbook_says_who_took_it_and_the_ledger_too(db: Database, office: Any) -> None:
    for n in range(3):
        await sent(db, office, await make(db, office, title=f"第{n}张", caller_name="李四海"))
    page, done = await taken(db, office.clerk, state={"dispatched"}, search="占道 1234")
    rows = list(page.iter_rows(values_only=True))
    assert [row[3] for row in rows[2:-1] if row[3]] == ["第2张", "第1张", "第0张"]
    assert [row[0][:8] for row in rows[2:-1] if not row[3]] == ["办理时限依据（1", "办理时限依据（2", "办理时限依据（3"]
    for mark in (rows[0][0], rows[-1][0], page.oddHeader.center.text, page.oddFooter.center.text):
        assert "导出人 clerk" in mark and done.number in mark and "年" in mark
    assert page.print_title_rows == "$1:$2"
    async with db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.subject_id == done.number))).one()
    assert (entry.action, entry.actor_id, entry.reason) == ("orders.export", office.clerk.user_id, "核对一周的办理情况")
    assert entry.detail == {"count": 3, "filter": {"search": "尾号1234 占道", "state": ["dispatched"]}}


@pytest.mark.proves("A22-1", "F22-2")
async def test_callers_are_masked_and_sealed_ones_left_out(db: Database, office: Any) -> None:
    for fields in (
        {"title": "普通"},
        {"title": "保密", "confidential": True},
        {"title": "举报", "category": "report", "by": "lead", "content": "举报某局乱罚款"},
    ):
        await sent(db, office, await make(db, office, caller_name="李四海", **fields))
    for login in ("lead", "clerk"):
        page, _ = await taken(db, office.actors[login])
        rows = {row[3]: row for row in page.iter_rows(values_only=True, min_row=3) if row[3]}
        assert rows["普通"][7:9] == ("李*海", "138****1234")
        assert rows["保密"][7:9] == ("诉求人要求保密",) * 2
        assert rows["举报"][7:9] == ("举报人信息已密封",) * 2
        assert "李四海" not in str(list(page.iter_rows(values_only=True)))
        assert "13800001234" not in str(list(page.iter_rows(values_only=True)))


async def test_nothing_in_a_cell_computes() -> None:
    rows = [[text] for text in (*HOSTILE, "a\x00b\x0bc")]
    page = openpyxl.load_workbook(write(Sheet("工单", "=mark & more", [("=标题", 10)], rows)))["工单"]
    cells = [cell for (cell,) in page.iter_rows(min_row=1) if cell.value is not None]
    assert len(cells) == len(rows) + 3
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix for cell in cells if str(cell.value).startswith(FORMULA_STARTS))
    assert cells[2].value == "=1+1"
    assert cells[-2].value == "abc"


async def test_too_many_rows_are_refused_with_what_to_do(
    db: Database, office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        await make(db, office, title=f"第{n}张")
    monkeypatch.setattr(exporting, "MOST_ROWS", 3)
    assert (await taken(db, office.lead))[1].count == 3
    monkeypatch.setattr(exporting, "MOST_ROWS", 2)
    with pytest.raises(Invalid, match="too-many-rows"):
        await taken(db, office.lead)
    async with db.session() as session:
        assert len(list(await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "orders.export")))) == 1


async def test_only_who_may_export_and_says_why(db: Database, office: Any) -> None:
    await make(db, office)
    with pytest.raises(Denied):
        await taken(db, office.agent)
    with pytest.raises(Invalid, match="no-reason"):
        await taken(db, office.lead, reason=" ")
    with pytest.raises(Invalid, match="nothing-to-export"):
        await taken(db, office.lead, search="没有这样的词")
    nobody = Actor(None, "某人", frozenset({Role.UNIT_CLERK}))
    with pytest.raises(Invalid, match="nothing-to-export"):
        await taken(db, nobody)
