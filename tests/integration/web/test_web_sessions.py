"""Sessions as they end: idle ones, never during a call; revoked ones at once, also on a stream that is open."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import aiohttp
import pytest
from sqlalchemy import select, update
from web_desk import Desk, signed_in

from callflow.agents.models import Agent, Presence
from callflow.models import Call
from core import clock
from core.db import Database
from core.identity.models import WebSession
from core.live import hint
from core.permissions import Role

PROMPTLY_S = 12.0
"""Less than a heartbeat: what comes within it came because somebody was told."""


async def left_alone(db: Database, hours: float) -> None:
    """Nobody has touched any session for so long."""
    async with db.session() as session:
        at = clock.now() - timedelta(hours=hours)
        await session.execute(update(WebSession).values(seen_at=at, created_at=at))


@pytest.mark.parametrize(("hours", "after"), [(0.6, 200), (13, 303)])
async def test_an_idle_session_ends_but_never_during_a_call(
    db: Database, agent: Desk, hours: float, after: int
) -> None:
    at = clock.now() - timedelta(hours=1)
    async with db.session() as session:
        call = Call(node="node1", linkedid="8.8", caller="+8613812345678", dialled="12345", arrived_at=at)
        call.agent_id, call.connected_at = agent.user_id, at
        session.add(call)
    await left_alone(db, hours)
    assert (await agent.get("/account")).status == 200
    await left_alone(db, hours)
    assert (await agent.get("/frame", headers={"X-Live": "1"})).status == 200
    async with db.session() as session:
        (await session.get_one(Call, call.id)).ended_at = clock.now()
    just_talked = await agent.get("/frame", headers={"X-Live": "1"})
    assert just_talked.status == after, "idle only from the call's end on; a day's end ends the day"
    await left_alone(db, hours)
    answer = await agent.get("/account")
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?next=/account")


@pytest.mark.parametrize("device", ["idle", "unavailable"])
async def test_who_sits_ready_at_the_page_all_night_stays_signed_in(db: Database, agent: Desk, device: str) -> None:
    async with db.session() as session:
        at = clock.now()
        telephone = {"extension": "1701", "sip_secret": "no one's", "webrtc": True, "logged_in_at": at}
        session.add(Agent(user_id=agent.user_id, name="李雯", **telephone))
        seen = {"device": device, "paused": False, "in_call": False, "calls_taken": 0, "seen_at": at}
        session.add(Presence(node="node1", queue="hotline", extension="1701", **seen))
    await left_alone(db, 0.6)
    answer = await agent.get("/session", headers={"X-Live": "1"})
    assert answer.status == (200 if device == "idle" else 303), "a page that is gone keeps nobody signed in"
    async with db.session() as session:
        row = await session.get_one(Agent, agent.user_id)
        row.paused_at, row.pause_reason = clock.now(), "unanswered"
    await left_alone(db, 0.6)
    assert (await agent.get("/session", headers={"X-Live": "1"})).status == 303, "who let a call ring is not there"


async def test_what_pages_fetch_by_themselves_keeps_nobody_signed_in(db: Database, agent: Desk) -> None:
    await left_alone(db, 0.4)
    assert (await agent.get("/frame", headers={"X-Live": "1"})).status == 200
    await left_alone(db, 0.6)
    assert (await agent.get("/frame", headers={"X-Live": "1"})).status == 303


async def listening(desk: Desk) -> aiohttp.ClientResponse:
    answer = await desk.client.get("/live", headers={"Accept": "text/event-stream"})
    assert answer.status == 200
    assert b"event: hello" in await answer.content.readuntil(b"\n\n")
    return answer


async def until_the_end(answer: aiohttp.ClientResponse) -> list[str]:
    """What the stream still says until it ends by itself."""
    said: list[str] = []
    async with asyncio.timeout(PROMPTLY_S):
        async for line in answer.content:
            said.append(line.decode().strip())
    return said


@pytest.fixture
async def busy(db: Database) -> AsyncIterator[None]:
    """So much happens that a stream is never silent."""

    async def happen() -> None:
        while True:
            async with db.session() as session:
                hint(session, "calls")
            await asyncio.sleep(0.05)

    task = asyncio.create_task(happen())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.usefixtures("busy")
async def test_a_revoked_session_hears_nothing_more(
    db: Database, serve: Callable[[], Desk], agent: Desk, lead: Desk
) -> None:
    security = await signed_in(db, serve(), "zhouan", Role.SECURITY_ADMIN)
    revoked, kept = await listening(agent), await listening(lead)
    assert (await security.post(f"/users/{agent.user_id}/sessions", {"reason": "笔记本遗失"})).status == 303
    assert "event: end" in await until_the_end(revoked)
    async with asyncio.timeout(PROMPTLY_S):
        assert b"hint" in await kept.content.readuntil(b"\n\n")
    kept.close()


@pytest.mark.usefixtures("busy")
async def test_signing_out_and_switching_off_end_the_stream(
    db: Database, serve: Callable[[], Desk], agent: Desk, lead: Desk
) -> None:
    security = await signed_in(db, serve(), "zhouan", Role.SECURITY_ADMIN)
    first, second = await listening(agent), await listening(lead)
    assert (await agent.post("/sign-out")).status == 303
    assert "event: end" in await until_the_end(first)
    form = {"active": "false", "reason": "离岗"}
    assert (await security.post(f"/users/{lead.user_id}/active", form)).status == 303
    assert "event: end" in await until_the_end(second)


@pytest.mark.usefixtures("soon", "busy")
async def test_a_session_that_ends_unsaid_is_noticed_on_a_stream_that_is_never_silent(
    db: Database, agent: Desk
) -> None:
    answer = await listening(agent)
    async with db.session() as session:
        await session.execute(update(WebSession).values(revoked_at=clock.now()))
    assert "event: end" in await until_the_end(answer)


@pytest.mark.usefixtures("soon")
async def test_a_page_left_open_keeps_nobody_signed_in(db: Database, agent: Desk) -> None:
    await left_alone(db, 0.4)
    answer = await listening(agent)
    async with asyncio.timeout(PROMPTLY_S):
        for _ in range(3):
            await answer.content.readuntil(b": still here\n\n")
    async with db.session() as session:
        seen_at = await session.scalar(select(WebSession.seen_at).where(WebSession.user_id == agent.user_id))
    assert seen_at is not None
    assert clock.now() - seen_at > timedelta(hours=0.39)
    await left_alone(db, 0.6)
    assert "event: end" in await until_the_end(answer)
