"""Acts from the order page: forms by what the table offers, errors by field, conflicts, and why not."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from web_api import unit
from web_desk import Desk, signed_in

from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.ledger.models import LedgerEntry
from core.permissions import Role
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Reply, Ticket, TicketEvent
from crm.tickets.service import Opening, open_draft
from crm.tickets.states import State

FIELDS = {"category": "complaint", "title": "路边摊占道", "content": "每天傍晚占道经营。", "matter": "CX01"}
FIELDS |= {"occurred": "每天傍晚", "address": "胜利路", "subject": "流动摊贩", "demand": "请劝离"}


async def order(db: Database, lead: UUID) -> UUID:
    """A complaint that was dispatched an hour ago."""
    with clock.frozen(clock.now() - timedelta(hours=1)):
        return await _order(db, lead)


async def _order(db: Database, lead: UUID) -> UUID:
    async with db.session() as session:
        given = Correction.model_validate(FIELDS)
        ticket = await open_draft(session, Opening("counter", phone="+8613800001234", given=given))
        await dispatch(session, SYSTEM, ticket.id, ticket.version, Order(lead_unit_id=lead, basis="测试派发"))
        return ticket.id


async def ticket_of(db: Database, id: UUID) -> Ticket:
    async with db.session() as session:
        return await session.get_one(Ticket, id)


async def act(desk: Desk, db: Database, id: UUID, name: str, **given: Any) -> Any:
    """The act's form as the page sends it, at the present version."""
    version = (await ticket_of(db, id)).version
    return await desk.post(f"/orders/{id}/acts/{name}", {"version": str(version), **given})


def answered() -> dict[str, str]:
    """What the unit fills in; told half an hour ago."""
    told = clock.local(clock.now() - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M")
    return {
        "text": "已派员到现场清理，占道摊贩已全部劝离。",
        "close_kind": "handled",
        "contact_method": "phone",
        "contact_at": told,
        "contact_person": "李某",
        "solved": "true",
        "evidence": "现场照片2张",
    }


async def test_an_order_goes_through_its_forms_to_the_archive(db: Database, serve: Callable[[], Desk]) -> None:
    cgj = await unit(db)
    id = await order(db, cgj)
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=cgj)
    page = await (await clerk.get(f"/orders/{id}")).text()
    assert f'action="/orders/{id}/acts/sign"' in page
    assert "acts/submit" not in page, "only what the table offers now"
    assert "投诉类10个工作日" in page and "自2023年6月5日起施行" in page, "the clock says what it rests on"
    code = (await ticket_of(db, id)).query_code
    assert code not in page and "order-sms" not in page, "the query code is the citizen's, not the unit's"
    centre = await signed_in(db, serve(), "dispatcher", Role.DISPATCHER)
    assert code in await (await centre.get(f"/orders/{id}")).text()
    assert (await act(clerk, db, id, "sign")).headers["Location"] == f"/orders/{id}"
    page = await (await clerk.get(f"/orders/{id}")).text()
    assert "提交办结，送审核" in page
    wrong = await act(clerk, db, id, "submit", text="已派员到现场清理。", close_kind="handled")
    assert wrong.status == 422
    assert "请选择答复方式" in await wrong.text()
    early = await act(clerk, db, id, "submit", **answered() | {"contact_at": "2026-01-02T09:00"})
    assert early.status == 422 and "答复时间应在" in await early.text()
    done = await act(clerk, db, id, "submit", **answered())
    assert done.status == 303, await done.text()
    checker = await signed_in(db, serve(), "checker", Role.CHECKER)
    page = await (await checker.get(f"/orders/{id}")).text()
    assert "待审核" in page and "已派员到现场清理，占道摊贩已全部劝离。" in page
    assert "通过后本轮办理结束，答复不能再改" in page
    assert (await act(checker, db, id, "pass")).status == 303
    caller = await signed_in(db, serve(), "caller", Role.FOLLOW_UP)
    bare = await act(caller, db, id, "follow-up", result="rated")
    assert bare.status == 422 and "请选择满意度" in await bare.text()
    assert (await act(caller, db, id, "follow-up", result="rated", grade="satisfied", solved="true")).status == 303
    archivist = await signed_in(db, serve(), "archivist", Role.ARCHIVIST)
    assert (await act(archivist, db, id, "archive")).status == 303
    assert (await ticket_of(db, id)).state == State.ARCHIVED
    page = await (await archivist.get(f"/orders/{id}")).text()
    assert "评价：满意" in page and "诉求：已解决" in page


async def test_an_act_says_from_where_it_came_to_who_answers_for_it(db: Database, serve: Callable[[], Desk]) -> None:
    cgj = await unit(db)
    id = await order(db, cgj)
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=cgj)
    assert (await act(clerk, db, id, "sign")).status == 303
    async with db.session() as session:
        wanted = select(TicketEvent).where(TicketEvent.ticket_id == id).order_by(TicketEvent.seq)
        events = (await session.scalars(wanted)).all()
        noted = await session.scalars(select(LedgerEntry).where(LedgerEntry.action == "session.sign-in"))
        assert {one.detail["address"] for one in noted} == {"127.0.0.1"}
    assert [(one.act, one.address) for one in events] == [("open", ""), ("dispatch", ""), ("sign", "127.0.0.1")]
    for name, role, sees in (
        ("lead", Role.SHIFT_LEAD, True),
        ("bureau", Role.SUPERVISOR, True),
        ("a", Role.AGENT, False),
    ):
        page = await (await (await signed_in(db, serve(), name, role)).get(f"/orders/{id}")).text()
        assert ("127.0.0.1" in page.partition('id="order-history"')[2]) is sees, role
    assert "127.0.0.1" not in await (await clerk.get(f"/orders/{id}")).text()


async def test_who_was_slower_gets_a_conflict_and_keeps_what_was_typed(db: Database, serve: Callable[[], Desk]) -> None:
    cgj = await unit(db)
    id = await order(db, cgj)
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=cgj)
    version = str((await ticket_of(db, id)).version)
    assert (await clerk.post(f"/orders/{id}/acts/sign", {"version": version})).status == 303
    swapped = {"HX-Request": "true"}
    late = await clerk.post(f"/orders/{id}/acts/sign", {"version": version}, headers=swapped)
    assert late.status == 409
    assert "已被其他人员修改" in await late.text()
    assert late.headers["HX-Retarget"] == "#notice", "the form and what was typed stay on the page"
    page = await (await clerk.get(f"/orders/{id}")).text()
    assert re.search(rf'data-keep="{id}-submit"', page)


@pytest.mark.proves("F15-2")
async def test_what_is_not_possible_says_why_and_until_when(db: Database, serve: Callable[[], Desk]) -> None:
    cgj = await unit(db)
    id = await order(db, cgj)
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=cgj)
    await act(clerk, db, id, "sign")
    longer = await act(clerk, db, id, "extend", ground="complex", explanation="现场权属需要核实", days="11")
    assert longer.status == 422
    assert "最多可延期10个工作日" in await longer.text()
    asked = await act(clerk, db, id, "extend", ground="complex", explanation="现场权属需要核实", days="5")
    assert asked.status == 303
    page = await (await clerk.get(f"/orders/{id}")).text()
    assert "已有延期申请待审批（第十五条）" in page
    assert "acts/extend" not in page
    lead = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    before = (await ticket_of(db, id)).due_at
    assert before is not None
    assert (await act(lead, db, id, "grant-extension", reason="权属确需核实，同意")).status == 303
    after = (await ticket_of(db, id)).due_at
    assert after is not None and after > before
    page = await (await clerk.get(f"/orders/{id}")).text()
    assert "时限变动" in page and "延期5个工作日：权属确需核实，同意" in page
    assert "本工单已延期1次" in page


async def test_nothing_is_half_saved_of_what_is_wrong(db: Database, serve: Callable[[], Desk]) -> None:
    cgj = await unit(db)
    id = await order(db, cgj)
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=cgj)
    await act(clerk, db, id, "sign")
    for wrong in (
        {"text": "<script>alert(1)</script>", "contact_at": "明天"},
        {"text": "x" * 4001},
        {"text": "已处理完毕。", "close_kind": "forged"},
        {"text": "已处理完毕。", "unknown": "1"},
    ):
        refused = await act(clerk, db, id, "submit", **wrong)
        assert refused.status == 422, wrong
    async with db.session() as session:
        assert (await session.get_one(Ticket, id)).state == State.HANDLING
        assert await session.get(Reply, id) is None
    stranger = await signed_in(db, serve(), "stranger", Role.UNIT_CLERK, unit_id=await unit(db, "mzj", "民政局"))
    foreign = await act(stranger, db, id, "sign")
    assert foreign.status == 404
