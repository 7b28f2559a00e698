"""Incidents of the line 值守事件: every minute in which nobody could have answered (第二条), or sound
could not be kept."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select, tuple_

from callflow.incidents import service
from callflow.incidents.models import Incident
from core.permissions import Permission
from web import paging
from web.context import Context
from web.route import Asks, Route

KINDS = {
    "no-agent": "无人值守",
    "spool-full": "录音无法写入",
    "archive-away": "录音无法归档",
    "line-probe": "线路自检未通过",
    "toll-fraud": "反复外呼不允许的号码",
}


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
        "POST", "/incidents/{id}", Permission.LINE_LEAD, Explained, explain, "说明值守事件", ("bad-note", "no-incident")
    ),
)
