"""Users 用户: who may sign in and as what; every act on an account gives its reason."""

from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent
from core import clock
from core import phone as numbers
from core.errors import Invalid, NotFound
from core.identity import administration, passwords
from core.identity import service as identity
from core.identity.models import Unit, User, WebSession
from core.identity.roles import misfit
from core.ledger.models import LedgerEntry
from core.permissions import LABELS, PRIVILEGED, Permission, Role, granted
from crm.search.taking import MOST_ROWS, Taking, take
from web.context import Context
from web.files import send_sheet
from web.ledger_words import ACTIONS, changes
from web.lists import Column, listing, shown
from web.render import masked
from web.render import roles as role_names
from web.route import Asks, Route

PAGE = 100
STATES = {"on": "启用", "off": "已停用", "locked": "已锁定", "misfit": "岗位须调整"}
COLUMNS = tuple(map(Column, ("登录名", "姓名", "岗位", "单位", "动态口令", "状态")))
HEADS = (
    ("登录名", 16),
    ("姓名", 12),
    ("岗位", 40),
    ("单位", 28),
    ("手机号", 16),
    ("动态口令", 10),
    ("状态", 12),
)
SHOWN_ACTS = 30


class Filter(Asks):
    """`search`: parts of the name or of the login; `state`: which accounts; `misfit`: roles that go not together."""

    search: Annotated[str, Field(max_length=40)] = ""
    role: Role | None = None
    unit: UUID | None = None
    state: Literal["", "on", "off", "locked", "misfit"] = ""


class UserList(Filter):
    """The filter, and the login after which the page begins."""

    after: Annotated[str, Field(max_length=40)] = ""


class UserExport(Filter):
    """The accounts of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Profile(Asks):
    """What is known of a user."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    roles: Annotated[list[Role], Field(max_length=10)] = []
    unit_id: UUID | None = None
    phone: Annotated[str, Field(max_length=32)] = ""

    @property
    def mobile(self) -> str | None:
        """E.164; None where none was given. Raises Invalid for what takes no message."""
        if not self.phone:
            return None
        number = numbers.normalise(self.phone)
        if not numbers.is_mobile(number):
            raise Invalid("bad-phone", "请填写手机号。", fields={"phone": "通知短信须发到手机号，请填写手机号。"})
        return number


class NewUser(Profile):
    """A user to be."""

    login: Annotated[str, Field(pattern=r"^[a-z][a-z0-9.]{2,39}$")]


class OneUser(Asks):
    """A user."""

    id: UUID


class EditedUser(Profile, OneUser):
    """A user as edited, over what the person saw."""

    version: int = Field(ge=0, le=2**31)


class Reasoned(OneUser):
    """An act on an account, with why."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


class Activity(Reasoned):
    """On or off."""

    active: bool


async def index(ctx: Context, asked: UserList) -> web.Response:
    """A page of the accounts, by login."""
    rows = await _found(ctx.session, asked, asked.after, PAGE + 1)
    return await ctx.page(
        "users.html",
        place="users",
        list=listing("/users", COLUMNS, asked, rows, lambda one: one.login, PAGE),
        asked=asked,
        states=list(STATES.items()),
        standing=standing,
        role_pairs=[(role.value, label) for role, label in LABELS.items()],
        **await _choices(ctx.session),
    )


async def _found(session: AsyncSession, asked: Filter, after: str, limit: int) -> list[User]:
    wanted = select(User).where(User.login > after).order_by(User.login)
    for word in asked.search.split():
        wanted = wanted.where(or_(*(column.icontains(word, autoescape=True) for column in (User.name, User.login))))
    if asked.role:
        wanted = wanted.where(User.roles.contains([asked.role.value]))
    if asked.unit:
        wanted = wanted.where(User.unit_id == asked.unit)
    if asked.state in ("on", "off"):
        wanted = wanted.where(User.active.is_(asked.state == "on"))
    if asked.state == "locked":
        wanted = wanted.where(User.active, User.locked_until > clock.now())
    if asked.state == "misfit":  # few enough to be looked through; the rule stands in one place
        return [one for one in await session.scalars(wanted) if one.active and misfit(one.role_set, one.unit_id)]
    return list(await session.scalars(wanted.limit(limit)))


def standing(user: User) -> tuple[str, str, str]:
    """Word, tone and reason of how an account stands."""
    if not user.active:
        return "已停用", "", ""
    if why := misfit(user.role_set, user.unit_id):
        return "岗位须调整", "bad", why
    if user.locked_until is not None and user.locked_until > clock.now():
        return "已锁定", "bad", ""
    return "正常", "good", ""


async def export(ctx: Context, asked: UserExport) -> web.StreamResponse:
    """The accounts of the filter as a workbook."""
    told = asked.model_dump(mode="json", exclude={"reason"}, exclude_defaults=True)
    told |= {"state": STATES[asked.state]} if asked.state else {}
    async with ctx.parts.database.session() as session:
        names = (await _choices(session))["unit_names"]
        rows = [_cells(one, names) for one in await _found(session, asked, "", MOST_ROWS + 1)]
        what = Taking("用户", "YH", "user.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"用户{clock.today():%Y%m%d}-{done.number}")


def _cells(user: User, names: dict[UUID, str]) -> list[str]:
    return [
        user.login,
        user.name,
        role_names(list(user.roles)),
        names.get(user.unit_id, "") if user.unit_id else "热线中心",
        masked(user.phone, ""),
        "已绑定" if user.totp_enrolled else "未绑定",
        standing(user)[0],
    ]


async def _choices(session: AsyncSession) -> dict[str, Any]:
    units = (await session.scalars(select(Unit).order_by(Unit.name))).all()
    return {
        "units": [(unit.id, unit.name) for unit in units if unit.active],
        "unit_names": {unit.id: unit.name for unit in units},
        "role_choices": [(role.value, label, role in PRIVILEGED) for role, label in LABELS.items()],
    }


async def create(ctx: Context, asked: NewUser) -> web.Response:
    """A new user; the first password is shown once."""
    await administration.require_consistent(ctx.session, frozenset(asked.roles), asked.unit_id)
    mobile = asked.mobile
    user, first = await identity.create_user(
        ctx.session, ctx.actor, login=asked.login, name=asked.name, roles=frozenset(asked.roles), unit_id=asked.unit_id
    )
    user.phone = mobile
    return await _page(ctx, user, first)


async def show(ctx: Context, asked: OneUser) -> web.Response:
    """One user: profile, open sessions, what was done to the account."""
    user = await ctx.session.get(User, asked.id)
    if user is None:
        raise NotFound("no-such-user", "没有这个用户。")
    return await _page(ctx, user)


async def _page(ctx: Context, user: User, first: str = "") -> web.Response:
    open_ones = select(WebSession).where(WebSession.user_id == user.id, WebSession.revoked_at.is_(None))
    acts = (
        select(LedgerEntry)
        .where(
            LedgerEntry.subject == "user",
            LedgerEntry.subject_id == str(user.id),
            or_(LedgerEntry.action.startswith("user."), LedgerEntry.action == "session.revoke"),
        )
        .order_by(LedgerEntry.id.desc())
        .limit(SHOWN_ACTS + 1)
    )
    listed, more = shown((await ctx.session.scalars(acts)).all(), SHOWN_ACTS)
    return await ctx.page(
        "user.html",
        place="users",
        at=f"/users/{user.id}",
        user=user,
        first=first,
        sessions=(await ctx.session.scalars(open_ones.order_by(WebSession.seen_at.desc()).limit(50))).all(),
        acts=listed,
        more=more,
        actions=ACTIONS,
        changes=changes,
        privileged=bool(user.role_set & PRIVILEGED),
        least=passwords.MIN_LENGTH,
        **await _choices(ctx.session),
    )


async def edit(ctx: Context, asked: EditedUser) -> web.Response:
    """Change name, roles and unit."""
    await administration.edit_user(
        ctx.session,
        ctx.actor,
        asked.id,
        asked.version,
        name=asked.name,
        roles=frozenset(asked.roles),
        unit_id=asked.unit_id,
        phone=asked.mobile,
    )
    return ctx.redirect(f"/users/{asked.id}", "用户资料已保存。" + await _leaves_line(ctx, asked.id))


async def set_active(ctx: Context, asked: Activity) -> web.Response:
    """Switch on or off."""
    await identity.set_active(ctx.session, ctx.actor, asked.id, asked.active, asked.reason)
    off = "账号已停用，其登录已全部退出。" + await _leaves_line(ctx, asked.id)
    return ctx.redirect(f"/users/{asked.id}", "账号已启用。" if asked.active else off)


async def _leaves_line(ctx: Context, user_id: UUID) -> str:
    """What becomes of the queues and the talk of who may not sit at the line any more; nothing for everybody else."""
    await ctx.session.flush()
    user, agent = await ctx.session.get_one(User, user_id), await ctx.session.get(Agent, user_id)
    if agent is None or not agent.logged_in_at or (user.active and Permission.LINE_AGENT in granted(user.role_set)):
        return ""
    talk = "正在通话的市民听音乐等候，优先由其他话务员接听。" if agent.webrtc else "正在进行的通话不中断。"
    return f"坐席随即签出队列，不再分配来电；{talk}"


async def reset(ctx: Context, asked: Reasoned) -> web.Response:
    """A new first password, shown once."""
    first = await identity.reset_password(ctx.session, ctx.actor, asked.id, asked.reason)
    return await _page(ctx, await ctx.session.get_one(User, asked.id), first)


async def reset_second_factor(ctx: Context, asked: Reasoned) -> web.Response:
    """Undo the binding of the second factor."""
    await administration.reset_second_factor(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect(f"/users/{asked.id}", "动态口令已解除绑定，下次登录时重新绑定。")


async def unlock(ctx: Context, asked: Reasoned) -> web.Response:
    """End a lock-out."""
    await administration.unlock(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect(f"/users/{asked.id}", "账号已解除锁定。")


async def end_sessions(ctx: Context, asked: Reasoned) -> web.Response:
    """Sign the user out everywhere."""
    await administration.end_sessions(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect(f"/users/{asked.id}", "该用户的登录已全部退出。")


P = Permission.USER_ADMIN
ROLES = ("no-role", "administrators-apart", "no-unit", "no-such-unit", "bad-phone")
GONE = ("no-such-user",)
ROUTES = (
    Route("GET", "/users", P, UserList, index, "用户"),
    Route("POST", "/users", P, NewUser, create, "新增用户", ("login-taken", *ROLES)),
    Route(
        "POST", "/users/export", P, UserExport, export, "导出用户",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("GET", "/users/{id}", P, OneUser, show, "用户资料", GONE),
    Route("POST", "/users/{id}", P, EditedUser, edit, "修改用户", (*GONE, *ROLES, "not-oneself", "changed-meanwhile")),
    Route("POST", "/users/{id}/active", P, Activity, set_active, "启用或停用用户", (*GONE, "not-oneself")),
    Route("POST", "/users/{id}/reset", P, Reasoned, reset, "重置密码", GONE),
    Route("POST", "/users/{id}/second-factor", P, Reasoned, reset_second_factor, "解除动态口令绑定", GONE),
    Route("POST", "/users/{id}/unlock", P, Reasoned, unlock, "解除锁定", GONE),
    Route("POST", "/users/{id}/sessions", P, Reasoned, end_sessions, "退出用户的全部登录", GONE),
)  # fmt: skip
