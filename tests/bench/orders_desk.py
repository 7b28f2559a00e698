"""The web role over a county's orders, and the people who sit before it: real requests over a socket, one at a time."""

import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from sqlalchemy import select

from core.actor import SYSTEM, Actor
from core.db import Database
from core.identity import service as identity
from core.identity.models import Unit
from core.permissions import Role
from core.secrets import Secrets
from recordings.store.folder import FolderStore
from web import app
from web.bundle import Bundle
from web.live import Hub
from web.parts import Parts
from web.routes import TABLE
from web.settings import WebSettings

BUNDLE = Bundle({name: name for name in ("desk.js", "player.js", "live-worker.js", "style.css")})
PASSWORD = "Yiyang-12345-A"


@dataclass
class Desk:
    """One person's browser."""

    actor: Actor
    session: aiohttp.ClientSession
    url: str
    token: str

    async def get(self, path: str) -> tuple[float, str]:
        """The page as navigation fetches it -> milliseconds until its last byte, and the page."""
        began = time.perf_counter()
        headers = {"Cookie": f"__Host-hotline={self.token}", "Accept": "text/html", "HX-Request": "true"}
        async with self.session.get(self.url + path, headers=headers) as response:
            text = await response.text()
            if response.status != 200:
                raise RuntimeError(f"{path}: {response.status} {text[:300]}")
        return (time.perf_counter() - began) * 1000, text


@dataclass(frozen=True)
class Office:
    """`centre` sees all orders; `clerks` by their unit's code."""

    centre: Desk
    clerks: dict[str, Desk]
    units: dict[str, Unit]


@contextlib.asynccontextmanager
async def office(db: Database, folder: Path, *, clerks: bool = True) -> AsyncIterator[Office]:
    """Everybody at the desk; without `clerks` only the centre."""
    store = FolderStore(folder / "archive")
    parts = Parts(db, WebSettings(), Secrets(folder / "secrets"), BUNDLE, folder, "弋阳12345", store)
    hub = Hub(db, 50)
    await hub.start()
    runner = web.AppRunner(app.build(parts, TABLE, hub), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        async with db.session() as opened:
            units = {unit.code: unit for unit in await opened.scalars(select(Unit).order_by(Unit.code))}
            for unit in units.values():
                unit.office, unit.duty_phone = "办公室", "+867935886000"
                unit.leader_name, unit.leader_phone = "张三", "+8613800000000"
        centre = await desk_of(db, session, url, "派单员", Role.DISPATCHER, None)
        seated = units if clerks else {}
        there = {
            code: await desk_of(db, session, url, unit.name[:20], Role.UNIT_CLERK, unit)
            for code, unit in seated.items()
        }
        yield Office(centre, there, units)
    await runner.cleanup()
    await hub.stop()


async def desk_of(
    db: Database, session: aiohttp.ClientSession, url: str, name: str, role: Role, unit: Unit | None
) -> Desk:
    """Somebody of this role, signed in."""
    login = f"bench{secrets.token_hex(6)}"
    async with db.session() as opened:
        user, _ = await identity.create_user(
            opened,
            SYSTEM,
            login=login,
            name=name,
            roles=frozenset({role}),
            unit_id=unit.id if unit else None,
            password=PASSWORD,
        )
        actor = identity.actor_of(user)
    signed = await identity.sign_in(db, login, PASSWORD, address="127.0.0.1", agent="bench")
    return Desk(actor, session, url, signed.token)
