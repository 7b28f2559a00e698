"""通知: what happened to the orders that concern this person; and what notices say, by the policy in force."""

from uuid import UUID

from aiohttp import web

from core.permissions import Permission as P
from crm.installed import installed
from crm.letters_policy import SAMPLE as LETTER
from crm.letters_policy import LettersPolicy
from crm.notices import service
from crm.notices_policy import SAMPLE, NoticesPolicy
from crm.policy import SmsPolicy
from crm.sms.text import units
from web import paging
from web.context import Context
from web.pages.regulations import own_articles
from web.route import Asks, Nothing, Route


class Inbox(Asks):
    """Filters of the list."""

    before: str = ""
    unread: bool = False


class One(Asks):
    """A notice."""

    id: UUID


async def index(ctx: Context, asked: Inbox) -> web.Response:
    """This person's notices, the newest first."""
    user, before = ctx.signed_in.user.id, paging.parse(asked.before)
    rows = await service.inbox(ctx.session, user, unread_only=asked.unread, before=before, limit=paging.PAGE)
    filters = {"unread": "true" if asked.unread else ""}
    return await ctx.page(
        "notices.html",
        place="notices",
        rows=rows,
        basis=installed().policy[NoticesPolicy].basis,
        own=own_articles(),
        asked=asked,
        unread=await service.unread(ctx.session, user),
        older=paging.older("/notices", rows, "created_at", filters),
    )


async def read(ctx: Context, asked: One) -> web.Response:
    """One of them is read."""
    await service.read(ctx.session, ctx.signed_in.user.id, asked.id)
    return ctx.redirect("/notices")


async def read_all(ctx: Context, asked: Nothing) -> web.Response:
    """All are read."""
    await service.read(ctx.session, ctx.signed_in.user.id)
    return ctx.redirect("/notices", "已全部标为已读。")


async def texts(ctx: Context, asked: Nothing) -> web.Response:
    """What each message looks like, with sample values."""
    policy = installed().policy
    section, signature = policy[NoticesPolicy], policy[SmsPolicy].signature
    shown = [("受理短信（诉求人）", policy[SmsPolicy].receipt.format(number=SAMPLE["number"], code="123456"), "")]
    for name, field in NoticesPolicy.model_fields.items():
        if "{number}" in str(value := getattr(section, name)):
            shown.append((field.title or name, value.format(**SAMPLE), section.basis[name]))
    shown[0] = (*shown[0][:2], policy[SmsPolicy].basis["receipt"])
    full = [(title, f"【{signature}】{text}", basis) for title, text, basis in shown]
    rows = [(title, text, units(text), basis) for title, text, basis in full]
    letters = policy[LettersPolicy]
    written = [
        (field.title or name, getattr(letters, name).format(**LETTER), letters.basis[name])
        for name, field in LettersPolicy.model_fields.items()
        if name != "basis"
    ]
    return await ctx.page(
        "notice_texts.html", place="policy", rows=rows, letters=written, own=own_articles(), version=policy.version
    )


WHO = (P.ORDER_VIEW, P.ORDER_VIEW_UNIT)
ROUTES = (
    Route("GET", "/notices", WHO, Inbox, index, "通知", ("bad-page",)),
    Route("POST", "/notices/read", WHO, Nothing, read_all, "通知全部标为已读"),
    Route("POST", "/notices/{id}/read", WHO, One, read, "通知标为已读", ("no-such-notice",)),
    Route("GET", "/policy/texts", P.POLICY_VIEW, Nothing, texts, "短信与通知模板"),
)
