"""Pages about clocks: the due foreseen, limits of other laws, statistics, a meeting's record, readings on record."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update
from test_web_order_acts import act, order
from web_api import unit
from web_desk import Desk, signed_in

from core import clock
from core.db import Database
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.tickets.models import Dispute, StatutoryLimit

LAW = {"matter": "CX01", "n": "30", "unit": "day", "citation": "某条例第十条", "effective_from": "2026-01-01"}
Serve = Callable[[], Desk]


async def page(desk: Desk, path: str) -> str:
    response = await desk.get(path)
    assert response.status == 200, await response.text()
    return await response.text()


async def handled(db: Database, serve: Serve) -> tuple[UUID, UUID, Desk]:
    """A unit, an order that it signed for, and its clerk."""
    cgj = await unit(db)
    id = await order(db, cgj)
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=cgj)
    assert (await act(clerk, db, id, "sign")).status == 303
    return cgj, id, clerk


@pytest.mark.proves("F15-1", "T07", "D8")
async def test_the_extension_form_says_its_new_due_and_until_when(db: Database, serve: Serve) -> None:
    _, id, clerk = await handled(db, serve)
    shown = await page(clerk, f"/orders/{id}")
    assert "确需退回的，请在" in shown, "the window is said at the signing"
    assert f'data-foresee="/orders/{id}/extension"' in shown
    assert len(re.findall(r"24:00前可以办理", shown)) == 2, "the return and the extension say until when"
    five = await page(clerk, f"/orders/{id}/extension?days=5")
    assert re.search(r"延期后 \d+月\d+日（周.）24:00 到期", five) and "第 5 个工作日" in five
    assert "最多可延期10个工作日" in await page(clerk, f"/orders/{id}/extension?days=11")
    assert (await clerk.get(f"/orders/{id}/extension?days=x")).status == 422
    other = await unit(db, "gaj", "公安局")
    stranger = await signed_in(db, serve(), "stranger", Role.UNIT_CLERK, unit_id=other)
    assert (await stranger.get(f"/orders/{id}/extension?days=5")).status == 404


@pytest.mark.proves("D15", "T06")
async def test_limits_of_other_laws_take_two_persons_and_are_shown_on_the_order(db: Database, serve: Serve) -> None:
    first = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    assert "没有特别时限" in await page(first, "/limits")
    wrong = await first.post("/limits", LAW | {"matter": "nonsense"})
    assert wrong.status == 422 and "请从诉求事项目录中选择" in await wrong.text()
    wrong = await first.post("/limits", LAW | {"effective_to": "2025-01-01"})
    assert wrong.status == 422 and "不能早于生效日期" in await wrong.text()
    assert (await first.post("/limits", LAW)).status == 303
    async with db.session() as session:
        limit = (await session.scalars(select(StatutoryLimit))).one().id
    assert "须由您以外的人员核准" in await page(first, "/limits")
    assert (await first.post(f"/limits/{limit}/approve")).status == 409
    second = await signed_in(db, serve(), "director", Role.DIRECTOR)
    assert (await second.post(f"/limits/{limit}/reject", {"reason": ""})).status == 422
    assert (await second.post(f"/limits/{limit}/approve")).status == 303
    assert (await second.post(f"/limits/{limit}/approve")).status == 409
    id = await order(db, await unit(db))
    shown = await page(second, f"/orders/{id}")
    assert "特别时限30日（某条例第十条）" in shown and "None" not in shown
    early = await second.post(f"/limits/{limit}/end", {"effective_to": "2026-01-02", "reason": "条例已修订"})
    assert early.status == 422
    today = clock.today().isoformat()
    assert (await second.post(f"/limits/{limit}/end", {"effective_to": today, "reason": "条例已修订"})).status == 303
    again = await first.post("/limits", LAW | {"n": "3"})
    assert again.status == 303
    async with db.session() as session:
        newest = (await session.scalars(select(StatutoryLimit).order_by(StatutoryLimit.id.desc()))).first()
    assert newest is not None
    assert (await second.post(f"/limits/{newest.id}/reject", {"reason": "条款引用有误"})).status == 303
    assert "条款引用有误" in await page(first, "/limits")
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=await unit(db, "gaj", "公安局"))
    assert (await clerk.get("/limits")).status == 403


@pytest.mark.proves("F12.3-4", "F15-4")
async def test_statistics_lead_to_their_orders_and_go_along_as_a_workbook(db: Database, serve: Serve) -> None:
    cgj, id, clerk = await handled(db, serve)
    given = {"ground": "not-ours", "basis": "该路段由公安交警部门管理"}
    assert (await act(clerk, db, id, "return", **given)).status == 303
    lead = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    day, since = clock.today().isoformat(), (clock.today() - timedelta(days=1)).isoformat()
    span = f"first={since}&last={day}"  # dispatched an hour ago, which may be yesterday or last month
    shown = await page(lead, f"/statistics/returns?{span}")
    assert "城市管理局" in shown and "100.0%" in shown and "不当退单率＝不同意 ÷ 派发" in shown
    listed = await page(lead, f"/statistics/returns?{span}&unit={cgj}")
    assert f'href="/orders/{id}"' in listed and "不属于本部门职责" in listed
    assert "没有提出申请" in await page(lead, f"/statistics/extensions?{span}&unit={cgj}")
    before = (clock.today() - timedelta(days=60)).isoformat()
    assert "本期没有派发的工单" in await page(lead, f"/statistics/returns?first={before}&last={before}")
    assert (await lead.get("/statistics/returns?first=2026-03-02&last=2026-03-01")).status == 422
    assert (await lead.get("/statistics/returns?first=2020-03-02&last=2026-03-01")).status == 422
    response = await lead.post("/statistics/returns/export", {"first": since, "last": day, "reason": "季度通报"})
    assert response.status == 200
    sheet = load_workbook(io.BytesIO(await response.read())).active
    assert sheet is not None
    cells: list[tuple[Any, ...]] = list(sheet.iter_rows(values_only=True))
    assert "退回统计" in str(cells[0][0]) and "编号 TJ" in str(cells[0][0])
    assert cells[1][:3] == ("单位", "派发", "退单")
    assert cells[2][0] == "城市管理局" and cells[3][0] == "合计" and cells[2][1:] == cells[3][1:]
    async with db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "statistics.export"))).one()
    assert str(entry.subject_id) in str(cells[0][0])
    assert "没有符合条件的申请" in await page(lead, f"/statistics/returns?{span}&unit={cgj}&search=噪音")
    assert f'href="/orders/{id}"' in await page(lead, f"/statistics/returns?{span}&unit={cgj}&search=占道&sort=oldest")
    asked = {"first": since, "last": day, "unit": str(cgj), "reason": "季度通报"}
    behind = load_workbook(io.BytesIO(await (await lead.post("/statistics/returns/export", asked)).read())).active
    assert behind is not None
    assert [cell.value for cell in behind[3]][3:5] == ["不属于本部门职责", "待审核"]
    other = await signed_in(db, serve(), "other", Role.UNIT_CLERK, unit_id=await unit(db, "gaj", "公安局"))
    for path in (f"/statistics/returns?{span}&unit={cgj}", f"/statistics/extensions?{span}&unit={cgj}"):
        assert "城市管理局" not in await page(other, path), "a unit reads its own numbers"


@pytest.mark.proves("F12.3-3")
async def test_a_meeting_is_put_on_record_and_printed(db: Database, serve: Serve) -> None:
    cgj, id, clerk = await handled(db, serve)
    assert (await clerk.get(f"/orders/{id}/dispute")).status == 404
    bureau = await signed_in(db, serve(), "bureau", Role.SUPERVISOR)
    assert (await act(bureau, db, id, "dispute", reason="两单位均称不属其职责")).status == 303
    assert "尚未召开" in await page(bureau, f"/orders/{id}/dispute")
    async with db.session() as session:  # so that the meeting lies after it
        await session.execute(update(Dispute).values(opened_at=clock.now() - timedelta(hours=1)))
    held = clock.local(clock.now()).strftime("%Y-%m-%dT%H:%M")
    meeting = {
        "held_at": held, "chair": "徐珍", "place": "政数局会议室", "minutes": "各方说明职责分工",
        "attendees_0_unit_id": str(cgj), "attendees_0_name": "王局长", "attendees_0_position": "副局长",
    }  # fmt: skip
    wrong = await act(bureau, db, id, "meet", **meeting)
    assert wrong.status == 422 and "在纪要上签字" in await wrong.text()
    done = await act(bureau, db, id, "meet", **meeting, attendees_0_signed="true")
    assert done.status == 303, await done.text()
    director = await signed_in(db, serve(), "director", Role.DIRECTOR)
    assert (await act(director, db, id, "uphold", decision="由城市管理局继续承办")).status == 303
    shown = await page(director, f"/orders/{id}/dispute")
    for words in ("王局长", "副局长", "已签字", "各方说明职责分工", "由原单位承办", "由城市管理局继续承办", "徐珍"):
        assert words in shown, words
    assert f'href="/orders/{id}/dispute"' in await page(director, f"/orders/{id}")


@pytest.mark.proves("F31-1")
async def test_the_readings_stand_in_the_rule_console(db: Database, serve: Serve) -> None:
    bureau = await signed_in(db, serve(), "bureau", Role.SUPERVISOR)
    shown = await page(bureau, "/policy")
    for id in ("D5", "D7", "D9", "D18"):
        assert f'<tr id="{id}">' in shown
    assert "以哪一时刻认定按期办结：<strong>审核通过的那次提交的时刻</strong>" in shown
    assert "程序固定" in shown
