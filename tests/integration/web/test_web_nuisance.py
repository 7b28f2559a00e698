"""Nuisance callers in the browser: proposed from the call, seen by the desk, confirmed by another lead."""

from collections.abc import Callable
from datetime import timedelta

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
