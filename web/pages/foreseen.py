"""What a value would lead to, said beside its field while it is typed (F15-1)."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from core.permissions import Permission as P
from crm.queries import foreseen
from web.context import Context
from web.pages.orders import OneOrder
from web.route import Route


class Days(OneOrder):
    """So many working days more."""

    days: Annotated[int, Field(ge=0, le=366)]


async def extension(ctx: Context, asked: Days) -> web.Response:
    """The new due of an extension by so many days, or why it is too long: a part of a page."""
    found = await foreseen.extension(ctx.session, ctx.actor, asked.id, asked.days)
    return web.Response(text=ctx.render("foreseen.html", found=found), content_type="text/html")


ROUTES = (
    Route(
        "GET",
        "/orders/{id}/extension",
        (P.ORDER_HANDLE, P.ORDER_EXCEPT),
        Days,
        extension,
        "延期后的到期日",
        ("no-such-order", "no-clock"),
    ),
)
