"""Errors as people and programs get them: a part or page in Chinese, or problem+json (RFC 9457); no traceback."""

import json
import secrets
from typing import TYPE_CHECKING

from aiohttp import web

from core.errors import HotlineError
from web.render import RENDERER

if TYPE_CHECKING:
    from core.identity.service import Identified

API = "/api/"
WAIT_S = 60
ID: web.RequestKey[str] = web.RequestKey("id", str)
NONCE: web.RequestKey[str] = web.RequestKey("nonce", str)

HTTP_SENTENCES: dict[int, tuple[str, str]] = {
    400: ("malformed-request", "请求内容无法读取。"),
    404: ("no-such-page", "没有这个页面。"),
    405: ("method-not-allowed", "此地址不支持这种操作。"),
    413: ("body-too-large", "提交的内容过大。"),
    414: ("address-too-long", "地址过长。"),
    417: ("unsupported-expectation", "请求头不受支持。"),
}


def from_http(error: web.HTTPException) -> tuple[str, str]:
    """Id and sentence of what aiohttp itself refuses."""
    return HTTP_SENTENCES.get(error.status, ("request-refused", "请求无法处理。"))


def request_id(request: web.Request) -> str:
    """This request's number, on the page and in the log."""
    if ID not in request:
        request[ID] = secrets.token_hex(6)
    return request[ID]


def nonce(request: web.Request) -> str:
    """This page's style nonce: the waveform component brings its own style element."""
    if NONCE not in request:
        request[NONCE] = secrets.token_urlsafe(16)
    return request[NONCE]


def answer(
    request: web.Request,
    status: int,
    id: str,
    message: str,
    fields: dict[str, str] | None = None,
    who: "Identified | None" = None,
) -> web.Response:
    """The error in the form that the asker reads.

    For htmx it goes into the page's notice and replaces nothing else, so that what was typed stays.
    """
    response = _answer(request, status, id, message, fields or {}, who)
    if status == 401 and request.path.startswith(API):
        response.headers["WWW-Authenticate"] = 'Bearer realm="hotline"'
    if status == 429:
        response.headers["Retry-After"] = str(WAIT_S)
    return response


def reads_json(request: web.Request) -> bool:
    """Whether a program asks: always at the API, elsewhere when it does not ask for a page."""
    headers = request.headers
    return request.path.startswith(API) or not ("text/html" in headers.get("Accept", "") or "HX-Request" in headers)


def _answer(
    request: web.Request, status: int, id: str, message: str, fields: dict[str, str], who: "Identified | None"
) -> web.Response:
    reference = request_id(request)
    if reads_json(request):
        body = {"type": "about:blank", "id": id, "title": message, "status": status, "request_id": reference}
        return web.Response(
            text=json.dumps(body | ({"fields": fields} if fields else {}), ensure_ascii=False),
            content_type="application/problem+json",
            status=status,
        )
    values = {"status": status, "id": id, "message": message, "fields": fields, "reference": reference, "who": who}
    render = request.app[RENDERER].render
    if "HX-Request" in request.headers:
        headers = {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML", "HX-Reselect": "#problem"}
        return web.Response(
            text=render("problem.html", **values),
            content_type="text/html",
            status=status,
            headers=headers | {"HX-Push-Url": "false"},
        )
    return web.Response(text=render("problem_page.html", **values), content_type="text/html", status=status)


def of(request: web.Request, error: HotlineError, who: "Identified | None" = None) -> web.Response:
    """An expected error as an answer."""
    return answer(request, error.status, error.id, error.message, error.fields, who)
