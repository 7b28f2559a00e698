"""City's orders 市级工单: files in, sheets back, what differs, and what waits for the city's answer."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field, InstanceOf

from core.clock import today
from core.errors import Invalid
from core.permissions import Permission as P
from crm.city import board, importing, reconciliation_sheet, rejected, writing
from crm.city.reconciling import Standing
from crm.county.city import Kind
from crm.installed import installed
from crm.sheets.sheet import MOST_BYTES, MOST_ROWS
from crm.tickets.acts.forwarding import CityAnswer, Forward
from crm.tickets.perform import perform
from crm.tickets.states import Act
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages import city_files, city_rows
from web.pages.city_files import Export, Records
from web.route import Asks, Nothing, Route, Upload

FORWARD = {"return": Act.FORWARD_RETURN, "extension": Act.FORWARD_EXTENSION}
ANSWER = {"return": Act.CITY_ON_RETURN, "extension": Act.CITY_ON_EXTENSION}
SHOWN_WAITING = SHOWN_FILES = 10
COLUMNS = (
    *map(Column, ("市级编号", "本县工单", "回写")),
    Column("办理时间", ("newest", "oldest")),
    *map(Column, ("状态", "差异")),
)


class Part(Asks):
    """A part of the reconciliation."""

    state: Standing = Standing.DIFFERS
    number: Annotated[str, Field(max_length=64)] = ""
    sort: Literal["newest", "oldest"] = "newest"


class CityPage(Part):
    """The part that is shown, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Reconciled(Part):
    """The part, to be taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class CityFile(Asks):
    """The city's export."""

    file: InstanceOf[Upload] | None = None


class OneFile(Asks):
    """A file, or a sheet."""

    id: UUID


class Asking(Asks):
    """An application on an order as the person saw it."""

    id: UUID
    version: int = Field(ge=0, le=2**31)
    kind: Literal["return", "extension"]


class SendUp(Asking):
    """报市级."""

    opinion: Annotated[str, Field(min_length=2, max_length=500)]


class Answered(Asking):
    """市级答复."""

    consents: bool
    answer: Annotated[str, Field(min_length=2, max_length=200)]
    upstream_due: date | None = None


async def index(ctx: Context, asked: CityPage) -> web.Response:
    """Import, export, and how both sides agree."""
    after, oldest = paging.parse(asked.after), asked.sort == "oldest"
    found = await board.reports(
        ctx.session, asked.state, asked.number, after, oldest_first=oldest, limit=paging.PAGE + 1
    )
    applications, further = await board.asked(ctx.session)
    differing = listing("/city", COLUMNS, asked, found, lambda one: paging.key_of(one.report.at, one.report.id))
    return await ctx.page(
        "city.html",
        place="city",
        mapping=installed().county.city,
        imports=await board.imports(ctx.session, board.Wanted(), None, SHOWN_FILES),
        exports=await board.exports(ctx.session, board.Wanted(), None, SHOWN_FILES),
        waiting=await writing.waiting(ctx.session, SHOWN_WAITING),
        waiting_count=await writing.count_waiting(ctx.session),
        most_written=writing.MOST,
        applications=applications,
        further_applications=further,
        tally=await board.tally(ctx.session),
        standings=list(Standing),
        state=asked.state,
        list=differing,
        asked=asked,
        of_state={one: differing.address(state=one.value) for one in Standing},
        kinds={kind.value: kind.label for kind in Kind},
        most_rows=MOST_ROWS,
        most_mb=MOST_BYTES // 2**20,
    )


async def reconciliation(ctx: Context, asked: Reconciled) -> web.StreamResponse:
    """What stands so as a workbook."""
    async with ctx.parts.database.session() as session:
        done = await reconciliation_sheet.export(
            session, ctx.actor, asked.state, asked.number, asked.reason,
            title=ctx.parts.title, oldest_first=asked.sort == "oldest",
        )  # fmt: skip
    return await send_sheet(ctx.request, done.content, f"市级工单对账{today():%Y%m%d}-{done.number}")


async def upload(ctx: Context, asked: CityFile) -> web.Response:
    """Read the file, judge its rows, show them; no order comes of it yet."""
    if asked.file is None:
        raise Invalid("no-file", "请选择市级导出的文件。", fields={"file": "请选择文件"})
    table = await importing.read_file(asked.file.name, asked.file.content)
    async with ctx.parts.database.session() as session:
        made = await importing.upload(session, ctx.actor, asked.file.name or "未命名", asked.file.content, table)
    return ctx.redirect(f"/city/imports/{made.id}")


async def confirm(ctx: Context, asked: OneFile) -> web.Response:
    """All good rows, in one transaction."""
    made = await importing.confirm(ctx.session, ctx.actor, asked.id)
    new, changed = made.counts["new"], made.counts["changed"]
    return ctx.redirect(f"/city/imports/{made.id}", f"已导入 {new} 张新工单，更新 {changed} 张，其余未动。")


async def bad_rows(ctx: Context, asked: OneFile) -> web.StreamResponse:
    """The rows that could not be imported, with their reasons."""
    _, content = await rejected.workbook(ctx.parts.database, ctx.actor, asked.id)
    return await send_sheet(ctx.request, content, f"市级工单问题行{today():%Y%m%d}")


async def export(ctx: Context, asked: Nothing) -> web.StreamResponse:
    """What happened since the last sheet, in the city's columns."""
    done = await writing.export(ctx.parts.database, ctx.actor)
    return await send_sheet(ctx.request, done.content, f"市级回写{today():%Y%m%d}-{done.number}")


async def export_again(ctx: Context, asked: OneFile) -> web.StreamResponse:
    """A sheet once more."""
    done = await writing.again(ctx.parts.database, ctx.actor, asked.id)
    return await send_sheet(ctx.request, done.content, f"市级回写-{done.number}")


async def send_up(ctx: Context, asked: SendUp) -> web.Response:
    """Ask the city."""
    await perform(ctx.session, ctx.actor, asked.id, asked.version, FORWARD[asked.kind], Forward(opinion=asked.opinion))
    return ctx.redirect("/city", "已报市级，随下一次回写表送出；市级答复后请在本页登记。")


async def answered(ctx: Context, asked: Answered) -> web.Response:
    """Put the city's answer on record."""
    given = CityAnswer(consents=asked.consents, answer=asked.answer, upstream_due=asked.upstream_due)
    await perform(ctx.session, ctx.actor, asked.id, asked.version, ANSWER[asked.kind], given)
    return ctx.redirect("/city", "市级答复已登记，请在工单页作出本中心的决定。")


C = P.CITY_EXCHANGE
TAKING = ("no-reason", "too-many-rows", "nothing-to-export")
ACT_ERRORS = ("no-such-order", "order-changed", "wrong-state", "not-from-city", "nothing-waits", "city-asked")
ROUTES = (
    Route("GET", "/city", C, CityPage, index, "市级工单", ("bad-page",)),
    Route(
        "POST", "/city/reconciliation", C, Reconciled, reconciliation, "导出对账表",
        TAKING, stream=True,
    ),
    Route("GET", "/city/imports", C, Records, city_files.files, "市级工单导入记录", ("bad-page",)),
    Route(
        "POST", "/city/imports", C, CityFile, upload, "上传市级工单文件",
        ("no-file", "bad-file", "no-city-layout"), stream=True, takes=MOST_BYTES,
    ),
    Route(
        "POST", "/city/imports/taken", C, Export, city_files.export_files, "导出市级工单导入记录", TAKING, stream=True
    ),
    Route("GET", "/city/imports/{id}", C, city_rows.RowList, city_rows.rows, "核对市级工单文件", ("no-such-import",)),
    Route(
        "POST", "/city/imports/{id}/taken", C, city_rows.RowExport, city_rows.export, "导出市级文件的行",
        ("no-such-import", *TAKING), stream=True,
    ),
    Route(
        "POST", "/city/imports/{id}/confirm", C, OneFile, confirm, "导入市级工单",
        ("no-such-import", "imported-already", "no-city-layout"),
    ),
    Route(
        "POST", "/city/imports/{id}/bad-rows", C, OneFile, bad_rows, "下载问题行",
        ("no-such-import", "nothing-to-export"), stream=True,
    ),
    Route("GET", "/city/exports", C, Records, city_files.sheets, "市级回写记录", ("bad-page",)),
    Route("POST", "/city/exports", C, Nothing, export, "导出回写表", ("nothing-waits", "no-city-layout"), stream=True),
    Route("POST", "/city/exports/taken", C, Export, city_files.export_sheets, "导出市级回写记录", TAKING, stream=True),
    Route("POST", "/city/exports/{id}", C, OneFile, export_again, "再次下载回写表", ("no-such-export",), stream=True),
    Route("POST", "/city/orders/{id}/forward", C, SendUp, send_up, "申请报市级", ACT_ERRORS),
    Route("POST", "/city/orders/{id}/answer", C, Answered, answered, "登记市级答复", (*ACT_ERRORS, "city-not-asked")),
)  # fmt: skip
