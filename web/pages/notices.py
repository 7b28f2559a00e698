"""通知: what happened to the orders that concern this person; and what notices say, by the policy in force."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now, today
from core.errors import NotFound
from core.permissions import Permission as P
from crm.installed import installed
from crm.letters_policy import SAMPLE as LETTER
from crm.letters_policy import LettersPolicy
from crm.notices import service
from crm.notices.models import Notice
from crm.notices_policy import NoticesPolicy
from crm.rulebook.texts import texts
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.regulations import own_articles
from web.render import exact, when
from web.route import Asks, Nothing, Route

COLUMNS = (Column("时间", ("newest", "oldest")), *map(Column, ("内容", "状态", "处理")))
HEADS = (("时间", 22), ("内容", 80), ("已读时间", 22))


class Filter(Asks):
    """Filters of the list; `search`: words of the text, all of them."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    unread: bool = False
    sort: Literal["newest", "oldest"] = "newest"


class Inbox(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class NoticeExport(Filter):
    """The notices of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Version(Asks):
    """A version of the rules by its digest; empty: what is in force."""

    version: Annotated[str, Field(max_length=16)] = ""


class One(Asks):
    """A notice."""

    id: UUID


async def index(ctx: Context, asked: Inbox) -> web.Response:
    """A page of this person's notices."""
    rows = await _found(ctx, ctx.session, asked, paging.parse(asked.after), paging.PAGE + 1)
    return await ctx.page(
        "notices.html",
        place="notices",
        list=listing("/notices", COLUMNS, asked, rows, lambda one: paging.key_of(one.created_at, one.id)),
        basis=installed().policy[NoticesPolicy].basis,
        own=own_articles(),
        asked=asked,
        unread=await service.unread(ctx.session, ctx.signed_in.user.id),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def _found(
    ctx: Context, session: AsyncSession, asked: Filter, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Notice]:
    return await service.inbox(
        session,
        ctx.signed_in.user.id,
        unread_only=asked.unread,
        words=asked.search.split(),
        oldest_first=asked.sort == "oldest",
        after=after,
        limit=limit,
    )


async def export(ctx: Context, asked: NoticeExport) -> web.StreamResponse:
    """The person's own notices of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = ({"unread": True} if asked.unread else {}) | searched(asked.search)
    async with ctx.parts.database.session() as session:
        found = await _found(ctx, session, asked, None, MOST_ROWS + 1)
        rows = [[exact(one.created_at), one.text, exact(one.read_at, "未读")] for one in found]
        what = Taking("通知", "TZ", "notices.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"通知{today():%Y%m%d}-{done.number}")


async def read(ctx: Context, asked: One) -> web.Response:
    """One of them is read."""
    await service.read(ctx.session, ctx.signed_in.user.id, asked.id)
    return ctx.redirect("/notices")


async def read_all(ctx: Context, asked: Nothing) -> web.Response:
    """All are read."""
    await service.read(ctx.session, ctx.signed_in.user.id)
    return ctx.redirect("/notices", "已全部标为已读。")


async def templates(ctx: Context, asked: Version) -> web.Response:
    """What each message looks like with sample values, by any version that was, is or will be in force."""
    book, present = installed().rules, installed().policy
    policy = book.policy_of(asked.version) if asked.version else present
    if policy is None:
        raise NotFound("no-such-version", "没有这个版本的运行规则。")
    now_sent = {one.name: one.text for one in texts(present)}
    spans = [(one.policy.version, one.since) for one in reversed(book.policies)]
    letters = policy[LettersPolicy]
    written = [
        (field.title or name, getattr(letters, name).format(**LETTER), letters.basis[name])
        for name, field in LettersPolicy.model_fields.items()
        if name != "basis"
    ]
    return await ctx.page(
        "notice_texts.html",
        place="policy",
        rows=[(one, one.text != now_sent.get(one.name)) for one in texts(policy)],
        letters=written,
        own=own_articles(),
        asked=policy.version,
        present=present.version,
        versions=[(version, f"{when(since)} {_when(version, since)}") for version, since in spans],
    )


def _when(version: str, since: datetime) -> str:
    if version == installed().policy.version:
        return "起施行（现行）"
    return "起施行（待生效）" if since > now() else "起施行（已被取代）"


WHO = (P.ORDER_VIEW, P.ORDER_VIEW_UNIT)
ROUTES = (
    Route("GET", "/notices", WHO, Inbox, index, "通知", ("bad-page",)),
    Route(
        "POST", "/notices/export", WHO, NoticeExport, export, "导出通知",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("POST", "/notices/read", WHO, Nothing, read_all, "通知全部标为已读"),
    Route("POST", "/notices/{id}/read", WHO, One, read, "通知标为已读", ("no-such-notice",)),
    Route("GET", "/policy/texts", P.POLICY_VIEW, Version, templates, "短信与通知模板", ("no-such-version",)),
)  # fmt: skip
