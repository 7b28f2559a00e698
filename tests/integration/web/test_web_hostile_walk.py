"""Every form and every API body with what a hostile or broken client sends: refused in a sentence beside its field, or
kept as the text that it is; never an error of ours, never half-saved. The routes come from the table."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from sqlalchemy import select, text
from web_api import Program, program, unit
from web_bodies import odd_bodies, refused_bodies
from web_desk import Desk, everyone

from core.accounts.channels import Channel
from core.actor import SYSTEM
from core.db import Base, Database, new_id
from core.permissions import Role
from core.rules.keeper import RulesKeeper
from crm.tickets.dispatch import Order, dispatch
from crm.tickets.input import Correction
from crm.tickets.service import Opening, open_draft
from web.api import door
from web.doors import ATTEMPTS
from web.route import Door, Route
from web.routes import TABLE

CHINESE = re.compile(r"[\u4e00-\u9fff]{4}")
OURS = ("Traceback", 'File "', "sqlalchemy", "psycopg", "pydantic", str(7 * 987654321))
"""Signs of an error of ours, and of a template that worked out what it was given: longer than what chance writes."""
SEEN = {"web_sessions": "seen_at", "access_tokens": "last_used_at"}
"""What changes by being looked at is no part of the digest."""
POSTS = [route for route in TABLE if route.method == "POST"]
PAGES = [route for route in POSTS if not route.answers and route.path != "/sign-out"]
CALLS = [route for route in POSTS if route.answers and not route.takes]
"""What programs send as JSON; a file comes as a form."""

AWAY = "phone-line-away"
"""No Asterisk runs beside the walk: what asks for it says that the telephone system does not answer."""


@dataclass
class Walk:
    """Who walks, past every door, and the database behind."""

    db: Database
    desk: Desk
    ids: dict[str, str]
    found: list[tuple[str, str, str]]
    saved: dict[str, tuple[int, int]]
    """The digest of what was last accepted."""

    async def digest(self) -> dict[str, tuple[int, int]]:
        """Rows and a sum over all that they hold, by table."""
        tables = [table for table in Base.metadata.tables if table not in SEEN]
        one = "SELECT '{0}' AS name, count(*) AS rows, coalesce(sum(hashtext(t::text)), 0) AS held FROM \"{0}\" t"
        async with self.db.session() as session:
            rows = await session.execute(text(" UNION ALL ".join(one.format(table) for table in tables)))
            return {row.name: (row.rows, int(row.held)) for row in rows}

    def path(self, route: Route[Any]) -> str:
        """The address with a thing that exists, where one of its kind does."""
        known = next((id for table, id in self.ids.items() if table in route.path.replace("-", "_")), str(new_id()))
        return re.sub(r"{(\w+)}", lambda name: known if name[1] == "id" else "none", route.path)

    async def post(self, route: Route[Any], body: dict[str, Any], who: Program | None) -> tuple[int, Any, str]:
        """Status, the problem where there is one, and the words of the answer."""
        raw = json.dumps(body).encode()
        if who is None:
            headers = {"Content-Type": "application/json", "Accept": "application/problem+json"}
            response = await self.desk.post(self.path(route), raw=raw, headers=headers)
        else:
            headers = who.headers(**{"Content-Type": "application/json", "Idempotency-Key": new_id().hex})
            response = await who.desk.client.post(self.path(route), data=raw, headers=headers)
        words = (await response.read()).decode(errors="replace")
        return response.status, json.loads(words) if response.content_type.endswith("problem+json") else {}, words

    async def try_refused(self, route: Route[Any], who: Program | None) -> None:
        """All that no route may take."""
        for what, body, fields in refused_bodies(route):
            status, problem, words = await self.post(route, body, who)
            if problem.get("id") == AWAY:
                continue
            if status not in {404, 413, 415, 422} or not CHINESE.search(problem.get("title", "")):
                self.note(route, what, f"{status} {words[:200]}")
            if status == 422 and not fields & set(problem.get("fields", {})):
                self.note(route, what, f"names none of {sorted(fields)}: {words[:200]}")
            if any(sign in words for sign in OURS):
                self.note(route, what, words[:200])

    async def try_odd(self, route: Route[Any], who: Program | None) -> None:
        """All that may be refused or kept."""
        for what, body in odd_bodies(route):
            status, problem, words = await self.post(route, body, who)
            if status < 400:
                self.saved = await self.digest()
            mute = status >= 400 and not CHINESE.search(problem.get("title", words))
            if (
                (status >= 500 and problem.get("id") != AWAY)
                or mute
                or any(sign in words for sign in (*OURS, "<script>alert"))
            ):
                self.note(route, what, f"{status} {words[:200]}")
        await self.unchanged(route)

    async def unchanged(self, route: Route[Any]) -> None:
        """Nothing was half-saved since the last that was accepted; at a watched door the refusal is in the ledger."""
        after = await self.digest()
        kept = {"ledger"} if route.watched else set()
        if changed := [name for name in after if after[name] != self.saved[name] and name not in kept]:
            self.note(route, "refused", f"changed {changed}")
        self.saved = after

    def told(self) -> str:
        """What was found, one a line."""
        return "\n".join(" | ".join(one) for one in self.found)

    def note(self, route: Route[Any], what: str, came: str) -> None:
        self.found.append((route.path, what, came))


@pytest.fixture
async def walk(db: Database, serve: Callable[[], Desk], keeper: RulesKeeper) -> Walk:
    mine = await unit(db)
    async with db.session() as session:
        for _ in range(2):
            given = {"category": "complaint", "title": "占道", "content": "每天傍晚占道", "caller_name": "欧阳某某"}
            given |= {"occurred": "每天傍晚", "address": "胜利路", "subject": "流动摊贩", "demand": "请劝离"}
            opening = Opening("phone", new_id(), "+8613807931234", given=Correction.model_validate(given))
            ticket = await open_draft(session, opening)
        await dispatch(session, SYSTEM, ticket.id, ticket.version, Order(lead_unit_id=mine, basis="测试派发"))
    desk = await everyone(db, serve(), Role, mine)
    ids: dict[str, str] = {}
    async with db.session() as session:
        for name, table in Base.metadata.tables.items():
            if "id" in table.c and (found := await session.scalar(select(table.c.id).limit(1))) is not None:
                ids[name] = str(found)
    ids["orders"] = str(ticket.id)
    app = desk.client.app
    for counter in (door.CALLS, door.FAILURES, door.QUERIES, ATTEMPTS):
        app[counter]._limit = 100_000  # the walk is no attack
    made = Walk(db, desk, ids, [], {})
    made.saved = await made.digest()
    return made


async def test_what_no_form_may_take(walk: Walk) -> None:
    for route in PAGES:
        await walk.try_refused(route, None)
        await walk.unchanged(route)
    assert not walk.found, walk.told()
    assert len(PAGES) > 100 and any("/acts/" in route.path for route in PAGES)


async def test_what_looks_right_is_refused_or_kept_as_text(walk: Walk) -> None:
    for route in PAGES:
        if not re.search(r"sessions|/agent/|password|second-factor|/users/{id}/(active|reset|unlock)$", route.path):
            await walk.try_odd(route, None)
    assert not walk.found, walk.told()


@pytest.mark.parametrize("channel", [Channel.COUNTER, Channel.UNIT])
async def test_what_no_program_may_send(walk: Walk, serve: Callable[[], Desk], channel: Channel) -> None:
    unit_id = UUID(walk.ids["units"]) if channel is Channel.UNIT else None
    who = await program(walk.db, serve, channel, unit_id=unit_id)
    walk.saved = await walk.digest()
    mine = [route for route in CALLS if isinstance(route.who, Door) or set(who_of(route)) & set(channel.scopes)]
    for route in mine:
        await walk.try_refused(route, who)
        await walk.try_odd(route, who)
    assert not walk.found, walk.told()
    assert len(mine) > 1


def who_of(route: Route[Any]) -> tuple[Any, ...]:
    return route.who if isinstance(route.who, tuple) else (route.who,)


FILES: dict[str, tuple[str, bytes]] = {
    "nothing": ("市级.xlsx", b""),
    "a programme": ("市级.xlsx", b"MZ" + bytes(4000)),
    "a broken archive": ("市级.xlsx", b"PK\x03\x04" + bytes(4000)),
    "an old workbook": ("市级.xls", b"\xd0\xcf\x11\xe0" + bytes(4000)),
    "not text": ("市级.csv", b"\xff\xfe\x00\xd8" * 100),
    "another table": ("市级.csv", "姓名,年龄\n=1+1,<script>alert(1)</script>\n".encode()),
    "a name that climbs": ("../../etc/passwd", b"root:x:0:0\n"),
}


@pytest.mark.parametrize(
    "route", [route for route in POSTS if route.takes and not route.answers], ids=lambda route: route.path
)
async def test_what_is_no_file_of_its_kind(walk: Walk, route: Route[Any]) -> None:
    for what, (name, content) in FILES.items():
        form = aiohttp.FormData({"_csrf": walk.desk.csrf})
        form.add_field("file", content, filename=name)
        headers = {"Accept": "application/problem+json"}
        answer = await walk.desk.client.post(walk.path(route), data=form, headers=headers, allow_redirects=False)
        problem = await answer.json(content_type=None)
        assert answer.status == 422 and CHINESE.search(problem["title"]), (what, problem)
        assert not any(sign in str(problem) for sign in (*OURS, "<script>")), (what, problem)
    await walk.unchanged(route)
    assert not walk.found, walk.told()
