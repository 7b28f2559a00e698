"""Nuisance callers in the browser: proposed from the call, seen by the desk, confirmed by another lead."""

import io
from collections.abc import Callable
from datetime import timedelta

from openpyxl import load_workbook
from sqlalchemy import select
from web_desk import Desk, signed_in

from callflow.models import Call
from callflow.nuisance.models import NuisanceCaller
from core import clock
from core.db import Database
from core.ledger.models import LedgerEntry
from core.permissions import Role


async def test_a_caller_is_registered_by_two_people(
    db: Database, serve: Callable[[], Desk], agent: Desk, lead: Desk
) -> None:
    async with db.session() as session:
        call = Call(node="n", linkedid="1.1", direction="inbound", caller="+8613812345678", evidence={})
        call.arrived_at, call.agent_id = clock.now() - timedelta(minutes=2), agent.user_id
        session.add(call)
    form = {
        "ground": "abusive",
        "reason": "多次辱骂话务员",
        "calls": "1",
        "window_min": "60",
        "review_on": str(clock.today() + timedelta(days=30)),
    }
    assert "登记恶意骚扰" in await (await agent.get(f"/calls/{call.id}")).text()
    assert (await agent.post(f"/calls/{call.id}/nuisance", form | {"calls": "0"})).status == 422
    assert (await agent.post(f"/calls/{call.id}/nuisance", form)).status == 303
    assert (await agent.post(f"/calls/{call.id}/nuisance", form)).status == 409
    assert "等待另一人核准" in await (await agent.get(f"/calls/{call.id}")).text()
    async with db.session() as session:
        row = (await session.scalars(select(NuisanceCaller))).one()
    assert (await agent.post(f"/nuisance/{row.id}/confirm")).status == 403
    page = await (await lead.get("/nuisance")).text()
    assert "138****5678" in page and "13812345678" not in page and "核准并开始限制" in page
    assert "您的来电过于频繁，请稍后再拨，再见。" in page
    assert (await lead.post(f"/nuisance/{row.id}/confirm")).status == 303
    assert (await lead.post(f"/nuisance/{row.id}/confirm")).status == 409
    shown = await (await agent.get(f"/calls/{call.id}")).text()
    assert "60 分钟内只受理 1 次" in shown and "请正常受理" in shown
    assert (await lead.post(f"/nuisance/{row.id}/end", {"reason": "本人致歉"})).status == 303
    assert "本人致歉" in await (await lead.get("/nuisance")).text()
    async with db.session() as session:
        said = await session.scalars(select(LedgerEntry).where(LedgerEntry.subject == "nuisance"))
        rows = said.all()
    assert [one.action for one in rows] == ["nuisance.propose", "nuisance.confirm", "nuisance.end"]
    assert not any("13812345678" in str(one.detail) for one in rows)
    director = await signed_in(db, serve(), "zhuren", Role.DIRECTOR)
    assert "核准并开始限制" not in await (await director.get("/nuisance")).text()


async def test_the_register_is_looked_through_and_taken_along(db: Database, serve: Callable[[], Desk]) -> None:
    lead = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    rows = {}
    async with db.session() as session:
        for last, ground in (("1111", "abusive"), ("2222", "occupying"), ("3333", "false"), ("4444", "harassing")):
            call = Call(node="n", linkedid=last, direction="inbound", caller=f"+861380000{last}", evidence={})
            refused = Call(node="n", linkedid=f"{last}.2", direction="inbound", caller=call.caller, evidence={})
            call.arrived_at = refused.arrived_at = clock.now()
            refused.outcome = "refused"
            session.add_all((call, refused))
            await session.flush()
            limit = {"calls": 1, "window_min": 60, "review_on": clock.today() + timedelta(days=9)}
            who = {"phone": call.caller, "call_id": call.id, "ground": ground, "proposed_by_name": "王丽"}
            session.add(row := NuisanceCaller(**limit, **who, reason=f"尾号{last}反复来电"))
            await session.flush()
            rows[last] = row
        rows["1111"].confirmed_at, rows["1111"].confirmed_by_name = clock.now() - timedelta(hours=1), "李建国"
        rows["2222"].ended_at, rows["2222"].ended_reason = clock.now(), "本人致歉"
        rows["3333"].confirmed_at = clock.now() - timedelta(days=9)
        rows["3333"].review_on = clock.today() - timedelta(days=1)

    async def shown(query: str) -> set[str]:
        page = await (await lead.get(f"/nuisance?{query}")).text()
        return {last for last, row in rows.items() if f'id="nuisance-{row.id}"' in page}

    for query, wanted in (
        ("", {"1111", "2222", "3333", "4444"}),
        ("state=present", {"1111"}),
        ("state=waiting", {"4444"}),
        ("state=ended", {"2222", "3333"}),
        ("search=1111", {"1111"}),
        ("search=13800004444", {"4444"}),
        ("search=辱骂", {"1111"}),
        ("search=致歉", {"2222"}),
        ("search=李建国 反复", {"1111"}),
        ("search=李建国 致歉", set()),
        ("search=YY20260101-0001", set()),
    ):
        assert await shown(query) == wanted, query
    assert "没有符合条件的登记" in await (await lead.get("/nuisance?search=没有")).text()
    assert "复核日已过，自动解除" in await (await lead.get("/nuisance?search=3333")).text()
    page = await (await lead.get("/nuisance")).text()
    assert page.count('<td class="right">1 次</td>') == 2 and 'action="/nuisance/export"' in page
    assert "请填写导出原因" in await (await lead.post("/nuisance/export", {"state": "present"})).text()
    taken = await lead.post("/nuisance/export", {"state": "present", "search": "1111", "reason": "季度复核"})
    sheet = load_workbook(io.BytesIO(await taken.read())).active
    assert sheet is not None
    [row] = list(sheet.iter_rows(min_row=3, values_only=True))[:-1]
    assert [cell or "" for cell in row[:5]] == ["138****1111", "辱骂威胁", "尾号1111反复来电", "60 分钟内 1 次", "王丽"]
    assert [cell or "" for cell in row[6:7] + row[9:]] == ["李建国", "1", "生效中", "", "", ""]
    async with db.session() as session:
        entry = (await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "nuisance.export"))).one()
    assert entry.subject_id in str(sheet["A1"].value)
    assert (entry.reason, entry.detail["filter"]) == ("季度复核", {"search": "尾号1111", "state": "生效中"})
    bureau = await signed_in(db, serve(), "bureau", Role.SUPERVISOR)
    assert (await bureau.get("/nuisance?search=1111")).status == 200
    checker = await signed_in(db, serve(), "checker", Role.CHECKER)
    assert (await checker.post("/nuisance/export", {"reason": "季度复核"})).status == 403
