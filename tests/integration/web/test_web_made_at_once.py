"""Two administrators make the same thing at the same moment: one has made it, the other hears so beside the field."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text
from web_desk import Desk, signed_in

from core.accounts.channels import Channel
from core.accounts.models import ServiceAccount
from core.db import Base, Database
from core.identity.models import Unit, User
from core.permissions import Role

WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
UNIT = {"code": "zrzyj", "name": "自然资源局", "kind": "department"}
USER = {"login": "wangli", "name": "王丽", "roles": "agent"}
CASES: dict[str, tuple[Role, str, dict[str, str], Base, str]] = {
    "a login": (
        Role.SECURITY_ADMIN,
        "/users",
        USER,
        User(login="wangli", name="王莉", roles=[Role.AGENT], password_hash="-"),
        "login",
    ),
    "a login in capitals": (
        Role.SECURITY_ADMIN,
        "/users",
        USER,
        User(login="WangLi", name="王莉", roles=[Role.AGENT], password_hash="-"),
        "login",
    ),
    "a unit's code": (
        Role.SYSTEM_ADMIN,
        "/units",
        UNIT,
        Unit(code="zrzyj", name="自然资源和规划局", kind="department"),
        "code",
    ),
    "a unit's name": (
        Role.SYSTEM_ADMIN,
        "/units",
        UNIT,
        Unit(code="zrgh", name="自然资源局", kind="department"),
        "name",
    ),
    "a program": (
        Role.SECURITY_ADMIN,
        "/programs",
        {"name": "大厅系统", "channel": "counter"},
        ServiceAccount(name="大厅系统", channel=Channel.COUNTER),
        "name",
    ),
}


@pytest.mark.parametrize("name", list(CASES))
async def test_the_second_hears_that_it_is_there(db: Database, serve: Callable[[], Desk], name: str) -> None:
    role, path, form, row, field = CASES[name]
    desk = await signed_in(db, serve(), "zhouan", role)
    async with asyncio.TaskGroup() as group:
        async with db.session() as session:
            session.add(row)
            await session.flush()
            headers = {"Accept": "application/problem+json"}
            asked = group.create_task(desk.post(path, form, headers=headers))
            async with asyncio.timeout(20):
                while not await waiting(db):
                    assert not asked.done(), await asked.result().text()
    told: dict[str, Any] = await asked.result().json(content_type=None)
    assert (asked.result().status, told["id"]) == (409, "made-at-once")
    assert "其他人员刚刚登记了相同的内容" in told["title"] and list(told["fields"]) == [field]
    async with db.session() as session:
        kind: Any = type(row)
        made = select(func.count()).select_from(kind).where(kind.id != desk.user_id)
        assert await session.scalar(made) == 1


async def waiting(db: Database) -> bool:
    async with db.session() as session:
        return bool(await session.scalar(WAITS))
