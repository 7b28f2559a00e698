"""Staff and systems of a unit see or guess nothing of another unit's orders: every route of the table is walked.

What exists at another unit is answered exactly as what does not exist at all, on every route that names a thing; no
list holds it; and the walk knows that it really came past the doors.
"""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from web_api import Program, program, unit
from web_bodies import body_of, flat
from web_desk import Desk, signed_in

from callflow.models import Call
from core.accounts.channels import Channel
from core.accounts.models import AccessToken, ServiceAccount
from core.actor import SYSTEM
from core.db import Database, new_id
from core.identity.models import Unit, User
from core.permissions import GRANTS, Permission, Role
from crm.sms.models import Sms
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.models import Assignment, Round, Ticket
from crm.tickets.service import Opening, open_draft
from crm.tickets.states import Act
from web.api import door
from web.doors import ATTEMPTS
from web.route import Route
from web.routes import TABLE

UNIT_ROLES = [
    role for role in Role if Permission.ORDER_VIEW_UNIT in GRANTS[role] and Permission.ORDER_VIEW not in GRANTS[role]
]
NAMING = [route for route in TABLE if re.search(r"{\w*id}", route.path)]
LISTS = [route for route in TABLE if route.method == "GET" and "{" not in route.path and not route.stream]
PER_REQUEST = re.compile(
    r'"request_id": "\w+"|请求编号 \w+|[0-9a-f]{8}-[0-9a-f-]{27}|value="[\w-]{20,}"|[0-9a-f]{8}-\d+'
)
SECRET = {"title": "凤凰路夜市油烟扰民", "content": "每晚油烟呛人，要求整治凤凰路夜市。", "name": "欧阳某某"}


@dataclass
class Foreign:
    """An order of 城市管理局 and everything that hangs on it, for somebody of 民政局 to guess at."""

    number: str
    ids: dict[str, UUID]
    other_unit: UUID


@pytest.fixture
async def foreign(db: Database, serve: Callable[[], Desk]) -> Foreign:
    mine, other = await unit(db), await unit(db, "mzj", "民政局")
    call_id = new_id()
    given = Correction.model_validate(
        {"category": "complaint", "title": SECRET["title"], "content": SECRET["content"], "caller_name": SECRET["name"]}
        | dict.fromkeys(("occurred", "address", "subject", "demand"), "不详")
    )
    async with db.session() as session:
        session.add(Call(id=call_id, node="n", linkedid="1.1", direction="in", caller="+8613807931234", arrived_at=NOW))
        opening = Opening("phone", call_id, "+8613807931234", given=given)
        ticket = await open_draft(session, opening)
        await dispatch(session, SYSTEM, ticket.id, ticket.version, Order(lead_unit_id=mine, basis="测试派发"))
    await signed_in(db, serve(), "clerkofcgj", Role.UNIT_CLERK, unit_id=mine)
    await program(db, serve, Channel.UNIT, name="城管局办公系统", unit_id=mine)
    ids: dict[str, UUID] = {}
    async with db.session() as session:
        for kind in (Ticket, Round, Assignment, Call, Sms, Unit, User, ServiceAccount, AccessToken):
            table: Any = kind
            found = await session.scalar(select(table.id).limit(1))
            if found is not None:
                ids[table.__tablename__] = found
    return Foreign(ticket.number, ids, other)


NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


@pytest.fixture(params=[*UNIT_ROLES, "program"])
async def stranger(
    db: Database, serve: Callable[[], Desk], foreign: Foreign, request: pytest.FixtureRequest
) -> AsyncIterator[Desk | Program]:
    """Somebody, or some program, of the other unit."""
    if request.param == "program":
        yield await program(db, serve, Channel.UNIT, name="民政局办公系统", unit_id=foreign.other_unit)
    else:
        yield await signed_in(db, serve(), "stranger", request.param, unit_id=foreign.other_unit)


async def ask(who: Desk | Program, route: Route[Any], path: str) -> tuple[int, str]:
    """Status and words of the answer, without what differs from request to request."""
    body = body_of(route)
    if isinstance(who, Program):
        headers = who.headers(**{"Idempotency-Key": uuid4().hex})
        options: dict[str, Any] = {"json": body} if route.method == "POST" else {"params": flat(body)}
        async with who.desk.client.request(
            route.method, path, headers=headers, allow_redirects=False, **options
        ) as got:
            status, words = got.status, await got.text()
    elif route.method == "POST":
        response = await who.post(path, flat(body))
        status, words = response.status, await response.text() + response.headers.get("Location", "")
    else:
        response = await who.get(path, params=flat(body))
        status, words = response.status, await response.text() + response.headers.get("Location", "")
    return status, PER_REQUEST.sub("·", words)


async def test_what_is_another_units_is_answered_like_what_is_not(stranger: Desk | Program, foreign: Foreign) -> None:
    app = (stranger.desk if isinstance(stranger, Program) else stranger).client.app
    for counter in (door.CALLS, door.FAILURES, ATTEMPTS):
        app[counter]._limit = 10_000  # the walk is no attack
    passed: set[str] = set()
    for route in NAMING:
        name = re.findall(r"{(\w*id)}", route.path)[0]
        absent = await ask(stranger, route, route.path.replace(f"{{{name}}}", str(UUID(int=7))))
        for kind, one in foreign.ids.items():
            present = await ask(stranger, route, route.path.replace(f"{{{name}}}", str(one)))
            assert present == absent, (route.method, route.path, kind)
            assert foreign.number not in present[1]
        if absent[0] == 404:
            passed.add(route.path)
        assert absent[0] in {401, 403, 404, 415, 422}, (route.path, absent)
    wanted = {"/api/v1/orders/{id}", "/api/v1/orders/{id}/sign"} if isinstance(stranger, Program) else {"/orders/{id}"}
    assert wanted <= passed


async def test_no_list_holds_what_is_another_units(stranger: Desk | Program, foreign: Foreign) -> None:
    opened = 0
    for route in LISTS:
        asking = [""]
        if "search" in route.asks.model_fields:
            asking += [f"?search={foreign.number}", "?search=凤凰路", "?search=13807931234"]
        for query in asking:
            status, words = await ask(stranger, route, route.path + query)
            opened += status == 200
            hidden = (*SECRET.values(), "7931234", "138****1234", f"/orders/{foreign.ids['tickets']}")
            for secret in hidden if query != "?search=13807931234" else SECRET.values():
                assert secret not in words, (route.path, query)
            if query != f"?search={foreign.number}":
                assert foreign.number not in words, route.path
    assert opened


@pytest.mark.proves("A22-3")
async def test_the_handling_unit_itself_sees_its_order(
    db: Database, serve: Callable[[], Desk], foreign: Foreign
) -> None:
    async with db.session() as session:
        account = await session.scalar(select(ServiceAccount).where(ServiceAccount.name == "城管局办公系统"))
    assert account is not None
    own = await program(db, serve, Channel.UNIT, name="城管局另一系统", unit_id=account.unit_id)
    async with db.session() as session:
        ticket = await session.get_one(Ticket, foreign.ids["tickets"])
        ticket.category, ticket.sealed = "report", True
    status, order = await own.get(f"/api/v1/orders/{foreign.ids['tickets']}")
    assert (status, order["number"], order["part"]["title"]) == (200, foreign.number, SECRET["title"])
    assert Act.SIGN in [one["act"] for one in order["acts"]]
    assert SECRET["name"] not in str(order)
    assert "7931234" not in str(order)
