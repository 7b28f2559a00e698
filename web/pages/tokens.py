"""Programs 接口程序 and their access tokens: who made them, what they may, when they were used last."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field, field_validator
from sqlalchemy import or_, select

from core.accounts import service
from core.accounts.channels import SCOPE_LABELS, Channel
from core.accounts.models import AccessToken, ServiceAccount
from core.errors import NotFound
from core.identity.models import Unit
from core.ledger.models import LedgerEntry
from core.permissions import SCOPES, Permission
from web.context import Context
from web.ledger_words import ACTIONS
from web.lists import shown
from web.pages import program_list
from web.route import Asks, Route

SHOWN_ACTS = 30
TERMS = ((90, "90 天"), (180, "180 天"), (366, "一年"))


class NewProgram(Asks):
    """A program to be."""

    name: Annotated[str, Field(min_length=2, max_length=40)]
    channel: Channel
    unit_id: UUID | None = None


class OneProgram(Asks):
    """A program."""

    id: UUID


class NewToken(OneProgram):
    """A token to be."""

    scopes: Annotated[list[Permission], Field(max_length=len(SCOPES))] = []
    days: int = Field(ge=1, le=service.MAX_DAYS)
    networks: str = Field("", max_length=500)

    @field_validator("scopes")
    @classmethod
    def only_scopes(cls, value: list[Permission]) -> list[Permission]:
        """A permission that no token may carry is not on the form."""
        if not set(value) <= SCOPES:
            raise ValueError("请从列出的选项中选择。")
        return value


class Reasoned(OneProgram):
    """An act with why."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


class Activity(Reasoned):
    """On or off, over what the person saw."""

    active: bool
    version: int = Field(ge=0, le=2**31)


async def create(ctx: Context, asked: NewProgram) -> web.Response:
    """A new program, still without a token."""
    made = await service.create_account(
        ctx.session, ctx.actor, name=asked.name, channel=asked.channel, unit_id=asked.unit_id
    )
    return ctx.redirect(f"/programs/{made.id}", f"已登记程序：{made.name}。请为它生成访问令牌。")


async def show(ctx: Context, asked: OneProgram) -> web.Response:
    """One program: its tokens and what was done about them."""
    return await _page(ctx, asked.id)


async def _page(ctx: Context, account_id: UUID, fresh: str = "") -> web.Response:
    program = await ctx.session.get(ServiceAccount, account_id)
    if program is None:
        raise NotFound("no-such-account", "没有这个程序。")
    channel = Channel(program.channel)
    held = select(AccessToken).where(AccessToken.account_id == program.id).order_by(AccessToken.created_at.desc())
    acts = select(LedgerEntry).where(
        LedgerEntry.subject == "account",
        LedgerEntry.subject_id == str(program.id),
        or_(LedgerEntry.action.startswith("account."), LedgerEntry.action.startswith("token.")),
    )
    newest = acts.order_by(LedgerEntry.id.desc()).limit(SHOWN_ACTS + 1)
    listed, more = shown((await ctx.session.scalars(newest)).all(), SHOWN_ACTS)
    return await ctx.page(
        "program.html",
        place="programs",
        at=f"/programs/{program.id}",
        program=program,
        fresh=fresh,
        tokens=(await ctx.session.scalars(held)).all(),
        acts=listed,
        more=more,
        actions=ACTIONS,
        scopes=[(one.value, SCOPE_LABELS[one]) for one in sorted(channel.scopes)],
        scope_names={one.value: label for one, label in SCOPE_LABELS.items()},
        terms=TERMS,
        unit=await ctx.session.get(Unit, program.unit_id) if program.unit_id else None,
    )


async def issue(ctx: Context, asked: NewToken) -> web.Response:
    """A new token, shown on this page once."""
    _, fresh = await service.issue_token(
        ctx.session,
        ctx.actor,
        asked.id,
        scopes=asked.scopes,
        days=asked.days,
        networks=asked.networks.replace("，", " ").replace(",", " ").split(),
    )
    return await _page(ctx, asked.id, fresh)


async def revoke(ctx: Context, asked: Reasoned) -> web.Response:
    """End a token now."""
    token = await service.revoke_token(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect(f"/programs/{token.account_id}", f"令牌 {token.prefix} 已撤销，立即失效。")


async def set_active(ctx: Context, asked: Activity) -> web.Response:
    """Switch a program on or off."""
    made = await service.set_account_active(ctx.session, ctx.actor, asked.id, asked.version, asked.active, asked.reason)
    return ctx.redirect(f"/programs/{made.id}", "程序已启用。" if asked.active else "程序已停用，其令牌全部失效。")


P = Permission.USER_ADMIN
ROUTES = (
    Route("GET", "/programs", P, program_list.ProgramList, program_list.index, "接口程序", ("bad-page",)),
    Route("POST", "/programs", P, NewProgram, create, "登记接口程序", ("name-taken", "no-such-unit", "unit-not-due")),
    Route(
        "POST",
        "/programs/export",
        P,
        program_list.ProgramExport,
        program_list.export,
        "导出接口程序",
        ("no-reason", "too-many-rows", "nothing-to-export"),
        stream=True,
    ),
    Route("GET", "/programs/{id}", P, OneProgram, show, "一个接口程序", ("no-such-account",)),
    Route(
        "POST",
        "/programs/{id}/tokens",
        P,
        NewToken,
        issue,
        "生成访问令牌",
        ("no-such-account", "account-off", "bad-scopes", "bad-network"),
    ),
    Route(
        "POST",
        "/programs/{id}/active",
        P,
        Activity,
        set_active,
        "启用或停用接口程序",
        ("no-such-account", "changed-meanwhile"),
    ),
    Route("POST", "/tokens/{id}/revoke", P, Reasoned, revoke, "撤销访问令牌", ("no-such-token", "token-over")),
)
