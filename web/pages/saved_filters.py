"""常用查询: a list as one person saved it: saved from the list, opened, renamed and deleted there."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from core.errors import Invalid
from core.permissions import Permission
from crm.search import saved
from crm.search.filter import OrderFilter
from web.context import Context
from web.lists import asked_of
from web.pages.order_list import ORDERS, filter_of
from web.pages.orders import SEE
from web.pages.recording_list import SAVED, Filter, RecordingList, bare
from web.route import Asks, Route

LISTS: Mapping[str, type[BaseModel]] = {ORDERS: OrderFilter, SAVED: RecordingList}
"""Name of a list, which is also its address -> what is asked of it."""
Name = Annotated[str, Field(min_length=1, max_length=20)]


class Saving(OrderFilter, Asks):
    """A filter of orders, and what it is to be called."""

    name: Name


class SavingRecordings(Filter):
    """A filter of recordings, and what it is to be called."""

    name: Name


class OneFilter(Asks):
    """A saved filter."""

    id: UUID


class Renaming(OneFilter):
    """Its new name."""

    name: Name


async def save(ctx: Context, asked: Saving) -> web.Response:
    """Keep the present filter of the orders."""
    return await _saved(ctx, ORDERS, asked.name, filter_of(asked))


async def save_recordings(ctx: Context, asked: SavingRecordings) -> web.Response:
    """Keep the present filter of the recordings."""
    return await _saved(ctx, SAVED, asked.name, bare(asked))


async def show(ctx: Context, asked: OneFilter) -> web.Response:
    """The list by a saved filter."""
    row = await saved.own(ctx.session, ctx.actor, asked.id)
    try:
        wanted = LISTS[row.of].model_validate_json(row.filter)
    except ValidationError:  # a state or a category that a later version no longer has
        raise Invalid("filter-outdated", "这个常用查询的条件已不再适用，请删除后重新保存。") from None
    return ctx.redirect(_address(row.of, wanted))


async def rename(ctx: Context, asked: Renaming) -> web.Response:
    """Call it something else."""
    row = await saved.rename(ctx.session, ctx.actor, asked.id, asked.name)
    return ctx.redirect(f"/{row.of}", f"常用查询已改名为“{asked.name}”。")


async def delete(ctx: Context, asked: OneFilter) -> web.Response:
    """No longer keep it."""
    row = await saved.forget(ctx.session, ctx.actor, asked.id)
    return ctx.redirect(f"/{row.of}", f"已删除常用查询“{row.name}”。")


async def _saved(ctx: Context, of: str, name: str, wanted: BaseModel) -> web.Response:
    await saved.save(ctx.session, ctx.actor, of, name, wanted)
    return ctx.redirect(_address(of, wanted), f"已保存为常用查询“{name}”。")


def _address(of: str, wanted: BaseModel) -> str:
    return f"/{of}?" + urlencode(asked_of(wanted), doseq=True)


GONE, TAKEN = ("no-such-filter",), ("filter-name-taken",)
SAVING = ("nothing-to-save", *TAKEN, "too-many-filters")
ANY = (*SEE, Permission.RECORDING_VIEW)
ROUTES = (
    Route("POST", "/saved-filters", SEE, Saving, save, "保存常用查询", SAVING),
    Route(
        "POST", "/saved-filters/recordings", Permission.RECORDING_VIEW, SavingRecordings, save_recordings,
        "保存录音的常用查询", SAVING,
    ),
    Route("GET", "/saved-filters/{id}", ANY, OneFilter, show, "打开常用查询", (*GONE, "filter-outdated")),
    Route("POST", "/saved-filters/{id}", ANY, Renaming, rename, "常用查询改名", (*GONE, *TAKEN)),
    Route("POST", "/saved-filters/{id}/delete", ANY, OneFilter, delete, "删除常用查询", GONE),
)  # fmt: skip
