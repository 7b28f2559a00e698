"""One's own account: password, and the browsers in which one is signed in."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field, SecretStr
from sqlalchemy import select

from core.errors import Invalid
from core.identity import service as identity
from core.identity.models import WebSession
from core.permissions import Permission
from web.context import Context
from web.route import Asks, Door, Nothing, Route

SHOWN = 50


class NewPassword(Asks):
    """Present and new password, the new one twice."""

    present: Annotated[SecretStr, Field(min_length=1, max_length=200)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=200)]
    again: Annotated[SecretStr, Field(min_length=1, max_length=200)]


class OneSession(Asks):
    """One of one's own sessions."""

    id: UUID


async def show(ctx: Context, asked: Nothing) -> web.Response:
    """The account and its open sessions."""
    open_ones = (
        select(WebSession)
        .where(WebSession.user_id == ctx.signed_in.user.id, WebSession.revoked_at.is_(None))
        .order_by(WebSession.created_at.desc())
        .limit(SHOWN)
    )
    return await ctx.page("account.html", sessions=(await ctx.session.scalars(open_ones)).all())


async def change_password(ctx: Context, asked: NewPassword) -> web.Response:
    """Change it; every other session ends."""
    if asked.password != asked.again:
        sentence = "两次填写的新密码不一致。"
        raise Invalid("passwords-differ", sentence, fields={"again": sentence})
    first = ctx.signed_in.user.must_change_password
    await identity.change_password(
        ctx.parts.database, ctx.signed_in, asked.present.get_secret_value(), asked.password.get_secret_value()
    )
    return ctx.leave("/") if first else ctx.redirect("/account", "密码已修改，其他登录已退出。")


async def revoke(ctx: Context, asked: OneSession) -> web.Response:
    """End one session."""
    await identity.revoke(ctx.session, ctx.actor, asked.id)
    return ctx.redirect("/account", "该登录已退出。")


ROUTES = (
    Route("GET", "/account", Permission.SELF, Nothing, show, "我的账号"),
    Route(
        "POST",
        "/account/password",
        Door.STEP,
        NewPassword,
        change_password,
        "修改密码",
        ("bad-credentials", "weak-password", "passwords-differ"),
    ),
    Route(
        "POST", "/account/sessions/{id}/revoke", Permission.SELF, OneSession, revoke, "退出登录", ("no-such-session",)
    ),
)
