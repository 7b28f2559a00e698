"""常用查询: the list of orders as one person saved it: saved from the list, opened and deleted there."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from pydantic import Field

from crm.search import saved
from crm.search.filter import OrderFilter
from web.context import Context
from web.lists import asked_of
from web.pages.order_list import filter_of
from web.pages.orders import SEE
from web.route import Asks, Route


class Saving(OrderFilter, Asks):
    """The filter, and what it is to be called."""

    name: Annotated[str, Field(min_length=1, max_length=20)]


class OneFilter(Asks):
    """A saved filter."""

    id: UUID


async def save(ctx: Context, asked: Saving) -> web.Response:
    """Keep the list's present filter."""
    wanted = filter_of(asked)
    await saved.save(ctx.session, ctx.actor, asked.name, wanted)
    return ctx.redirect(_address(wanted), f"已保存为常用查询“{asked.name}”。")


async def show(ctx: Context, asked: OneFilter) -> web.Response:
    """The list by a saved filter."""
    return ctx.redirect(_address(await saved.opened(ctx.session, ctx.actor, asked.id)))


async def delete(ctx: Context, asked: OneFilter) -> web.Response:
    """No longer keep it."""
    name = await saved.forget(ctx.session, ctx.actor, asked.id)
    return ctx.redirect("/orders", f"已删除常用查询“{name}”。")


def _address(wanted: OrderFilter) -> str:
    return "/orders?" + urlencode(asked_of(wanted), doseq=True)


GONE = ("no-such-filter",)
ROUTES = (
    Route(
        "POST", "/saved-filters", SEE, Saving, save, "保存常用查询",
        ("nothing-to-save", "filter-name-taken", "too-many-filters"),
    ),
    Route("GET", "/saved-filters/{id}", SEE, OneFilter, show, "打开常用查询", (*GONE, "filter-outdated")),
    Route("POST", "/saved-filters/{id}/delete", SEE, OneFilter, delete, "删除常用查询", GONE),
)  # fmt: skip
