"""通知: what happened to the orders that concern this person; and what notices say, by the policy in force."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import local, now
from core.errors import NotFound
from core.permissions import Permission as P
from crm.installed import installed
from crm.letters_policy import SAMPLE as LETTER
from crm.letters_policy import LettersPolicy
from crm.notices import service
from crm.notices_policy import NoticesPolicy
from crm.rulebook.texts import texts
from crm.search.filter import LONGEST_SEARCH
from web import paging
from web.context import Context
from web.lists import Column, Listing, asked_of
from web.pages.regulations import own_articles
from web.route import Asks, Nothing, Route

COLUMNS = (Column("时间", ("newest", "oldest")), *map(Column, ("内容", "状态", "处理")))


class Inbox(Asks):
    """Filters of the list, and where the page begins; `search`: words of the text, all of them."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    unread: bool = False
    sort: Literal["newest", "oldest"] = "newest"
    after: Annotated[str, Field(max_length=100)] = ""


class Version(Asks):
    """A version of the rules by its digest; empty: what is in force."""

    version: Annotated[str, Field(max_length=16)] = ""


class One(Asks):
    """A notice."""

    id: UUID


async def index(ctx: Context, asked: Inbox) -> web.Response:
    """A page of this person's notices."""
    user = ctx.signed_in.user.id
    rows = await service.inbox(
        ctx.session, user,
        unread_only=asked.unread, words=asked.search.split(), oldest_first=asked.sort == "oldest",
        after=paging.parse(asked.after), limit=paging.PAGE + 1,
    )  # fmt: skip
    further = paging.key_of(rows[paging.PAGE - 1], "created_at") if len(rows) > paging.PAGE else ""
    return await ctx.page(
        "notices.html",
        place="notices",
        list=Listing("/notices", COLUMNS, asked_of(asked), rows[: paging.PAGE], asked.sort, further, not asked.after),
        basis=installed().policy[NoticesPolicy].basis,
        own=own_articles(),
        asked=asked,
        unread=await service.unread(ctx.session, user),
    )


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
        versions=[(version, f"{local(since):%Y年%m月%d日 %H:%M} {_when(version, since)}") for version, since in spans],
    )


def _when(version: str, since: datetime) -> str:
    if version == installed().policy.version:
        return "起施行（现行）"
    return "起施行（待生效）" if since > now() else "起施行（已被取代）"


WHO = (P.ORDER_VIEW, P.ORDER_VIEW_UNIT)
ROUTES = (
    Route("GET", "/notices", WHO, Inbox, index, "通知", ("bad-page",)),
    Route("POST", "/notices/read", WHO, Nothing, read_all, "通知全部标为已读"),
    Route("POST", "/notices/{id}/read", WHO, One, read, "通知标为已读", ("no-such-notice",)),
    Route("GET", "/policy/texts", P.POLICY_VIEW, Version, templates, "短信与通知模板", ("no-such-version",)),
)
