"""Streams of hints: what many of them cost the database, who is let in, and who hears what."""

import asyncio
from uuid import UUID

import pytest
from aiohttp import web
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from test_web_sessions import PROMPTLY_S, listening
from web_desk import Desk

from core.db import Database, new_id
from core.identity.service import Identified
from core.live import DESK, hint
from web import doors
from web.live import Busy, Hub

GENEROUS_S = 30.0


@pytest.mark.usefixtures("soon")
async def test_a_stream_outlives_a_database_that_is_away(
    db: Database, agent: Desk, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, away = await listening(agent), Database("postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setattr(hub, "_db", away)
    async with asyncio.timeout(GENEROUS_S):
        while (await hub.health()).ok:  # noqa: ASYNC110 - a loop of its own has to fail
            await asyncio.sleep(0.02)
    monkeypatch.setattr(hub, "_db", db)
    async with db.session() as session:
        hint(session, "calls")
    async with asyncio.timeout(PROMPTLY_S):
        await answer.content.readuntil(b"data: calls ")
    answer.close()
    await away.close()


async def test_however_many_listen_their_sign_ins_are_looked_after_in_one_statement(
    db: Database, agent: Desk, lead: Desk, hub: Hub
) -> None:
    answers = [await listening(desk) for desk in (agent, lead) * 5]
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    hub.lose()
    async with asyncio.timeout(PROMPTLY_S):
        for answer in answers:
            await answer.content.readuntil(b"event: gap")
    event.remove(db.engine.sync_engine, "before_cursor_execute", note)
    assert len([one for one in said if "web_sessions" in one]) == 1
    for answer in answers:
        answer.close()


async def test_desks_that_come_back_together_leave_the_database_to_pages(
    agent: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = most = 0
    identify = doors.identify

    async def counted(request: web.Request, session: AsyncSession) -> Identified | None:
        nonlocal looking, most
        looking += 1
        most = max(most, looking)
        found = await identify(request, session)
        looking -= 1
        return found

    monkeypatch.setattr(doors, "identify", counted)
    answers = await asyncio.gather(*(listening(agent) for _ in range(40)))
    assert most == doors.STREAMS_AT_ONCE
    for answer in answers:
        answer.close()


async def test_telephones_take_no_places_of_browsers(db: Database) -> None:
    hub = Hub(db, 1)
    for _ in range(3):
        hub.open(frozenset(), "", "telephone")
    hub.open(frozenset({"calls"}), "", "browser", new_id())
    with pytest.raises(Busy):
        hub.open(frozenset({"calls"}), "", "another", new_id())


async def test_what_concerns_one_desk_is_told_to_it_alone(db: Database, agent: Desk, lead: Desk) -> None:
    own, other = await listening(agent), await listening(lead)
    async with db.session() as session:
        hint(session, DESK, agent.user_id)
        hint(session, "calls", UUID(int=1))
    async with asyncio.timeout(PROMPTLY_S):
        said = await own.content.readuntil(b"calls")
        unsaid = await other.content.readuntil(b"calls")
    assert f"data: {DESK} {agent.user_id}\n".encode() in said
    assert DESK.encode() not in unsaid
    own.close()
    other.close()
