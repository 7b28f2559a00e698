"""The board and the wallboard: what the lead sees and does, what a screen shows, and what it never does."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from web_desk import Desk, signed_in

from callflow.agents import service as agents
from callflow.agents.models import Agent
from callflow.board.models import DeskNote, HelpRequest
from callflow.models import Call
from callflow.numbers import service as numbers
from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.identity.models import WebSession
from core.permissions import Role


@pytest.fixture
async def call_id(db: Database, agent: Desk) -> UUID:
    """A call in which the agent 王丽 (1001) talks now; another caller waits."""
    assert agent.user_id
    async with db.session() as session:
        await numbers.set_queue(session, SYSTEM, "hotline", "综合坐席")
        await numbers.set_queue(session, SYSTEM, "dialect", "方言坐席")
        await agents.enrol(session, SYSTEM, agent.user_id, "1001", "王丽", {"hotline": 0})
        await agents.log_in(session, SYSTEM, agent.user_id)
        at = clock.now() - timedelta(seconds=40)
        made = []
        for n, connected in enumerate((True, False)):
            one = Call(node="n", linkedid=f"1.{n}", direction="inbound", caller="+8613812345678", dialled="12345")
            one.arrived_at = one.queued_at = at
            one.queue, one.evidence = "hotline", {}
            if connected:
                one.connected_at, one.agent_id, one.agent_name = at, agent.user_id, "王丽"
            made.append(one)
        session.add_all(made)
        await session.flush()
        return made[0].id


@pytest.mark.proves("F02-2")
async def test_the_lead_sees_the_line_and_helps(db: Database, agent: Desk, lead: Desk, call_id: UUID) -> None:
    assert (await agent.get("/board")).status == 403
    page = await (await lead.get("/board")).text()
    assert "从来电接入起" in page and "从进入排队起" in page and "100.0%" in page and "138****5678" in page
    assert "13812345678" not in page
    form = await (await agent.get(f"/calls/{call_id}")).text()
    assert "求助，班长立即看到" in form
    assert (await agent.post(f"/calls/{call_id}/help", {"text": "市民情绪激动"})).status == 303
    assert "等待班长" in await (await agent.get(f"/calls/{call_id}")).text()
    page = await (await lead.get("/board")).text()
    assert "市民情绪激动" in page and f"/calls/{call_id}" in page and "1 人等待" in page
    async with db.session() as session:
        one = (await session.scalars(select(HelpRequest))).one()
    assert (await agent.post(f"/help/{one.id}/close")).status == 403
    assert (await lead.post(f"/help/{one.id}/close", {"answer": "请转由我接听"})).status == 303
    assert (await lead.post(f"/help/{one.id}/close")).status == 409
    assert "请转由我接听" in await (await agent.get(f"/calls/{call_id}")).text()
    assert (await lead.post(f"/calls/{call_id}/help")).status == 403, "only who took the call asks"


async def test_notes_stand_in_every_bar_until_read(db: Database, agent: Desk, lead: Desk, call_id: UUID) -> None:
    assert (await lead.post("/board/notes", {"text": "统一口径：预计18时恢复供水", "hours": "8"})).status == 303
    bar = await (await agent.get("/frame")).text()
    assert "预计18时恢复供水" in bar and "已读" in bar
    assert "预计18时恢复供水" not in await (await lead.get("/frame")).text()
    assert "未读：王丽" in await (await lead.get("/board")).text()
    async with db.session() as session:
        note = (await session.scalars(select(DeskNote))).one()
    answer = await agent.post(f"/desk-notes/{note.id}/read", headers={"HX-Request": "true"})
    assert answer.status == 200 and "预计18时恢复供水" not in await answer.text()
    assert "已读 1 人" in await (await lead.get("/board")).text()
    assert (await lead.post(f"/board/notes/{note.id}/withdraw")).status == 303
    assert (await lead.post(f"/board/notes/{note.id}/withdraw")).status == 409
    assert (await lead.post("/board/notes", {"text": "x"})).status == 422


async def test_the_lead_moves_an_agent_and_logs_one_out(db: Database, agent: Desk, lead: Desk, call_id: UUID) -> None:
    async def version() -> str:
        async with db.session() as session:
            return str((await session.get_one(Agent, agent.user_id)).version)

    at = f"/board/agents/{agent.user_id}"
    seen = await version()
    body = f"_csrf={lead.csrf}&version={seen}&queues=hotline:5&queues=dialect"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await lead.post(f"{at}/queues", raw=body, headers=form)).status == 303
    page = await (await lead.get("/board")).text()
    assert "综合坐席（其次）" in page and "方言坐席" in page
    assert (await lead.post(f"{at}/queues", raw=body, headers=form)).status == 409
    nothing = await lead.post(f"{at}/queues", {"version": await version()})
    assert nothing.status == 422
    assert (await lead.post(f"{at}/log-out", {"version": await version()})).status == 303
    assert (await lead.post(f"{at}/log-out", {"version": await version()})).status == 409
    assert (await agent.post(f"{at}/log-out", {"version": await version()})).status == 403


async def test_a_screen_shows_figures_and_nobodys_data(db: Database, serve: Callable[[], Desk], call_id: UUID) -> None:
    screen = await signed_in(db, serve(), "daping", Role.SCREEN)
    assert (await screen.get("/")).headers["Location"] == "/wallboard"
    page = await (await screen.get("/wallboard")).text()
    assert "排队等待" in page and "接通率（从来电起）" in page and "综合坐席" in page
    for personal in ("王丽", "5678", "1001", str(call_id)):
        assert personal not in page
    for path in ("/board", "/live-calls", "/calls", f"/calls/{call_id}", "/roster", "/orders"):
        assert (await screen.get(path)).status == 403, path
    boosted = await screen.get("/wallboard", headers={"HX-Request": "true"})
    assert boosted.headers["HX-Redirect"] == "/wallboard"
    part = await screen.get("/wallboard", headers={"HX-Request": "true", "X-Live": "1"})
    assert 'id="wallboard"' in await part.text()
    long_ago = clock.now() - timedelta(hours=30)
    async with db.session() as session:
        mine = WebSession.user_id == screen.user_id
        await session.execute(update(WebSession).where(mine).values(seen_at=long_ago, created_at=long_ago))
    assert (await screen.get("/wallboard")).status == 200, "a screen stays; nobody touches it"


async def test_other_sessions_end_when_idle(db: Database, agent: Desk) -> None:
    async with db.session() as session:
        await session.execute(update(WebSession).values(seen_at=clock.now() - timedelta(minutes=31)))
    assert (await agent.get("/my-day")).status in (302, 303)
