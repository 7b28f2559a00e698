"""The web role dies after the commit and before the answer: the program asks again and gets that answer."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select
from web_api import ORDER, program

from core.db import Database
from core.secrets import Secrets
from crm.tickets.models import Ticket
from recordings.store.folder import FolderStore
from web import app
from web.bundle import Bundle
from web.live import Hub
from web.parts import Parts
from web.routes import TABLE
from web.settings import WebSettings


async def test_the_answer_that_was_lost_is_given_again(db: Database, home: Path, serve: Any) -> None:
    counter = await program(db, serve)
    headers = counter.headers(**{"Idempotency-Key": '"lost"'})
    bundle = Bundle({name: name for name in ("desk.js", "player.js", "live-worker.js", "style.css")})
    parts = Parts(
        db, WebSettings(), Secrets(home / "secrets"), bundle, home, "弋阳12345", FolderStore(home / "archive")
    )
    dying = app.build(parts, TABLE, Hub(db, 1))

    async def die(request: web.Request, response: web.StreamResponse) -> None:
        """What the caller sees when the process is killed here: the transaction is committed, the line is dead."""
        assert request.transport is not None
        request.transport.abort()
        raise ConnectionResetError

    dying.on_response_prepare.append(die)
    async with TestServer(dying) as server, aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientError):
            await client.post(server.make_url("/api/v1/orders"), json=ORDER, headers=headers)
    async with db.session() as session:
        number = await session.scalar(select(Ticket.number))
    status, order = await counter.post("/api/v1/orders", ORDER, key='"lost"')
    assert (status, order["number"]) == (201, number)
    async with db.session() as session:
        assert await session.scalar(select(func.count()).select_from(Ticket)) == 1
