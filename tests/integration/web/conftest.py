"""The web role on a real socket with TLS, a real database behind it, and people who sign in."""

import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp.test_utils import TestClient, TestServer
from web_desk import Desk, signed_in

from core.db import Database
from core.permissions import Role
from core.rules.book import Rulebook
from core.rules.keeper import RulesKeeper
from core.secrets import Secrets
from crm import installed
from recordings.store.folder import FolderStore
from web import app, live
from web.bundle import Bundle
from web.live import Hub
from web.pages import stream
from web.parts import Parts
from web.routes import TABLE
from web.settings import WebSettings

POLICY = Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml"
BUNDLE = Bundle({name: name for name in ("desk.js", "player.js", "live-worker.js", "style.css")})


@pytest.fixture(autouse=True)
def county() -> None:
    """The county whose catalogue and limits the pages speak of."""
    installed.use(installed.read(Path("counties/yiyang")))


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def hub(db: Database) -> Hub:
    """Where the streams of `serve` get their hints from."""
    return Hub(db, 50)


@pytest.fixture
async def serve(db: Database, home: Path, authority: trustme.CA, hub: Hub) -> AsyncIterator[Callable[[], Desk]]:
    """Opens browsers at one running web role."""
    parts = Parts(
        db, WebSettings(), Secrets(home / "secrets"), BUNDLE, home, "弋阳12345", FolderStore(home / "archive")
    )
    await hub.start()
    server = TestServer(app.build(parts, TABLE, hub), scheme="https")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    await server.start_server(ssl=context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    clients: list[TestClient[Any, Any]] = []

    def open_desk() -> Desk:
        jar = aiohttp.CookieJar(unsafe=True)
        client = TestClient(server, cookie_jar=jar, connector=aiohttp.TCPConnector(ssl=trusting))
        clients.append(client)
        return Desk(client)

    try:
        yield open_desk
    finally:
        await hub.stop()
        for client in clients:
            await client.session.close()
        await server.close()


@pytest.fixture
async def keeper(db: Database, county: None) -> RulesKeeper:
    """The rules of this process, as its keeper keeps them."""

    def apply(book: Rulebook) -> None:
        installed.use(replace(installed.installed(), rules=book))

    lists = installed.installed().first_lists
    made = RulesKeeper(db, POLICY.read_text(encoding="utf-8"), apply, must_load=True, lists=lists)
    await made.look()
    return made


@pytest.fixture
async def agent(db: Database, serve: Callable[[], Desk]) -> Desk:
    """An agent who is signed in."""
    return await signed_in(db, serve(), "wangli", Role.AGENT)


@pytest.fixture
async def lead(db: Database, serve: Callable[[], Desk]) -> Desk:
    """A shift lead who is signed in."""
    return await signed_in(db, serve(), "lijianguo", Role.SHIFT_LEAD)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for what is done now and then."""
    monkeypatch.setattr(live, "LOOK_S", 0.3)
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.3)
