"""While a draft is filled in: the limit of the category that is chosen, and what is typed, kept as it is typed."""

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import local
from core.permissions import Permission as P
from crm.county.categories import Category
from crm.drafts import typed
from crm.queries.limit_now import limit_now
from crm.tickets.access import get
from web.context import Context
from web.route import Asks, Route

TypedName = Literal[
    "category", "matter", "title", "content", "address", "area", "occurred", "subject", "demand", "caller_name",
    "caller_phone", "confidential", "lead_unit", "basis",
]  # fmt: skip
"""Fields of the draft's form that are kept while they are typed."""


class Choosing(Asks):
    """What is chosen at this moment."""

    category: Category | None = None
    matter: str | None = Field(None, max_length=40)


class Typing(Asks):
    """The fields that changed since the last time, as they stand, finished or not."""

    id: UUID
    fields: dict[TypedName, Annotated[str, Field(max_length=4000)]] = Field(max_length=20)


class OneOrder(Asks):
    """An order."""

    id: UUID


async def limit(ctx: Context, asked: Choosing) -> web.Response:
    """A09-1: the limit of the category and when it would end if the order were dispatched now."""
    found = await limit_now(ctx.session, asked.category, asked.matter)
    return ctx.bare("limit.html", limit=found)


async def keep(ctx: Context, asked: Typing) -> web.Response:
    """F12.1-2: kept for this person, no part of the order yet; says when."""
    kept = await typed.keep(ctx.session, ctx.actor, asked.id, {str(name): text for name, text in asked.fields.items()})
    return ctx.data({"saved": f"{local(kept.saved_at):%H:%M:%S}"})


async def forget(ctx: Context, asked: OneOrder) -> web.Response:
    """Give up what was typed: the form shows the order as it stands."""
    await get(ctx.session, ctx.actor, asked.id)
    await typed.forget(ctx.session, ctx.actor, asked.id)
    return ctx.redirect(f"/orders/{asked.id}", "已放弃未提交的内容。")


ERRORS = ("no-such-order", "wrong-state")
ROUTES = (
    Route("GET", "/limit", P.ORDER_EDIT, Choosing, limit, "办理时限"),
    Route("POST", "/orders/{id}/typing", P.ORDER_EDIT, Typing, keep, "自动保存填写内容", ERRORS),
    Route("POST", "/orders/{id}/typing/drop", P.ORDER_EDIT, OneOrder, forget, "放弃未提交的内容", ("no-such-order",)),
)
