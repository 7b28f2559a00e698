"""Incidents of the line 值守事件: every minute in which nobody could have answered (第二条), or sound
could not be kept."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select, tuple_

from callflow.incidents import service
from callflow.incidents.models import Incident
from core.clock import today
from core.permissions import Permission
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.render import exact
from web.route import Asks, Route

KINDS = {
    "no-agent": "无人值守",
    "spool-full": "录音无法写入",
    "archive-away": "录音无法归档",
    "line-probe": "线路自检未通过",
    "toll-fraud": "反复外呼不允许的号码",
}

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


class IncidentList(Asks):
    """A page of the list."""

    before: str = ""


async def index(ctx: Context, asked: IncidentList) -> web.Response:
    """Incidents, the newest first."""
    query = select(Incident).order_by(Incident.opened_at.desc(), Incident.id.desc()).limit(paging.PAGE)
    if before := paging.parse(asked.before):
        query = query.where(tuple_(Incident.opened_at, Incident.id) < tuple_(*before))
    rows = (await ctx.session.scalars(query)).all()
    older = paging.older("/incidents", rows, "opened_at", {})
    return await ctx.page(
        "incidents.html",
        place="incidents",
        incidents=rows,
        kinds=KINDS,
        older=older,
        asked=asked,
        may_explain=ctx.actor.may(Permission.LINE_LEAD),
    )


class Export(Asks):
    """All incidents are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The list as a workbook."""
    async with ctx.parts.database.session() as session:
        query = select(Incident).order_by(Incident.opened_at.desc(), Incident.id.desc()).limit(MOST_ROWS + 1)
        rows = [_cells(one) for one in await session.scalars(query)]
        what = Taking("值守事件", "ZS", "incidents.export", HEADS, rows)
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
