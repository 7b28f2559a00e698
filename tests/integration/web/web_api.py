"""A program at the API, for tests: an account with a token, and a client without cookies."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from member_units import PROFILE
from web_desk import Desk

from core.accounts import service
from core.accounts.channels import Channel
from core.actor import SYSTEM
from core.db import Database
from core.identity.models import Unit

_numbers = itertools.count(1)
ORDER = {
    "reference": "CK-2026-0001",
    "title": "小区门口占道经营",
    "content": "凤凰小区北门每天早上有人摆摊占道，车辆无法通行，希望处理。",
    "category": "complaint",
    "caller_name": "张三",
    "caller_phone": "13807931234",
}


@dataclass
class Program:
    """One program that calls the API."""

    desk: Desk
    account_id: UUID
    token: str

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json"} | more

    async def get(self, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        async with self.desk.client.get(path, headers=self.headers(), **options) as response:
            return response.status, await response.json(content_type=None)

    async def post(self, path: str, body: Any, *, key: str = "") -> tuple[int, dict[str, Any]]:
        """A fresh key where none is given."""
        headers = self.headers(**{"Idempotency-Key": key or f'"test-{next(_numbers)}"'})
        async with self.desk.client.post(path, json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)


async def unit(db: Database, code: str = "cgj", name: str = "城市管理局") -> UUID:
    """A unit of the county's catalogue."""
    async with db.session() as session:
        row = Unit(code=code, name=name, kind="department", **PROFILE)
        session.add(row)
        await session.flush()
        return row.id


async def program(
    db: Database,
    serve: Callable[[], Desk],
    channel: Channel = Channel.COUNTER,
    *,
    name: str = "",
    unit_id: UUID | None = None,
    networks: Sequence[str] = (),
) -> Program:
    """An account of this channel whose token carries all that the channel may."""
    async with db.session() as session:
        account = await service.create_account(
            session, SYSTEM, name=name or f"{channel.label}系统", channel=channel, unit_id=unit_id
        )
        _, token = await service.issue_token(
            session, SYSTEM, account.id, scopes=channel.scopes, days=30, networks=networks
        )
    return Program(serve(), account.id, token)
