"""The web application: the route table turned into handlers, guarded on the way in and on the way out."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from core.errors import HotlineError
from core.log import get
from web import doors, problems
from web.api import door
from web.context import Context
from web.live import HUB, Hub
from web.metrics import REQUESTS
from web.parts import PARTS, Parts
from web.reading import MAX_BODY, SAFE, read
from web.render import RENDERER, Renderer
from web.route import Answers, Door, Route, Table
from web.watch import is_refusal, note_refusal

log = get(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ROUTE = "route"


def build(parts: Parts, table: Table, hub: Hub) -> web.Application:
    """The application for this table. Nothing is served that is not in the table."""
    app = web.Application(middlewares=[guard], client_max_size=MAX_BODY)
    app[PARTS] = parts
    app[RENDERER] = Renderer(parts.bundle, parts.title)
    app[HUB] = hub
    app[doors.ATTEMPTS] = doors.Attempts()
    app[doors.STREAMS] = asyncio.Semaphore(doors.STREAMS_AT_ONCE)
    door.prepare(app)
    for route in table:
        handler = door.dispatcher(route) if route.answers else dispatcher(route)
        setattr(handler, ROUTE, route)
        if route.method == "GET":
            app.router.add_get(route.path, handler, allow_head=not route.stream, expect_handler=expected)
        else:
            app.router.add_route(route.method, route.path, handler, expect_handler=expected)
    app.on_response_prepare.append(protect)
    return app


def dispatcher(route: Route[Any]) -> Handler:
    """The route as an aiohttp handler: session, permission, request model, CSRF, then the handler itself."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await served(request)
        except HotlineError as error:
            who = request.get(doors.WHO)
            if route.watched and who and is_refusal(route, error):
                await note_refusal(request.app[PARTS].database, request, route, who, error)
            raise

    async def served(request: web.Request) -> web.StreamResponse:
        database = request.app[PARTS].database
        if (route.stream and isinstance(route.who, Door)) or route.who is Door.PUBLIC:
            doors.admit(route, request, None)
            asked, _ = await read(request, route.asks)
            return page(await route.handler(Context(request, None, None), asked))
        line = request.app[doors.STREAMS] if route.stream else contextlib.nullcontext()
        async with line, database.session() as session:
            who = await doors.identify(request, session)
        if who:
            request[doors.WHO] = who
        doors.admit(route, request, who)
        if request.method not in SAFE:
            doors.require_same_site(request)
        asked, token = await read(request, route.asks, route.takes)
        if request.method not in SAFE:
            doors.require_csrf(request, who, token)
        if route.stream:
            return page(await route.handler(Context(request, who, None), asked))
        async with database.session() as session:
            return page(await route.handler(Context(request, who, session), asked))

    handle.__name__ = route.handler.__name__
    handle.__doc__ = route.summary
    return handle


def page(answer: web.StreamResponse | Answers) -> web.StreamResponse:
    """What a route outside the API answers."""
    if isinstance(answer, Answers):
        raise TypeError("a route that answers with a model names it")
    return answer


async def expected(request: web.Request) -> web.StreamResponse | None:
    """The peer waits for a word before it sends its body (RFC 9110, 10.1.1); no other expectation is met."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
        return None
    return problems.answer(request, 417, *problems.HTTP_SENTENCES[417])


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every request gets a number, a log line without personal data, and a clear answer whatever happens."""
    started = time.perf_counter()
    resource = request.match_info.route.resource
    place = resource.canonical if resource is not None else "-"
    with structlog.contextvars.bound_contextvars(request=problems.request_id(request)):
        response = await answered(request, handler)
        if (door := request.get(doors.DOOR)) and not response.prepared:
            response.set_cookie(doors.DOOR_COOKIE, door, path="/", secure=True, httponly=True, samesite="Strict")
        took = time.perf_counter() - started
        REQUESTS.labels(place, request.method if resource else "-", str(response.status)).observe(took)
        log.info("request", method=request.method, route=place, status=response.status, ms=round(took * 1000, 1))
    return response


async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, or its error in the form that the asker reads."""
    try:
        return await handler(request)
    except HotlineError as error:
        who = request.get(doors.WHO)
        if isinstance(error, doors.NotSignedIn) and wants_page(request):
            return web.Response(status=303, headers={"Location": doors.sign_in_address(request, who)})
        return problems.of(request, error, who)
    except web.HTTPException as error:
        id, message = problems.from_http(error)
        answer = problems.answer(request, error.status, id, message)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except web.RequestPayloadError:
        return problems.answer(request, 400, *problems.HTTP_SENTENCES[400])
    except ConnectionResetError:
        raise
    except Exception:
        log.exception("request.failed")
        return problems.answer(request, 500, "internal-error", "系统出现错误，已记录，请稍后再试。")


def wants_page(request: web.Request) -> bool:
    """Whether a person opens this address in a browser, rather than a page fetching a part of itself."""
    headers = request.headers
    return request.method in SAFE and "text/html" in headers.get("Accept", "") and "HX-Request" not in headers


async def protect(request: web.Request, response: web.StreamResponse) -> None:
    """Security headers on every answer; no inline script, nothing from anywhere else."""
    headers = response.headers
    headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; media-src 'self'; worker-src 'self'; "
        f"style-src 'self' 'nonce-{problems.nonce(request)}'; img-src 'self' data:; font-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "microphone=(self), camera=(), geolocation=()"
    headers["Strict-Transport-Security"] = "max-age=31536000"
    headers["X-Request-Id"] = problems.request_id(request)
    headers.setdefault("Cache-Control", "no-store")
    headers["Server"] = "hotline"
