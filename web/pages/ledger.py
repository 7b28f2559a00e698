"""The ledger 审计日志: who looked at or did what, when and why; found by person, act, subject and day."""

from datetime import date, timedelta
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field
from sqlalchemy import Select, or_, select

from core import clock
from core.ledger.models import LedgerEntry
from core.permissions import Permission
from crm.search.taking import MOST_ROWS, Taking, take
from web.context import Context
from web.files import send_sheet
from web.ledger_words import ACTIONS, EXPORTS, GROUPS, SUBJECTS, changes, told
from web.lists import Column, listing
from web.paging import PAGE
from web.render import exact
from web.route import Asks, Route

COLUMNS = (
    Column("时间", ("newest", "oldest")),
    *map(Column, ("人员", "操作", "对象", "原因与内容")),
    Column("封存号", css="right"),
)
HEADS = (
    ("时间", 22),
    ("人员", 12),
    ("操作", 20),
    ("对象", 12),
    ("对象编号", 38),
    ("原因与内容", 70),
    ("封存号", 12),
)


class LedgerFilter(Asks):
    """`who`: a name or its beginning, `what`: a group of acts, days in Shanghai, both included."""

    who: str = Field("", max_length=40)
    what: Annotated[str, Field(max_length=40, pattern=r"^[a-z-]*$")] = ""
    subject: str = Field("", max_length=80)
    first: date | None = None
    last: date | None = None
    sort: Literal["newest", "oldest"] = "newest"


class LedgerList(LedgerFilter):
    """The filter, and behind which row the page begins."""

    after: int | None = Field(None, ge=1, le=2**62)


class LedgerExport(LedgerFilter):
    """What the filter leaves, to be taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


async def index(ctx: Context, asked: LedgerList) -> web.Response:
    """A page of the rows."""
    query = filtered(select(LedgerEntry).limit(PAGE + 1), asked)
    if asked.after:
        query = query.where(LedgerEntry.id > asked.after if asked.sort == "oldest" else LedgerEntry.id < asked.after)
    rows = (await ctx.session.scalars(query)).all()
    return await ctx.page(
        "ledger.html",
        place="ledger",
        list=listing("/ledger", COLUMNS, asked, rows, lambda one: str(one.id)),
        asked=asked,
        actions=ACTIONS,
        groups=list(GROUPS.items()),
        subjects=SUBJECTS,
        changes=changes,
        told=told,
        links={"order": "/orders/", "call": "/calls/", "recording": "/recordings/"},
    )


async def export(ctx: Context, asked: LedgerExport) -> web.StreamResponse:
    """The rows of the filter as a workbook; taking it is itself a row of the ledger."""
    told_of = asked.model_dump(mode="json", exclude={"reason", "sort"}, exclude_defaults=True)
    if asked.what:
        told_of["what"] = GROUPS.get(asked.what, asked.what)
    async with ctx.parts.database.session() as session:
        query = filtered(select(LedgerEntry).limit(MOST_ROWS + 1), asked)
        rows = [_cells(row) for row in await session.scalars(query)]
        what = Taking("审计日志", "SJ", "ledger.export", HEADS, rows, told_of)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"审计日志{clock.today():%Y%m%d}-{done.number}")


def _cells(row: LedgerEntry) -> list[str]:
    changed = [f"{name}：{before} → {after}" for name, before, after in changes(row.detail)]
    said = (row.reason or "", *changed, told(row.detail), row.detail.get("address") or "")
    return [
        exact(row.at),
        row.actor_name,
        ACTIONS.get(row.action, row.action),
        SUBJECTS.get(row.subject, row.subject),
        row.subject_id,
        "；".join(filter(None, said)),
        str(row.seal or "待封存"),
    ]


def filtered(query: Select[LedgerEntry], asked: LedgerFilter) -> Select[LedgerEntry]:
    """The query with the filters and the order that were given."""
    query = query.order_by(LedgerEntry.id if asked.sort == "oldest" else LedgerEntry.id.desc())
    if asked.who:
        query = query.where(LedgerEntry.actor_name.startswith(asked.who, autoescape=True))
    if asked.what == EXPORTS:
        query = query.where(LedgerEntry.subject == EXPORTS)
    elif asked.what:
        prefixes = ("unit.", "agent.") if asked.what == "unit" else (f"{asked.what}.",)
        query = query.where(or_(*(LedgerEntry.action.startswith(prefix) for prefix in prefixes)))
    if asked.subject:
        query = query.where(LedgerEntry.subject_id == asked.subject)
    if asked.first:
        query = query.where(LedgerEntry.at >= clock.midnight(asked.first))
    if asked.last:
        query = query.where(LedgerEntry.at < clock.midnight(asked.last + timedelta(days=1)))
    return query


ROUTES = (
    Route("GET", "/ledger", Permission.AUDIT_VIEW, LedgerList, index, "审计日志"),
    Route(
        "POST", "/ledger/export", Permission.AUDIT_VIEW, LedgerExport, export, "导出审计日志",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
)  # fmt: skip
