"""Users 用户 and member units 成员单位."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import func, select

from core.errors import NotFound
from core.identity import service as identity
from core.identity.models import Unit, User
from core.permissions import LABELS, Permission, Role
from crm.county.data import UnitKind
from web.context import Context
from web.route import Asks, Nothing, Route

LIMIT = 500


class NewUser(Asks):
    """A user to be."""

    login: Annotated[str, Field(pattern=r"^[a-z][a-z0-9.]{2,39}$")]
    name: Annotated[str, Field(min_length=1, max_length=40)]
    roles: Annotated[list[Role], Field(max_length=10)] = []
    unit_id: UUID | None = None


class OneUser(Asks):
    """A user."""

    id: UUID


class Activity(OneUser):
    """On or off."""

    active: bool


async def users(ctx: Context, asked: Nothing) -> web.Response:
    """All users by login."""
    return await _users(ctx)


async def _users(ctx: Context, first: tuple[str, str] | None = None) -> web.Response:
    rows = (await ctx.session.scalars(select(User).order_by(User.active.desc(), User.login).limit(LIMIT))).all()
    units = (await ctx.session.scalars(select(Unit).where(Unit.active).order_by(Unit.code))).all()
    return await ctx.page(
        "users.html",
        place="users",
        users=rows,
        units=units,
        unit_names={unit.id: unit.name for unit in units},
        role_choices=list(LABELS.items()),
        first=first,
    )


async def create(ctx: Context, asked: NewUser) -> web.Response:
    """A new user; the first password is shown once."""
    user, first = await identity.create_user(
        ctx.session, ctx.actor, login=asked.login, name=asked.name, roles=frozenset(asked.roles), unit_id=asked.unit_id
    )
    return await _users(ctx, (user.login, first))


async def set_active(ctx: Context, asked: Activity) -> web.Response:
    """Switch on or off."""
    await identity.set_active(ctx.session, ctx.actor, asked.id, asked.active)
    return ctx.redirect("/users", "账号已启用。" if asked.active else "账号已停用，其登录已全部退出。")


async def reset(ctx: Context, asked: OneUser) -> web.Response:
    """A new first password, shown once."""
    first = await identity.reset_password(ctx.session, ctx.actor, asked.id)
    user = await ctx.session.get(User, asked.id)
    if user is None:
        raise NotFound("no-such-user", "没有这个用户。")
    return await _users(ctx, (user.login, first))


async def units(ctx: Context, asked: Nothing) -> web.Response:
    """All member units with how many people sign in for them."""
    rows = (await ctx.session.scalars(select(Unit).order_by(Unit.code).limit(LIMIT))).all()
    counts = await ctx.session.execute(select(User.unit_id, func.count()).where(User.active).group_by(User.unit_id))
    people = {row[0]: row[1] for row in counts}
    kinds = {kind.value: kind.label for kind in UnitKind}
    return await ctx.page(
        "units.html", place="units", units=rows, people=people, kinds=kinds, names={unit.id: unit.name for unit in rows}
    )


P = Permission.USER_ADMIN
ROUTES = (
    Route("GET", "/users", P, Nothing, users, "用户"),
    Route("POST", "/users", P, NewUser, create, "新增用户", ("login-taken", "no-role", "no-unit")),
    Route("POST", "/users/{id}/active", P, Activity, set_active, "启用或停用用户", ("no-such-user", "not-oneself")),
    Route("POST", "/users/{id}/reset", P, OneUser, reset, "重置密码", ("no-such-user",)),
    Route("GET", "/units", (Permission.UNIT_ADMIN, P), Nothing, units, "成员单位"),
)
