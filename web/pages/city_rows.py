"""The rows of one file of the city 市级文件的行, each with what was found of it: searched, narrowed, taken along."""

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from crm.city import importing
from crm.city.judging import Verdict
from crm.city.models import CityRow
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from crm.tickets.masking import mask_numbers
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.route import Asks

COLUMNS = (Column("行", ("first", "last"), "right"), *map(Column, ("市级编号", "本县工单", "结果", "说明")))
HEADS = (("行", 8), ("市级编号", 28), ("本县工单", 20), ("结果", 14), ("说明", 60))
TONES = {Verdict.NEW: "act", Verdict.CHANGED: "warn", Verdict.BAD: "bad", Verdict.PRESENT: ""}


class Filter(Asks):
    """A file; `search`: words of a number or of what was found of a row."""

    id: UUID
    verdict: Verdict | None = None
    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    sort: Literal["first", "last"] = "first"

    @property
    def wanted(self) -> importing.Wanted:
        """The filter as the list takes it."""
        return importing.Wanted(self.search.split(), self.verdict, self.sort == "last")


class RowList(Filter):
    """The filter, and the row behind which the page begins."""

    after: Annotated[str, Field(pattern=r"^\d{0,9}$")] = ""


class RowExport(Filter):
    """The rows of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def rows(ctx: Context, asked: RowList) -> web.Response:
    """Each row with its verdict and its reason beside it."""
    made = await importing.one(ctx.session, asked.id)
    after = int(asked.after) if asked.after else None
    found = await importing.some_rows(ctx.session, ctx.actor, asked.id, asked.wanted, after, paging.PAGE + 1)
    narrowed = asked.model_copy(update={"id": None})  # the file is in the path
    return await ctx.page(
        "city_import.html",
        place="city",
        made=made,
        asked=asked,
        list=listing(f"/city/imports/{asked.id}", COLUMNS, narrowed, found, lambda one: str(one[0].n)),
        verdicts=[(one.value, f"{one.label} {made.counts[one.value]}") for one in Verdict],
        labels={one.value: one.label for one in Verdict},
        tones={one.value: tone for one, tone in TONES.items()},
        said=said,
    )


async def export(ctx: Context, asked: RowExport) -> web.StreamResponse:
    """The rows of the filter as a workbook: what was found of each, nothing of what its citizen said."""
    async with ctx.parts.database.session() as session:
        made = await importing.one(session, asked.id)
        found = await importing.some_rows(session, ctx.actor, asked.id, asked.wanted, None, MOST_ROWS + 1)
        told = {"file": made.file_name} | searched(asked.search)
        told |= {"verdict": asked.verdict.label} if asked.verdict else {}
        what = Taking("市级文件的行", "SH", "city.rows-export", HEADS, [_cells(*one) for one in found], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"市级文件的行{today():%Y%m%d}-{done.number}")


def said(row: CityRow) -> str:
    """What was found of a row, and what becomes of it."""
    return row.reason or ("" if row.ticket_id else "导入后形成工单，等待核对派发")


def _cells(row: CityRow, number: str | None) -> list[str]:
    return [str(row.n), row.number or "", number or "", Verdict(row.verdict).label, mask_numbers(said(row))]
