"""Incidents of the line 值守事件: every minute in which nobody could have answered (第二条), or sound
could not be kept."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import Select, func, select

from callflow.incidents import service
from callflow.incidents.models import Incident
from core.clock import midnight, today
from core.db import paged
from core.permissions import Permission
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import exact
from web.route import Asks, Route

KINDS = {
    "no-agent": "无人值守",
    "spool-full": "录音无法写入",
    "archive-away": "录音无法归档",
    "archive-wrong": "录音核验异常",
    "line-probe": "线路自检未通过",
    "toll-fraud": "反复外呼不允许的号码",
}

COLUMNS = (
    Column("开始", ("newest", "oldest")),
    *map(Column, ("最后一分钟", "事件")),
    Column("分钟", css="right"),
    Column("最多等待", css="right"),
    *map(Column, ("值班手机", "说明")),
)
HEADS = (
    ("开始", 22),
    ("最后一分钟", 22),
    ("事件", 18),
    ("分钟", 8),
    ("其中系统未运行（分钟）", 20),
    ("最多等待", 10),
    ("值班手机", 12),
    ("说明", 60),
)


class Standing(StrEnum):
    """Whether an incident goes on, and whether somebody has said why it came."""

    OPEN = "open"
    UNEXPLAINED = "unexplained"
    EXPLAINED = "explained"

    @property
    def label(self) -> str:
        """As people read it."""
        return {"open": "持续中", "unexplained": "未说明", "explained": "已说明"}[self]


class Filter(Asks):
    """Which incidents; `search` is looked for in their explanations, days are those on which they began."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    kind: Annotated[str, Field(max_length=40, pattern=r"^[a-z-]*$")] = ""
    state: Standing | None = None
    first: date | None = None
    last: date | None = None
    sort: Literal["newest", "oldest"] = "newest"


class IncidentList(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


async def index(ctx: Context, asked: IncidentList) -> web.Response:
    """A page of the incidents."""
    rows = (await ctx.session.scalars(_query(asked, paging.parse(asked.after), paging.PAGE + 1))).all()
    return await ctx.page(
        "incidents.html",
        place="incidents",
        list=listing("/incidents", COLUMNS, asked, rows, lambda one: paging.key_of(one.opened_at, one.id)),
        kinds=KINDS,
        states=[(one.value, one.label) for one in Standing],
        asked=asked,
        may_explain=ctx.actor.may(Permission.LINE_LEAD),
    )


def _query(asked: Filter, after: tuple[datetime, UUID] | None, limit: int) -> Select[Incident]:
    query = select(Incident).limit(limit)
    for word in asked.search.split():
        query = query.where(Incident.note.contains(word, autoescape=True))
    if asked.kind:
        query = query.where(Incident.kind == asked.kind)
    if asked.state is Standing.OPEN:
        query = query.where(Incident.closed_at.is_(None))
    elif asked.state:
        said = func.coalesce(Incident.note, "") != ""
        query = query.where(said if asked.state is Standing.EXPLAINED else ~said)
    if asked.first:
        query = query.where(Incident.opened_at >= midnight(asked.first))
    if asked.last:
        query = query.where(Incident.opened_at < midnight(asked.last + timedelta(days=1)))
    return paged(query, Incident.opened_at, Incident.id, after, oldest_first=asked.sort == "oldest")


class Export(Filter):
    """The incidents of the filter are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The list of the filter as a workbook."""
    told = asked.model_dump(mode="json", include={"first", "last"}, exclude_none=True) | searched(asked.search)
    told |= {"kind": KINDS.get(asked.kind, asked.kind)} if asked.kind else {}
    told |= {"state": asked.state.label} if asked.state else {}
    async with ctx.parts.database.session() as session:
        rows = [_cells(one) for one in await session.scalars(_query(asked, None, MOST_ROWS + 1))]
        what = Taking("值守事件", "ZS", "incidents.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"值守事件{today():%Y%m%d}-{done.number}")


def _cells(one: Incident) -> list[str]:
    nobody = one.kind == "no-agent"
    return [
        exact(one.opened_at),
        exact(one.last_minute_at) if one.closed_at else "持续中",
        KINDS.get(one.kind, one.kind),
        str(one.minutes),
        str(one.unobserved or ""),
        str(one.waiting) if nobody else "",
        ("全程当班" if one.duty_covered else "未全程当班") if nobody else "",
        one.note or "",
    ]


class Explained(Asks):
    """An incident, and its reason."""

    id: UUID
    note: Annotated[str, Field(min_length=1, max_length=500)]


async def explain(ctx: Context, asked: Explained) -> web.Response:
    """Write down why it happened."""
    await service.explain(ctx.session, ctx.actor, asked.id, asked.note)
    return ctx.redirect("/incidents", "原因已登记。")


ROUTES = (
    Route("GET", "/incidents", Permission.INCIDENT_VIEW, IncidentList, index, "值守事件", ("bad-page",)),
    Route(
        "POST", "/incidents/export", Permission.INCIDENT_VIEW, Export, export, "导出值守事件",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route(
        "POST", "/incidents/{id}", Permission.LINE_LEAD, Explained, explain, "说明值守事件", ("bad-note", "no-incident")
    ),
)  # fmt: skip
