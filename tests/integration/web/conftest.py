"""The web role on a real socket with TLS, a real database behind it, and people who sign in."""

import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import jinja2
import pytest
import trustme
from aiohttp import web_app
from aiohttp.test_utils import TestClient, TestServer
from web_desk import Desk, signed_in

from callflow import current
from callflow.policy import LinePolicy
from core.db import Database
from core.permissions import Role
from core.rules.book import Rulebook
from core.rules.keeper import RulesKeeper
from core.secrets import Secrets
from crm import installed
from crm.installed import Installation
from recordings.store.folder import FolderStore
from recordings.store.port import Store
from web import app, live
from web.bundle import Bundle
from web.live import Hub
from web.pages import stream
from web.parts import Parts
from web.render import RENDERER
from web.routes import TABLE
from web.settings import WebSettings

POLICY = Path(__file__).parents[3] / "counties" / "yiyang" / "policy.toml"
BUNDLE = Bundle({name: name for name in ("desk.js", "player.js", "live-worker.js", "style.css")})


@pytest.fixture(autouse=True)
def county(installation: Installation) -> None:
    """The county whose catalogue, limits and line policy the pages speak of."""
    installed.use(installation)
    current.use(installation.policy[LinePolicy])


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> jinja2.BytecodeCache:
    """The templates, compiled once for all the applications that the tests build."""
    return jinja2.FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def hub(db: Database) -> Hub:
    """Where the streams of `serve` get their hints from."""
    return Hub(db, 50)


@pytest.fixture
def phone_address() -> str:
    """Where the telephones in the page lead; nowhere, unless a test says where."""
    return ""


@pytest.fixture
def store(home: Path) -> Store:
    """Where sound and attachments lie."""
    return FolderStore(home / "archive")


@pytest.fixture
async def serve(
    db: Database,
    home: Path,
    store: Store,
    authority: trustme.CA,
    hub: Hub,
    phone_address: str,
    compiled: jinja2.BytecodeCache,
) -> AsyncIterator[Callable[[], Desk]]:
    """Opens browsers at one running web role."""
    parts = Parts(
        db, WebSettings(), Secrets(home / "secrets"), BUNDLE, home, "弋阳12345", store, phone_address=phone_address
    )
    await hub.start()
    application = app.build(parts, TABLE, hub)
    application[RENDERER]._environment.bytecode_cache = compiled
    server = TestServer(application, scheme="https")
    context, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    await server.start_server(ssl=context)
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
        web_app._cached_build_middleware.cache_clear()  # it holds every application that ever answered


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
