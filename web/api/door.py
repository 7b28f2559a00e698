"""The way into the API: a bearer token, its scopes, its rate, the model, and each act once."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.service import Program, authenticate
from core.errors import Denied, HotlineError
from core.idempotency import service as idempotency
from crm.tickets.wrong_codes import WrongCodes
from web import doors
from web.context import Context
from web.parts import PARTS
from web.reading import FILE_FIELD, FILES, JSON, UnsupportedMedia, read
from web.route import Answers, Asks, Door, Route, Upload

KEY_HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
TOKEN_RATE: Final = 300
"""Calls a minute for each token, in each web process."""
FAILURE_RATE: Final = 20
"""Wrong tokens a minute from each address."""
QUERY_RATE: Final = 30
"""Public queries a minute from each address; behind a government network's one address are many people."""
LONGEST_TOKEN: Final = 200
_KEY = re.compile(r'"?([\x21\x23-\x5b\x5d-\x7e]{1,128})"?')
"""A structured-field string without escapes, its quotes optional, as most clients send it."""

CALLS: web.AppKey[doors.Attempts] = web.AppKey("api-calls", doors.Attempts)
FAILURES: web.AppKey[doors.Attempts] = web.AppKey("api-failures", doors.Attempts)
QUERIES: web.AppKey[doors.Attempts] = web.AppKey("public-queries", doors.Attempts)
WRONG_CODES: web.AppKey[WrongCodes] = web.AppKey("wrong-codes", WrongCodes)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadToken(HotlineError):
    """No token, or one that opens nothing."""

    status = 401

    def __init__(self) -> None:
        super().__init__("bad-token", "访问令牌缺失、无效、已过期或已撤销。")


class NoKey(HotlineError):
    """An act without the key that makes it happen once."""

    status = 400


def prepare(app: web.Application) -> None:
    """The application's counters."""
    app[CALLS] = doors.Attempts(TOKEN_RATE)
    app[FAILURES] = doors.Attempts(FAILURE_RATE)
    app[QUERIES] = doors.Attempts(QUERY_RATE)
    app[WRONG_CODES] = WrongCodes()


def dispatcher(route: Route[Any]) -> Handler:
    """The route as an aiohttp handler."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if isinstance(route.who, Door):
            asked = await _read(request, route)
            return _response(*_written(route, await route.handler(Context(request, None, None), asked)))
        program = await _identify(request)
        if not any(program.actor.may(one) for one in _permissions(route)):
            raise Denied("not-permitted", "该访问令牌没有这项权限。")
        key = key_of(request) if route.once else None
        asked = await _read(request, route)
        async with request.app[PARTS].database.session() as session:
            ctx = Context(request, None, session, program)
            if key is None:
                return _response(*_written(route, await route.handler(ctx, asked)))
            status, body, replayed = await _once(session, program, key, route, ctx, asked)
        return _response(status, body, replayed=replayed)

    handle.__name__ = route.handler.__name__
    handle.__doc__ = route.summary
    return handle


def _permissions(route: Route[Any]) -> tuple[Any, ...]:
    return route.who if isinstance(route.who, tuple) else (route.who,)


async def _identify(request: web.Request) -> Program:
    """The program behind the bearer token (RFC 6750). Raises `BadToken`, `Denied` or `TooMany`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    found = None
    if scheme.lower() == "bearer" and len(token) <= LONGEST_TOKEN:
        async with request.app[PARTS].database.session() as session:
            found = await authenticate(session, token.strip(), doors.address(request))
    if isinstance(found, Program):
        request.app[CALLS].count(str(found.token_id))
        return found
    request.app[FAILURES].count(doors.address(request))
    if found and found.why == "network":
        raise Denied("foreign-network", "该访问令牌不能从这个网络地址使用。")
    raise BadToken


def key_of(request: web.Request) -> str:
    """The key by which this act happens once. Raises `NoKey`."""
    found = _KEY.fullmatch(request.headers.get(KEY_HEADER, "").strip())
    if found is None:
        sentence = "每次提交请在 Idempotency-Key 请求头中给出 1 至 128 个可见字符的幂等键。"
        raise NoKey("idempotency-key-missing", sentence)
    return found[1]


async def _read(request: web.Request, route: Route[Any]) -> Asks:
    wanted = FILES if route.takes else JSON
    if request.can_read_body and request.content_type != wanted:
        raise UnsupportedMedia("unsupported-media", f"请以 {wanted} 提交。")
    asked: tuple[Asks, str] = await read(request, route.asks, route.takes)
    return asked[0]


async def _once(
    session: AsyncSession, program: Program, key: str, route: Route[Any], ctx: Context, asked: Asks
) -> tuple[int, str, bool]:
    """Status, body and whether they were given before; what a handler refuses leaves its key free."""
    kept = await idempotency.claim(session, program.account_id, key, fingerprint(route, asked))
    if kept is not None:
        return kept.status, kept.body, True
    status, body = _written(route, await route.handler(ctx, asked))
    await idempotency.keep(session, program.account_id, key, status, body)
    return status, body, False


def fingerprint(route: Route[Any], asked: Asks) -> str:
    """What was asked for, however its JSON or its form was written."""
    values = asked.model_dump(mode="json", exclude_unset=True, exclude={FILE_FIELD})
    if isinstance(file := getattr(asked, FILE_FIELD, None), Upload):
        values[FILE_FIELD] = [file.name, hashlib.sha256(file.content).hexdigest()]
    told = [route.method, route.path, values]
    return hashlib.sha256(json.dumps(told, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


def _written(route: Route[Any], answer: web.StreamResponse | Answers) -> tuple[int, str]:
    if route.answers is None or not isinstance(answer, route.answers):
        raise TypeError(f"{route.method} {route.path} answers {route.answers}, not {type(answer)}")
    return route.status, answer.model_dump_json()


def _response(status: int, body: str, *, replayed: bool = False) -> web.Response:
    headers = {REPLAYED_HEADER: "true"} if replayed else {}
    return web.Response(text=body, content_type="application/json", status=status, headers=headers)
