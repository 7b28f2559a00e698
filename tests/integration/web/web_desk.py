"""A browser at the hotline, for tests of pages and of what they post."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp.test_utils import TestClient
from sqlalchemy import update

from core.actor import SYSTEM
from core.db import Database
from core.identity import service as identity
from core.identity.models import User, WebSession
from core.permissions import Role

PASSWORD = "Yiyang-12345-A"
NAMES = {Role.AGENT: "王丽", Role.SHIFT_LEAD: "李建国", Role.ARCHIVIST: "陈档", Role.SECURITY_ADMIN: "周安"}
TOKEN = re.compile(r'name="_csrf" value="([^"]+)"')


@dataclass
class Desk:
    """One browser at the hotline."""

    client: TestClient[Any, Any]
    csrf: str = ""
    user_id: UUID | None = None

    async def get(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        options.setdefault("headers", {}).setdefault("Accept", "text/html")
        return await self.client.get(path, allow_redirects=False, **options)

    async def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> aiohttp.ClientResponse:
        headers = {"Accept": "text/html", "X-CSRF-Token": self.csrf} | options.pop("headers", {})
        if "raw" in options:
            return await self.client.post(path, data=options.pop("raw"), headers=headers, allow_redirects=False)
        if "json" not in options:
            options["data"] = data or {}
        return await self.client.post(path, headers=headers, allow_redirects=False, **options)

    async def token(self, path: str = "/sign-in") -> str:
        """The CSRF token of a page's form."""
        found = TOKEN.search(await (await self.get(path)).text())
        assert found, f"no form on {path}"
        self.csrf = found[1]
        return self.csrf

    @property
    def cookie(self) -> str:
        """The session's token as this browser carries it."""
        return next(one.value for one in self.client.session.cookie_jar if one.key == "__Host-hotline")

    async def enter(self, login: str, password: str = PASSWORD) -> aiohttp.ClientResponse:
        """The password step."""
        await self.token()
        return await self.post("/sign-in", {"login": login, "password": password})


async def everyone(db: Database, desk: Desk, roles: Iterable[Role], unit_id: UUID | None = None) -> Desk:
    """This desk with a person at it whom no page makes, administrators' roles among others: one walk reaches every
    form."""
    await signed_in(db, desk, "everyone", Role.UNIT_CLERK if unit_id else Role.AGENT, unit_id=unit_id)
    async with db.session() as session:
        await session.execute(update(User).where(User.id == desk.user_id).values(roles=[*roles]))
    return desk


async def make_user(db: Database, login: str, *roles: Role, unit_id: UUID | None = None) -> UUID:
    """A user whose password is `PASSWORD`."""
    async with db.session() as session:
        name = NAMES.get(roles[0], "测试员")
        user, _ = await identity.create_user(
            session, SYSTEM, login=login, name=name, roles=frozenset(roles), unit_id=unit_id, password=PASSWORD
        )
        return user.id


async def signed_in(db: Database, desk: Desk, login: str, *roles: Role, unit_id: UUID | None = None) -> Desk:
    """This desk with a fresh user of these roles at it; a second factor is taken as given."""
    desk.user_id = await make_user(db, login, *roles, unit_id=unit_id)
    response = await desk.enter(login)
    assert response.status == 303, await response.text()
    async with db.session() as session:
        await session.execute(update(WebSession).where(WebSession.user_id == desk.user_id).values(second_factor=True))
    desk.csrf = (await (await desk.get("/session")).json())["csrf"]
    return desk
