"""The desks' queues: whose they are, what stands in them and in which order, counts in the rail, bulk dispatch."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from test_web_order_acts import FIELDS, act, order
from web_api import unit
from web_desk import Desk, signed_in

from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.identity.models import Unit
from core.permissions import GRANTS, Role
from crm.installed import installed
from crm.queries.desks import QUEUES
from crm.tickets.input import Correction
from crm.tickets.models import Ticket
from crm.tickets.perform import perform
from crm.tickets.service import Opening, confirm, open_draft
from crm.tickets.states import Act, State


async def confirmed(db: Database, minutes: int, **fields: str) -> Ticket:
    """An order that has waited for its dispatch for so long."""
    with clock.frozen(clock.now() - timedelta(minutes=minutes)):
        async with db.session() as session:
            given = Correction.model_validate({**FIELDS, **fields})
            ticket = await open_draft(session, Opening("counter", phone="+8613800001234", given=given))
            return await confirm(session, SYSTEM, ticket.id, ticket.version)


async def listed(desk: Desk, queue: str) -> list[str]:
    """The numbers in the queue, from the top."""
    answer = await desk.get(f"/desk?queue={queue}")
    assert answer.status == 200, await answer.text()
    return re.findall(r'<a href="/orders/[^"]+">([A-Z]+\d{8}-\d{5})</a>', await answer.text())


async def number(db: Database, id: UUID) -> str:
    async with db.session() as session:
        return (await session.get_one(Ticket, id)).number


async def test_bulk_dispatch_does_what_its_preview_says(db: Database, serve: Callable[[], Desk]) -> None:
    async with db.session() as session:
        session.add_all(Unit(code=one.code, name=one.name, kind=one.kind) for one in installed().county.units.values())
    desk = await signed_in(db, serve(), "dispatcher", Role.DISPATCHER)
    late, fresh = await confirmed(db, 45), await confirmed(db, 5)
    unclear = await confirmed(db, 20, matter="")
    assert await listed(desk, "dispatch") == [late.number, unclear.number, fresh.number]
    text = await (await desk.get("/desk?queue=dispatch")).text()
    assert "已逾期" in text and "剩 25 分钟" in text
    wanted = "&".join(f"orders={one.id}" for one in (late, unclear, fresh))
    preview = await (await desk.get(f"/desk/dispatch?{wanted}")).text()
    ready, _, left = preview.partition('id="left"')
    assert late.number in ready and fresh.number in ready and unclear.number in left
    assert "派发 2 张并发送短信" in ready and "由热线中心指定承办单位" in left
    seen = re.findall(r'name="seen" value="([^"]+)"', ready)
    async with db.session() as session:
        await perform(session, SYSTEM, fresh.id, fresh.version, Act.CORRECT, {"occurred": "每天傍晚"})
    done = await desk.post("/desk/dispatch", {"seen": seen})
    assert done.status == 303
    assert await listed(desk, "dispatch") == [unclear.number, fresh.number], "what changed since the preview stays"
    async with db.session() as session:
        gone = await session.get_one(Ticket, late.id)
        assert (gone.state, gone.lead_unit_id is not None) == (State.DISPATCHED, True)
    assert (await desk.get("/desk/dispatch")).status == 422


@pytest.mark.proves("F13-5", "F12.3-1", "F12.3-2")
async def test_a_unit_sees_its_own_line_and_signs_from_it(db: Database, serve: Callable[[], Desk]) -> None:
    mine, other = await unit(db), await unit(db, "mzj", "民政局")
    with clock.frozen(clock.now() - timedelta(days=20)):
        old = await order(db, mine)
    new, foreign = await order(db, mine), await order(db, other)
    clerk = await signed_in(db, serve(), "clerk", Role.UNIT_CLERK, unit_id=mine)
    assert (await clerk.get("/")).headers["Location"] == "/desk"
    assert await listed(clerk, "to-sign") == [await number(db, old), await number(db, new)]
    text = await (await clerk.get("/desk?queue=to-sign")).text()
    assert await number(db, foreign) not in text
    assert re.search(r'data-place="desk-to-sign"[^>]*><span>待签收</span><span class="count waits">2</span>', text)
    assert "已逾期" in text
    back = await act(clerk, db, new, "sign", back="/desk?queue=to-sign")
    assert back.headers["Location"] == "/desk?queue=to-sign"
    assert await listed(clerk, "handling") == [await number(db, new)]
    away = await act(clerk, db, old, "sign", back="//example.org/desk")
    assert away.status == 422, "a worklist of this desk, or nothing"
    asked = await act(clerk, db, new, "return", ground="not-ours", basis="不属于本单位职责范围")
    assert asked.status == 303, await asked.text()
    assert await listed(clerk, "returned") == [await number(db, new)]
    for queue in ("returns", "checks", "no-such"):
        assert (await clerk.get(f"/desk?queue={queue}")).status == 404
    lead = await signed_in(db, serve(), "lead", Role.SHIFT_LEAD)
    assert await listed(lead, "returns") == [await number(db, new)]
    page = await (await lead.get(f"/orders/{new}")).text()
    assert all(f"/orders/{new}/acts/{name}" in page for name in ("accept-return", "refuse-return", "dispute"))
    assert (await act(lead, db, new, "refuse-return")).status == 422, "no decision without its reason"
    assert (await act(lead, db, new, "refuse-return", reason="属于贵单位职责")).status == 303
    assert await listed(lead, "returns") == []
    assert await listed(clerk, "handling") == [await number(db, new)]


async def test_every_page_of_a_long_queue_is_reached_once(db: Database, serve: Callable[[], Desk]) -> None:
    desk = await signed_in(db, serve(), "dispatcher", Role.DISPATCHER)
    numbers = [(await confirmed(db, 300 - n)).number for n in range(53)]
    first = await listed(desk, "dispatch")
    text = await (await desk.get("/desk?queue=dispatch")).text()
    further = re.search(r'rel="next" href="([^"]+)"', text)
    assert further
    rest = re.findall(r">([A-Z]+\d{8}-\d{5})</a>", await (await desk.get(further[1].replace("&amp;", "&"))).text())
    assert first + rest == numbers


def test_every_role_that_acts_on_orders_has_a_desk() -> None:
    """No queue waits for nobody, and whoever owes an act sees it waiting."""
    for queue in QUEUES:
        assert any(need in granted for granted in GRANTS.values() for need in queue.needs), queue.key
    acting = {
        *(Role.DISPATCHER, Role.CHECKER, Role.FOLLOW_UP, Role.DIRECTOR, Role.ARCHIVIST, Role.SHIFT_LEAD),
        *(Role.UNIT_CLERK, Role.UNIT_LEADER, Role.SUPERVISOR, Role.BUREAU_LEADER),
    }
    assert {role for role in acting if any(set(queue.needs) & GRANTS[role] for queue in QUEUES)} == acting
