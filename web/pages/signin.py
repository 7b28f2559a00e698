"""Signing in: password, second factor with its first enrolment, first password; and signing out."""

from typing import Annotated

import segno
from aiohttp import web
from markupsafe import Markup
from pydantic import Field, SecretStr

from core.errors import Invalid
from core.identity import service as identity
from core.identity.service import SignedIn
from core.permissions import Permission
from web import problems
from web.context import Context
from web.doors import ATTEMPTS, SESSION_COOKIE, address, next_step
from web.frame import places
from web.route import Asks, Door, Nothing, Route

MAX_NEXT = 500


class Opening(Asks):
    """The sign-in page, and where to go afterwards."""

    next: str = Field("", max_length=MAX_NEXT)


class Credentials(Asks):
    """Login and password."""

    login: Annotated[str, Field(min_length=1, max_length=40)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=200)]
    next: str = Field("", max_length=MAX_NEXT)


class Code(Asks):
    """The second factor."""

    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    next: str = Field("", max_length=MAX_NEXT)


def local(url: str) -> str:
    """`url` when it leads to a page of this service, else the first page."""
    plain = url.startswith("/") and not url.startswith("//") and "\\" not in url and url.isprintable()
    return url if plain and not url.startswith("/sign-in") else "/"


async def show(ctx: Context, asked: Opening) -> web.Response:
    """The sign-in page."""
    if ctx.who is not None:
        step = next_step(ctx.who)
        return ctx.leave(local(asked.next) if step == "/" else step)
    return ctx.bare("signin.html", next=asked.next)


async def enter(ctx: Context, asked: Credentials) -> web.Response:
    """The password step."""
    where = address(ctx.request)
    ctx.request.app[ATTEMPTS].count(where)
    signed = await identity.sign_in(
        ctx.parts.database,
        asked.login,
        asked.password.get_secret_value(),
        address=where,
        agent=ctx.request.headers.get("User-Agent", "")[:200],
        before=ctx.request.cookies.get(SESSION_COOKIE, "")[:100],
    )
    return carrying(ctx.leave(after_password(signed, local(asked.next))), signed.token)


def carrying(response: web.Response, token: str) -> web.Response:
    """The answer with the session's token: for this host only, over TLS only, out of reach of scripts."""
    response.set_cookie(SESSION_COOKIE, token, path="/", secure=True, httponly=True, samesite="Strict")
    return response


def after_password(signed: SignedIn, back: str) -> str:
    """The page of the next step."""
    if signed.needs_second_factor:
        return "/sign-in/enrol" if signed.needs_enrolment else "/sign-in/code"
    return "/sign-in/password" if signed.must_change_password else back


async def show_code(ctx: Context, asked: Opening) -> web.Response:
    """The page of the second factor."""
    if (step := next_step(ctx.signed_in)) != "/sign-in/code":
        return ctx.leave(step)
    return ctx.bare("signin_code.html", next=asked.next)


async def show_enrolment(ctx: Context, asked: Opening) -> web.Response:
    """The QR code of a second factor that is yet to be bound."""
    if (step := next_step(ctx.signed_in)) != "/sign-in/enrol":
        return ctx.leave(step)
    uri = await identity.begin_enrolment(ctx.session, ctx.signed_in, ctx.parts.title)
    drawing = segno.make(uri, error="m").svg_inline(scale=4, border=2, dark="#1b2430", omitsize=True)
    secret = uri.partition("secret=")[2].partition("&")[0]
    return ctx.bare("signin_enrol.html", qr=Markup(drawing), secret=secret, next=asked.next)


async def give_code(ctx: Context, asked: Code) -> web.Response:
    """The second factor; a wrong code is counted, so its refusal is an answer and not an error."""
    ctx.request.app[ATTEMPTS].count(address(ctx.request))
    token = await identity.give_second_factor(ctx.session, ctx.signed_in, asked.code)
    if token is None:
        wrong = "动态口令不正确或已用过，请等下一个口令。"
        return problems.of(ctx.request, Invalid("bad-code", wrong, fields={"code": wrong}), ctx.who)
    step = "/sign-in/password" if ctx.signed_in.user.must_change_password else local(asked.next)
    return carrying(ctx.leave(step), token)


async def show_first_password(ctx: Context, asked: Nothing) -> web.Response:
    """The page for a password of one's own."""
    if (step := next_step(ctx.signed_in)) != "/sign-in/password":
        return ctx.leave(step)
    return ctx.bare("signin_password.html")


async def leave(ctx: Context, asked: Nothing) -> web.Response:
    """End this session."""
    if ctx.who is not None:
        await identity.sign_out(ctx.session, ctx.who)
    response = ctx.leave("/sign-in")
    response.del_cookie(SESSION_COOKIE, path="/", secure=True)
    return response


async def home(ctx: Context, asked: Nothing) -> web.Response:
    """The first page that this person may see."""
    allowed = places(ctx)
    return ctx.redirect(allowed[0].path if allowed else "/account")


async def signed_in(ctx: Context, asked: Nothing) -> web.Response:
    """Where a second window ends that was opened to sign in again."""
    return ctx.bare("signed_in.html")


ROUTES = (
    Route("GET", "/", Permission.SELF, Nothing, home, "首页"),
    Route("GET", "/sign-in", Door.OPEN, Opening, show, "登录页"),
    Route(
        "POST", "/sign-in", Door.OPEN, Credentials, enter, "登录", ("bad-credentials", "locked", "too-many-attempts")
    ),
    Route("GET", "/sign-in/code", Door.STEP, Opening, show_code, "动态口令页"),
    Route(
        "POST", "/sign-in/code", Door.STEP, Code, give_code, "提交动态口令", ("bad-code", "locked", "too-many-attempts")
    ),
    Route("GET", "/sign-in/enrol", Door.STEP, Opening, show_enrolment, "绑定动态口令页", ("already-enrolled",)),
    Route("GET", "/sign-in/password", Door.STEP, Nothing, show_first_password, "设置新密码页"),
    Route("POST", "/sign-out", Door.STEP, Nothing, leave, "退出"),
    Route("GET", "/signed-in", Permission.SELF, Nothing, signed_in, "已登录"),
)
