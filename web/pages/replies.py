"""Beside the reply form: remarks about what is being written, the letter, and the files of an order."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.permissions import Permission as P
from crm.queries.letter import Draft, last_answer, letter
from crm.tickets import access, files
from crm.tickets.acts.replying import CloseKind
from crm.tickets.remarks import Demand, remarks
from web import act_words
from web.context import Context
from web.files import stream
from web.route import Asks, Route


class OneOrder(Asks):
    """An order."""

    id: UUID


class Written(OneOrder):
    """An answer as far as it is written."""

    text: Annotated[str, Field(max_length=4000)] = ""
    close_kind: CloseKind | None = None
    citation: Annotated[str, Field(max_length=300)] = ""


class OneFile(Asks):
    """A file."""

    id: UUID


async def look(ctx: Context, asked: Written) -> web.Response:
    """What a reader would remark; nothing is kept, nothing is refused."""
    ticket = await access.get(ctx.session, ctx.actor, asked.id)
    name = ticket.caller_name if access.sees_identity(ctx.actor, ticket) else None
    found = remarks(asked.text, Demand(ticket.title, ticket.content, name or ""), asked.close_kind, asked.citation)
    return ctx.bare("remarks.html", found=found, written=bool(asked.text.strip()))


async def show_letter(ctx: Context, asked: OneOrder) -> web.Response:
    """The letter around the newest answer, or a blank one to be written."""
    ticket = await access.get(ctx.session, ctx.actor, asked.id)
    return await _letter(ctx, asked.id, await last_answer(ctx.session, ctx.actor, ticket))


async def write_letter(ctx: Context, asked: Written) -> web.Response:
    """The letter around what was typed; it is not kept."""
    kind = (asked.close_kind or CloseKind.HANDLED).value
    return await _letter(ctx, asked.id, Draft(asked.text, kind, asked.citation))


async def _letter(ctx: Context, id: UUID, draft: Draft) -> web.Response:
    ticket = await access.get(ctx.session, ctx.actor, id)
    return await ctx.page(
        "letter.html",
        place="orders",
        at=f"/orders/{id}/letter",
        ticket=ticket,
        draft=draft,
        paragraphs=(await letter(ctx.session, ticket, draft)).split("\n"),
        kinds=tuple(act_words.CHOICES[CloseKind].items()),
    )


async def download(ctx: Context, asked: OneFile) -> web.StreamResponse:
    """A file as it was put there; the look is on record before the first byte."""
    async with ctx.parts.database.session() as session:
        found = await files.find(session, ctx.actor, asked.id)
    await ctx.parts.store.stat(found.store_key)
    content = files.content(ctx.parts.store, found)
    return await stream(ctx.request, content, found.media_type, found.name, found.size)


SEE = (P.ORDER_VIEW, P.ORDER_VIEW_UNIT)
GONE, ENDED = ("no-such-order",), ("no-such-file", "attachment-destroyed")
ROUTES = (
    Route("POST", "/orders/{id}/remarks", P.ORDER_HANDLE, Written, look, "检查答复", GONE),
    Route("GET", "/orders/{id}/letter", SEE, OneOrder, show_letter, "答复函", (*GONE, "no-unit")),
    Route("POST", "/orders/{id}/letter", SEE, Written, write_letter, "生成答复函", (*GONE, "no-unit")),
    Route(
        "GET",
        "/attachments/{id}",
        SEE,
        OneFile,
        download,
        "下载附件",
        ("no-such-file", "attachment-destroyed"),
        stream=True,
    ),
)
