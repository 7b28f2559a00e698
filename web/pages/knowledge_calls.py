"""The knowledge base beside a call: what fits the words just spoken, or what is typed; and whom an item answered."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow import queries as calls
from core.errors import Denied
from core.identity.models import Unit
from core.permissions import Permission as P
from crm.knowledge import service
from crm.knowledge.terms import LONGEST_ASKED
from crm.queries import knowledge_uses
from crm.search.filter import LONGEST_SEARCH
from recordings.models import LivePartial, Side
from recordings.said import said as spoken
from web import paging
from web.context import Context
from web.lists import Column, listing
from web.pages.knowledge import SEE_USES, Filter, Found, found
from web.route import Asks, Route, Table

SUGGESTED = 5
LAST_SAID = 6
"""Utterances of the citizen that are read, as far as they fit into a search."""
COLUMNS = tuple(map(Column, ("答复时间", "版本", "工单", "通话", "话务员")))


class CallSearch(Asks):
    """A call, and what its agent types; nothing typed: what the citizen just said."""

    id: UUID
    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""


class Uses(Asks):
    """An item's answers, of one version or of all; where the page begins."""

    id: UUID
    version: int | None = Field(None, ge=1, le=1_000_000)
    after: Annotated[str, Field(max_length=100)] = ""


async def suggest(ctx: Context, asked: CallSearch) -> web.Response:
    """The panel's part that follows the words."""
    call = await calls.call(ctx.session, asked.id)
    hits = await suggestions(ctx, call.id, asked.search)
    return ctx.bare("call_knowledge.html", call=call, search=asked.search, hits=hits)


async def suggestions(ctx: Context, call_id: UUID, search: str = "") -> list[Found]:
    """The best items for what is typed, else for what the citizen just said."""
    words = search or await said(ctx.session, call_id)
    if not words.strip():
        return []
    return list(await found(ctx.session, ctx.parts.database, ctx.actor, Filter(search=words), "", SUGGESTED))


async def said(session: AsyncSession, call_id: UUID) -> str:
    """The citizen's last words, what is just being said among them, no more than a search reads."""
    newest = await spoken(session, [call_id], side=Side.CITIZEN, newest=LAST_SAID)
    partial = select(LivePartial.text).where(LivePartial.call_id == call_id, LivePartial.side == Side.CITIZEN)
    texts = [*(one.text for one in newest), *(await session.scalars(partial)).all()]
    return " ".join(filter(None, texts))[-LONGEST_ASKED:]


async def uses(ctx: Context, asked: Uses) -> web.Response:
    """A18-2: every call answered with each version."""
    item, versions = await service.known(ctx.session, ctx.actor, asked.id)
    if not any(map(ctx.actor.may, (P.KNOWLEDGE_PUBLISH, P.ORDER_VIEW))) and ctx.actor.unit_id != item.unit_id:
        raise Denied("not-your-unit", "只能查看本单位提供的条目答复了哪些来电。")
    after = paging.parse(asked.after)
    rows = await knowledge_uses.uses(ctx.session, ctx.actor, item, asked.version, after, paging.PAGE + 1)
    return await ctx.page(
        "knowledge_uses.html",
        place="knowledge",
        item=item,
        question=versions[-1].question,
        unit=await ctx.session.get_one(Unit, item.unit_id),
        tally=await knowledge_uses.tally(ctx.session, item),
        list=listing(
            f"/knowledge/{item.id}/uses", COLUMNS, asked, rows, lambda one: paging.key_of(one.use.at, one.use.id)
        ),
        asked=asked,
        may_open=ctx.actor.may(P.CALL_VIEW),
    )


ROUTES: Table = (
    Route("GET", "/calls/{id}/knowledge", P.CALL_VIEW, CallSearch, suggest, "来电的知识库建议", ("no-call",)),
    Route(
        "GET", "/knowledge/{id}/uses", SEE_USES, Uses, uses, "条目答复的来电",
        ("no-such-knowledge", "not-your-unit", "bad-page"),
    ),
)  # fmt: skip
