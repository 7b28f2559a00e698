"""A unit's order page: masked until a reason is given, hidden where the identity is sealed, marked in print."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from test_web_order_acts import act, order
from web_api import unit
from web_desk import Desk, signed_in

from core.db import Database
from core.permissions import Role
from crm.tickets.models import Ticket

NAME, NUMBER, PLACE = "张建国", "13800001234", "胜利路15号凤凰小区3栋2单元501室"
SHOWN = {"caller_name": NAME, "address": PLACE}


async def changed(db: Database, id: UUID, **values: Any) -> None:
    """The order as if it had come so."""
    async with db.session() as session:
        ticket = await session.get_one(Ticket, id)
        for name, value in values.items():
            setattr(ticket, name, value)


@pytest.mark.proves("A22-1", "F22-2", "F22-5")
async def test_a_clerk_sees_the_citizen_for_a_reason_and_prints_with_a_mark(
    db: Database, serve: Callable[[], Desk]
) -> None:
    cgj = await unit(db)
    id = await order(db, cgj)
    await changed(db, id, **SHOWN)
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=cgj)
    page = await (await clerk.get(f"/orders/{id}")).text()
    assert "138****1234" in page and "张*国" in page and "胜利路**号凤凰小区**栋**单元**室" in page
    assert not any(secret in page for secret in (NAME, NUMBER, PLACE))
    assert "打印 · 内部资料，不得外传" in page and "显示 15 分钟，并通知负责人" in page
    told = await (await clerk.post(f"/orders/{id}/caller", {"reason": "电话答复诉求人"})).text()
    assert NAME in told and NUMBER in told and PLACE in told
    assert NUMBER in await (await clerk.get(f"/orders/{id}")).text(), "for some minutes"
    printed = told.partition('class="only-print"')[2]
    assert NUMBER not in printed and PLACE not in printed, "on paper it stays masked"


@pytest.mark.proves("F22-3", "A22-3")
async def test_a_report_is_shown_to_its_unit_without_its_reporter_until_that_is_granted(
    db: Database, serve: Callable[[], Desk]
) -> None:
    cgj = await unit(db)
    id = await order(db, cgj)
    await changed(db, id, sealed=True, category="report", **SHOWN)
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=cgj)
    await act(clerk, db, id, "sign")
    told = await (await clerk.post(f"/orders/{id}/caller", {"reason": "现场核实"})).text()
    assert PLACE in told and "诉求人身份保密" in told and NAME not in told and NUMBER not in told
    assert (await act(clerk, db, id, "ask-identity", purpose="须由举报人指认")).status == 303
    director = await signed_in(db, serve(), "director", Role.DIRECTOR)
    assert "身份查看审批" in await (await director.get("/desk?queue=identity")).text()
    assert (await act(director, db, id, "grant-identity", reason="确需当面核实")).status == 303
    page = await (await clerk.get(f"/orders/{id}")).text()
    assert NAME in page and NUMBER in page and "有效至" in page, "the reason was given a minute ago"
