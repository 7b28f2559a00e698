"""All files that came from the city and all sheets that went back 导入记录、回写记录: searched, paged, taken along."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from core.clock import today
from crm.city import board
from crm.city.judging import Verdict
from crm.city.models import CityExport, CityImport
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import exact
from web.route import Asks

COUNTED = (Verdict.NEW, Verdict.CHANGED, Verdict.PRESENT, Verdict.BAD)
FILES = (
    Column("文件"),
    Column("上传", ("newest", "oldest")),
    *(Column(one.label, css="right") for one in COUNTED),
    Column("导入"),
)
FILE_HEADS = (
    ("文件", 40),
    ("上传人", 12),
    ("上传时间", 22),
    *((one.label, 10) for one in COUNTED),
    ("导入人", 12),
    ("导入时间", 22),
)
SHEETS = (Column("编号"), Column("导出", ("newest", "oldest")), Column("条数", css="right"), Column("下载"))
SHEET_HEADS = (("编号", 28), ("导出人", 12), ("导出时间", 22), ("条数", 10))


class Filter(Asks):
    """`search`: words of a file's name, a sheet's number or a person's name."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> board.Wanted:
        """The filter as the lists take it."""
        return board.Wanted(self.search.split(), self.sort == "oldest")


class Records(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """The records of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def files(ctx: Context, asked: Records) -> web.Response:
    """A page of the city's files."""
    rows = await board.imports(ctx.session, asked.wanted, paging.parse(asked.after), paging.PAGE + 1)
    found = listing("/city/imports", FILES, asked, rows, lambda one: paging.key_of(one.uploaded_at, one.id))
    return await ctx.page("city_files.html", place="city", list=found, asked=asked, counted=COUNTED)


async def sheets(ctx: Context, asked: Records) -> web.Response:
    """A page of the sheets that went back."""
    rows = await board.exports(ctx.session, asked.wanted, paging.parse(asked.after), paging.PAGE + 1)
    found = listing("/city/exports", SHEETS, asked, rows, lambda one: paging.key_of(one.at, one.id))
    return await ctx.page("city_sheets.html", place="city", list=found, asked=asked)


async def export_files(ctx: Context, asked: Export) -> web.StreamResponse:
    """The files of the filter as a workbook."""
    async with ctx.parts.database.session() as session:
        rows = [_file(one) for one in await board.imports(session, asked.wanted, None, MOST_ROWS + 1)]
        what = Taking("市级工单导入记录", "SJ", "city.imports-export", FILE_HEADS, rows, searched(asked.search))
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"市级工单导入记录{today():%Y%m%d}-{done.number}")


async def export_sheets(ctx: Context, asked: Export) -> web.StreamResponse:
    """The sheets of the filter as a workbook."""
    async with ctx.parts.database.session() as session:
        rows = [_sheet(one) for one in await board.exports(session, asked.wanted, None, MOST_ROWS + 1)]
        what = Taking("市级回写记录", "SJ", "city.exports-export", SHEET_HEADS, rows, searched(asked.search))
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"市级回写记录{today():%Y%m%d}-{done.number}")


def _file(one: CityImport) -> list[str]:
    counts = [str(one.counts[verdict.value]) for verdict in COUNTED]
    return [
        one.file_name,
        one.uploaded_name,
        exact(one.uploaded_at),
        *counts,
        one.imported_name,
        exact(one.imported_at, "未导入"),
    ]


def _sheet(one: CityExport) -> list[str]:
    return [one.number, one.by_name, exact(one.at), str(one.count)]
