"""知识库 in files: a unit's table becomes drafts, templates to fill in, and what answers today as a handbook."""

from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.errors import Invalid
from core.identity.models import Unit
from core.permissions import Permission as P
from crm.county.knowledge import Class
from crm.knowledge import importing
from crm.search.export import searched
from crm.search.taking import Taking, take
from crm.sheets import writing
from crm.sheets.sheet import MOST_BYTES, MOST_ROWS
from crm.sheets.workbook import Sheet, write
from web.context import Context
from web.files import send_document, send_sheet
from web.pages.knowledge import Filter, Found, areas, found, label_of, validity
from web.route import Asks, Nothing, Route, Upload

MOST_ENTRIES = 2_000
"""Of a handbook: more is no book that anybody reads."""
HEADS = tuple(
    (title, 24) for title in ("问题", "答复", "依据", "其他问法", "分类", "提供单位", "适用属地", "有效期", "条目")
)
HELP = (
    "每行一个条目，“问题”必填；“其他问法”“关键词”多个的用分号隔开；"
    f"“分类”填{'、'.join(one.label for one in Class)}之一；"
    "“适用属地”填乡镇（街道）名称，不填为全县；日期如 2026-12-31，“有效期至”不填为长期有效。"
)
TEMPLATE_ROWS = 10


class Form(Asks):
    """In which format the empty table is wanted."""

    form: Literal["xlsx", "docx"] = "xlsx"


class File(Asks):
    """The table."""

    file: Upload | None = None


class Handbook(Filter):
    """The items of the filter that are taken along to be read, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def page(ctx: Context, asked: Nothing) -> web.Response:
    """Where the file is chosen."""
    unit = await ctx.session.get(Unit, ctx.actor.unit_id) if ctx.actor.unit_id else None
    return await ctx.page(
        "knowledge_import.html",
        place="knowledge",
        unit=unit,
        columns=importing.COLUMNS,
        help=HELP,
        most_rows=MOST_ROWS,
        most_mb=MOST_BYTES // 2**20,
    )


async def upload(ctx: Context, asked: File) -> web.StreamResponse:
    """Every row a draft, or what is wrong with which row."""
    if asked.file is None:
        raise Invalid("no-file", "请选择文件。", fields={"file": "请选择文件"})
    count = await importing.take(ctx.session, ctx.actor, asked.file.name, asked.file.content)
    return ctx.redirect("/knowledge?standing=draft", f"已导入 {count} 条草稿，核对后逐条送保密审查。")


async def template(ctx: Context, asked: Form) -> web.StreamResponse:
    """The empty table."""
    titles = [(column.title, column.width) for column in importing.COLUMNS]
    if asked.form == "docx":
        made = writing.form("知识库条目", [title for title, _ in titles], HELP, TEMPLATE_ROWS)
        return await send_document(ctx.request, made, "知识库条目模板")
    return await send_sheet(ctx.request, write(Sheet("知识库条目", "", titles, ())), "知识库条目模板")


async def handbook(ctx: Context, asked: Handbook) -> web.StreamResponse:
    """The items of the filter as a document."""
    ctx.actor.require(P.ORDER_EXPORT)
    told: dict[str, Any] = searched(asked.search) | {"state": asked.standing.label}
    async with ctx.parts.database.session() as session:
        rows = await found(session, ctx.parts.database, ctx.actor, asked, "", MOST_ENTRIES + 1)
        if len(rows) > MOST_ENTRIES:
            raise Invalid("too-many-rows", f"符合条件的超过 {MOST_ENTRIES} 条，请按单位或分类分别导出。")
        cells = [_cells(one) for one in rows]
        what = Taking("知识库答复手册", "ZD", "knowledge.handbook", HEADS, cells, told, write=writing.entries)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_document(ctx.request, done.content, f"知识库答复手册{today():%Y%m%d}-{done.number}")


def _cells(one: Found) -> list[str]:
    item, version = one.line.item, one.line.version
    return [
        version.question, version.answer, version.basis, "；".join(version.other_ways), label_of(version.kind),
        one.line.unit, dict(areas()).get(version.area or "", "全县"), validity(version),
        f"{item.number} 第 {version.n} 版",
    ]  # fmt: skip


WRITE = P.KNOWLEDGE_WRITE
ROUTES = (
    Route("GET", "/knowledge/import", WRITE, Nothing, page, "导入知识库条目"),
    Route(
        "POST", "/knowledge/import", WRITE, File, upload, "导入知识库条目",
        ("no-file", "bad-file", "no-unit-of-ones-own"), takes=MOST_BYTES,
    ),
    Route("GET", "/knowledge/template", WRITE, Form, template, "知识库条目模板", stream=True),
    Route(
        "POST", "/knowledge/handbook", P.KNOWLEDGE_VIEW, Handbook, handbook, "导出知识库答复手册",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
