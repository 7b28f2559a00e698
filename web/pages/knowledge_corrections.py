"""纠错: said on an item's page by whoever reads it, answered there or in the list by the item's unit (F18-3)."""

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from core.clock import now, today
from core.identity.models import Unit
from core.permissions import Permission as P
from crm.knowledge import corrections
from crm.knowledge.corrections import Said, Standing, Verdict, Wanted
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import exact
from web.route import Asks, Route

COLUMNS = (
    Column("纠错", ("newest", "oldest")),
    *map(Column, ("条目和问题所在", "提供单位", "答复期限", "答复")),
)
HEADS = (
    ("条目", 10), ("问题", 40), ("版本", 6), ("纠错时间", 22), ("纠错人", 12), ("问题所在", 60),
    ("提供单位", 24), ("答复期限", 22), ("认定", 24), ("答复", 60), ("答复人", 12), ("答复时间", 22),
)  # fmt: skip


class Filter(Asks):
    """Which reports; `search`: words of report or answer, a name, an item's number or question."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    standing: Standing | None = None
    unit: UUID | None = None
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> Wanted:
        """The filter as the list takes it."""
        return Wanted(self.search.split(), self.standing, self.unit, self.sort == "oldest")


class Reports(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """The reports of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Report(Asks):
    """What is wrong with a version."""

    id: UUID
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    said: Annotated[str, Field(min_length=4, max_length=500)]


class Answer(Asks):
    """What the unit says to it."""

    id: UUID
    verdict: Verdict
    answer: Annotated[str, Field(min_length=2, max_length=500)]


async def index(ctx: Context, asked: Reports) -> web.Response:
    """A page of the reports."""
    rows = await corrections.listed(ctx.session, ctx.actor, asked.wanted, paging.parse(asked.after), paging.PAGE + 1)
    members = select(Unit.id, Unit.name).where(Unit.parent_unit_id.is_(None)).order_by(Unit.name)
    return await ctx.page(
        "knowledge_corrections.html",
        place="knowledge",
        list=listing("/knowledge/corrections", COLUMNS, asked, rows, lambda one: paging.key_of(one.row.at, one.row.id)),
        asked=asked,
        standings=[(one.value, one.label) for one in Standing],
        units=[(str(id), name) for id, name in await ctx.session.execute(members)],
        verdicts=[(one.value, one.label) for one in Verdict],
        labels=Verdict,
        moment=now(),
        answerable={one.row.id for one in rows if corrections.may_answer(ctx.actor, one.item)},
        sees_all=ctx.actor.may(P.KNOWLEDGE_PUBLISH),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The reports of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = searched(asked.search) | ({"state": asked.standing.label} if asked.standing else {})
    async with ctx.parts.database.session() as session:
        if asked.unit and (unit := await session.get(Unit, asked.unit)):
            told["unit"] = unit.name
        rows = [_cells(one) for one in await corrections.listed(session, ctx.actor, asked.wanted, None, MOST_ROWS + 1)]
        what = Taking("知识库纠错", "JC", "knowledge.corrections-export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"知识库纠错{today():%Y%m%d}-{done.number}")


def _cells(one: Said) -> list[str]:
    row = one.row
    return [
        one.item.number,
        one.question,
        str(row.n),
        exact(row.at),
        row.by_name,
        row.said,
        one.unit,
        exact(row.due_at),
        Verdict(row.verdict).label if row.verdict else ("逾期未答复" if one.late else "待答复"),
        row.answer,
        row.answered_name,
        exact(row.answered_at, ""),
    ]


async def report(ctx: Context, asked: Report) -> web.Response:
    """Say what is wrong."""
    await corrections.report(ctx.session, ctx.actor, asked.id, asked.version, asked.said)
    return ctx.redirect(f"/knowledge/{asked.id}", "已提交纠错，提供单位核实后答复，办理情况见“知识库纠错”。")


async def answer(ctx: Context, asked: Answer) -> web.Response:
    """Answer a report."""
    said = await corrections.answer(ctx.session, ctx.actor, asked.id, asked.verdict, asked.answer)
    next_step = "，条目转为待复审，请修订或停用" if asked.verdict is Verdict.RIGHT else ""
    return ctx.redirect(f"/knowledge/{said.item.id}", f"已答复{next_step}。")


SEE = P.KNOWLEDGE_VIEW
ROUTES = (
    Route("GET", "/knowledge/corrections", SEE, Reports, index, "知识库纠错", ("bad-page",)),
    Route(
        "POST", "/knowledge/corrections/export", SEE, Export, export, "导出知识库纠错",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route(
        "POST", "/knowledge/corrections/{id}/answer", (P.KNOWLEDGE_WRITE, P.KNOWLEDGE_LEAD), Answer, answer,
        "答复知识库纠错", ("no-such-correction", "correction-answered", "not-your-unit"),
    ),
    Route(
        "POST", "/knowledge/{id}/corrections", SEE, Report, report, "知识库纠错",
        ("no-such-knowledge", "not-in-force", "correction-waits"),
    ),
)  # fmt: skip
