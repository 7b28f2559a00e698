"""The ledger 审计日志: who looked at or did what, when and why; found by person, act, subject and day."""

from datetime import date, datetime, time, timedelta
from typing import Literal

from aiohttp import web
from pydantic import Field
from sqlalchemy import Select, or_, select

from core import clock
from core.ledger.models import LedgerEntry
from core.permissions import Permission
from web.context import Context
from web.ledger_words import ACTIONS, GROUPS, SUBJECTS, changes, told
from web.paging import PAGE
from web.route import Asks, Route


class LedgerList(Asks):
    """Filters: `who` a name or its beginning, `what` a group of acts, days in Shanghai, both included."""

    who: str = Field("", max_length=40)
    what: Literal["", "session", "user", "unit", "line", "personal", "recording", "orders", "sms"] = ""
    subject: str = Field("", max_length=80)
    first: date | None = None
    last: date | None = None
    before: int | None = Field(None, ge=1, le=2**62)


async def index(ctx: Context, asked: LedgerList) -> web.Response:
    """Rows, the newest first."""
    query = filtered(select(LedgerEntry).order_by(LedgerEntry.id.desc()).limit(PAGE + 1), asked)
    rows = (await ctx.session.scalars(query)).all()
    words = asked.model_dump(mode="json", exclude={"before"}, exclude_none=True)
    return await ctx.page(
        "ledger.html",
        place="ledger",
        rows=rows[:PAGE],
        asked=asked,
        filters={name: value for name, value in words.items() if value},
        older=rows[PAGE - 1].id if len(rows) > PAGE else None,
        actions=ACTIONS,
        groups=list(GROUPS.items()),
        subjects=SUBJECTS,
        changes=changes,
        told=told,
        links={"order": "/orders/", "call": "/calls/", "recording": "/recordings/"},
    )


def filtered(query: Select[LedgerEntry], asked: LedgerList) -> Select[LedgerEntry]:
    """The query with the filters that were given."""
    if asked.who:
        query = query.where(LedgerEntry.actor_name.startswith(asked.who, autoescape=True))
    if asked.what:
        prefixes = ("unit.", "agent.") if asked.what == "unit" else (f"{asked.what}.",)
        query = query.where(or_(*(LedgerEntry.action.startswith(prefix) for prefix in prefixes)))
    if asked.subject:
        query = query.where(LedgerEntry.subject_id == asked.subject)
    if asked.first:
        query = query.where(LedgerEntry.at >= _midnight(asked.first))
    if asked.last:
        query = query.where(LedgerEntry.at < _midnight(asked.last + timedelta(days=1)))
    if asked.before:
        query = query.where(LedgerEntry.id < asked.before)
    return query


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), clock.SHANGHAI)


ROUTES = (Route("GET", "/ledger", Permission.AUDIT_VIEW, LedgerList, index, "审计日志"),)
