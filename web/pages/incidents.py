"""Incidents of the line 值守事件: every minute in which nobody could have answered (第二条), or sound
could not be kept."""

from aiohttp import web
from sqlalchemy import select, tuple_

from callflow.incidents.models import Incident
from core.permissions import Permission
from web import paging
from web.context import Context
from web.route import Asks, Route

KINDS = {
    "no-agent": "无人值守",
    "spool-full": "录音无法写入",
    "archive-away": "录音无法归档",
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
    return await ctx.page("incidents.html", place="incidents", incidents=rows, kinds=KINDS, older=older, asked=asked)


ROUTES = (Route("GET", "/incidents", Permission.INCIDENT_VIEW, IncidentList, index, "值守事件", ("bad-page",)),)
