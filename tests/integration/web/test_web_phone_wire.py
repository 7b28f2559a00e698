"""The wire of a telephone in the page and the sign-in that it belongs to: the wire keeps nobody signed in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import select, update
from web_desk import Desk

from callflow.agents import service as agents
from callflow.models import Call
from callflow.phones import passwords
from core import clock
from core.actor import SYSTEM
from core.db import Database
from core.identity.models import WebSession
from web import phone_wire

IN_TIME_S = 12.0


@pytest.fixture
async def phone_address() -> AsyncIterator[str]:
    """A line that takes whoever comes and says nothing."""

    async def take(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=(phone_wire.SIP,))
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    app = web.Application()
    app.router.add_get("/ws", take)
    async with TestServer(app) as server:
        yield str(server.make_url("/ws"))


@pytest.fixture
async def wire(
    db: Database, agent: Desk, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """The open wire of an agent whose telephone is in the page, looked after every moment."""
    monkeypatch.setattr(phone_wire, "HEARTBEAT_S", 0.1)
    assert agent.user_id
    async with db.session() as session:
        await agents.enrol(session, SYSTEM, agent.user_id, "1001", "王丽", {}, in_page=True)
        mine = await session.scalar(select(WebSession.id).where(WebSession.user_id == agent.user_id))
        assert mine
        await passwords.give(session, agent.user_id, mine)
    async with agent.client.ws_connect("/phone", protocols=(phone_wire.SIP,)) as socket:
        yield socket


async def left_alone(db: Database, hours: float) -> datetime:
    """Nobody has touched any session since then."""
    at = clock.now() - timedelta(hours=hours)
    async with db.session() as session:
        await session.execute(update(WebSession).values(seen_at=at))
    return at


async def seen_at(db: Database) -> datetime:
    async with db.session() as session:
        return (await session.scalars(select(WebSession.seen_at))).one()


async def looked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """Waits until the wire has looked after its sign-in once more."""
    looks = asyncio.Condition()
    real = phone_wire.still_mine

    async def counted(ctx: phone_wire.Context) -> bool:
        alive = await real(ctx)
        async with looks:
            looks.notify_all()
        return alive

    monkeypatch.setattr(phone_wire, "still_mine", counted)

    async def once_more() -> None:
        async with asyncio.timeout(IN_TIME_S), looks:
            await looks.wait()

    return once_more


async def test_an_open_wire_keeps_nobody_signed_in(
    db: Database, wire: aiohttp.ClientWebSocketResponse, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = await looked(monkeypatch)
    at = await left_alone(db, 0.4)
    for _ in range(3):
        await look()
    assert await seen_at(db) == at
    assert not wire.closed
    await left_alone(db, 0.6)
    async with asyncio.timeout(IN_TIME_S):
        await wire.receive()
    assert wire.close_code == phone_wire.SIGNED_OUT


async def test_a_telephone_that_comes_back_by_itself_is_no_sign_of_life(
    db: Database, wire: aiohttp.ClientWebSocketResponse, agent: Desk
) -> None:
    at = await left_alone(db, 0.4)
    async with agent.client.ws_connect("/phone", protocols=(phone_wire.SIP,)):
        assert await seen_at(db) == at
    by_itself = await agent.post("/phone/password", headers={"X-Live": "1"})
    assert by_itself.status == 200
    assert await seen_at(db) == at
    assert (await agent.post("/phone/password")).status == 200
    assert await seen_at(db) > at, "a person's own act is one"


async def test_no_wire_ends_during_a_call_and_the_idle_time_begins_with_its_end(
    db: Database, wire: aiohttp.ClientWebSocketResponse, agent: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = clock.now() - timedelta(hours=1)
    async with db.session() as session:
        call = Call(node="node1", linkedid="8.8", caller="+8613812345678", dialled="12345", arrived_at=at)
        call.agent_id, call.connected_at = agent.user_id, at
        session.add(call)
    look = await looked(monkeypatch)
    idle_since = await left_alone(db, 0.6)
    await look()
    assert await seen_at(db) > idle_since + timedelta(hours=0.5)
    async with db.session() as session:
        (await session.get_one(Call, call.id)).ended_at = clock.now()
    for _ in range(2):
        await look()
    assert not wire.closed, "who has just talked is not idle yet"
    await left_alone(db, 0.6)
    async with asyncio.timeout(IN_TIME_S):
        await wire.receive()
    assert wire.close_code == phone_wire.SIGNED_OUT
