"""F22-4: anybody may ask where an order stands, by its number and query code, and learns the state alone."""

import asyncio
import time
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field

from core.errors import NotFound
from crm.tickets.spoken import spoken_state
from web import doors
from web.api.door import QUERIES, WRONG_CODES
from web.context import Context
from web.parts import PARTS
from web.problems import WAIT_S
from web.route import Answers, Asks, Door, Nothing, Route

ANSWERED_AFTER_S: Final = 0.3
"""No answer comes earlier: how long one took must not tell an unknown number from a wrong code."""
SENTENCE: Final = "没有查到。请核对工单编号和查询码；举报类诉求请致电12345查询。"


class Query(Asks):
    """What the receipt SMS told the citizen."""

    number: Annotated[str, Field(title="工单编号", min_length=1, max_length=40)]
    code: Annotated[str, Field(title="查询码", min_length=1, max_length=20)]


class PublicState(Answers):
    """The state and nothing else."""

    number: str
    """工单编号."""
    state: str
    """The state as a citizen reads it, in Chinese."""


async def state_of(ctx: Context, asked: Query) -> PublicState | None:
    """The state as the keypad menu tells it, or None: unknown number, wrong code, too many of them, a 举报.

    An order counts failures whichever way was asked.
    """
    started, app = time.monotonic(), ctx.request.app
    app[QUERIES].count(doors.address(ctx.request))
    async with app[PARTS].database.session() as session:
        asker = doors.network(doors.address(ctx.request))
        found = await spoken_state(session, asked.number, asked.code, asker=asker, wrong=app[WRONG_CODES])
    await asyncio.sleep(max(0.0, started + ANSWERED_AFTER_S - time.monotonic()))
    return PublicState(number=found.number, state=found.state.spoken) if found else None


async def ask(ctx: Context, asked: Query) -> PublicState:
    """Where an order stands. It changes nothing, so that it needs neither token nor idempotency key."""
    found = await state_of(ctx, asked)
    if found is None:
        raise NotFound("no-match", SENTENCE)
    return found


async def form(ctx: Context, asked: Nothing) -> web.Response:
    """The page that asks for both."""
    return ctx.public("query.html", found=None, failed="")


async def answer(ctx: Context, asked: Query) -> web.Response:
    """The page with the state, or with one sentence for every failure."""
    try:
        found = await state_of(ctx, asked)
    except doors.TooMany as error:
        response = ctx.public("query.html", status=error.status, found=None, failed=error.message)
        response.headers["Retry-After"] = str(WAIT_S)
        return response
    return ctx.public("query.html", status=200 if found else 404, found=found, failed="" if found else SENTENCE)


ROUTES = (
    Route("GET", "/query", Door.PUBLIC, Nothing, form, "工单进度查询"),
    Route("POST", "/query", Door.PUBLIC, Query, answer, "工单进度查询结果", ("too-many-attempts",)),
    Route(
        "POST",
        "/api/v1/query",
        Door.PUBLIC,
        Query,
        ask,
        "工单进度查询",
        ("no-match", "too-many-attempts"),
        answers=PublicState,
    ),
)
