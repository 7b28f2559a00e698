"""特别时限: limits that other laws set for a matter, proposed by one person and approved by another (第十三条, D15)."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.calendar import Limit, LimitUnit
from core.clock import today
from core.db import among
from core.identity.models import User
from core.permissions import Permission as P
from crm.installed import installed
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from crm.tickets import limits
from crm.tickets.limits import Standing
from crm.tickets.models import StatutoryLimit
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import day, exact
from web.route import Asks, Route

COLUMNS = (
    *map(Column, ("事项", "时限", "依据", "适用日期")),
    Column("提出和核准", ("newest", "oldest")),
    Column("办理"),
)
HEADS = (
    ("事项", 24),
    ("时限", 14),
    ("依据", 60),
    ("生效日期", 16),
    ("失效日期", 16),
    ("状态", 10),
    ("提出人", 12),
    ("提出时间", 22),
    ("核准人", 12),
    ("核准时间", 22),
    ("不予核准的原因", 40),
)
Row = tuple[StatutoryLimit, Standing]
TONES = {Standing.WAITING: "warn", Standing.COMING: "act", Standing.PRESENT: "good"}


class Filter(Asks):
    """`search`: words of the document or of the matter's name, all of them."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    state: Standing | None = None
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> limits.Wanted:
        """The filter as the list takes it."""
        return limits.Wanted(self.search.split(), self.state, self.sort == "oldest")


class LimitList(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class LimitExport(Filter):
    """The limits of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Proposed(Asks):
    """What the law says, and where."""

    matter: str = Field("", max_length=40)
    n: int = Field(ge=1, le=1000)
    unit: LimitUnit
    citation: Annotated[str, Field(min_length=4, max_length=300)]
    effective_from: date
    effective_to: date | None = None


class OneLimit(Asks):
    """A limit."""

    id: UUID


class Rejected(OneLimit):
    """A limit, and why it is not approved."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Ended(Rejected):
    """A limit, its last day, and the document that ends it."""

    effective_to: date


async def index(ctx: Context, asked: LimitList) -> web.Response:
    """A page of the limits, and the form of a new one."""
    rows = await limits.limits(ctx.session, asked.wanted, paging.parse(asked.after), paging.PAGE + 1)
    matters = installed().county.matters
    return await ctx.page(
        "limits.html",
        place="limits",
        list=listing("/limits", COLUMNS, asked, rows, lambda row: paging.key_of(row[0].proposed_at, row[0].id)),
        asked=asked,
        states=[(one.value, one.label) for one in Standing],
        tones=TONES,
        said=said,
        names=await _names(ctx.session, rows),
        matters={code: one.name for code, one in matters.items()},
        matter_choices=[(one.code, f"{one.group} · {one.name}") for one in matters.values()],
        units=[(one.value, one.label) for one in LimitUnit],
        day=today().isoformat(),
        may_propose=ctx.actor.may(P.ORDER_REVIEW),
        may_decide=ctx.actor.may(P.ORDER_SECOND),
        me=ctx.actor.user_id,
    )


def said(one: StatutoryLimit) -> str:
    """`10 个工作日`."""
    return str(Limit(one.n, LimitUnit(one.unit)))


async def _names(session: AsyncSession, rows: Sequence[Row]) -> dict[UUID | None, str]:
    """Who proposed and who decided; what the county's own file brought has nobody."""
    who = {id for one, _ in rows for id in (one.proposed_by, one.approved_by, one.rejected_by) if id}
    found = await session.execute(select(User.id, User.name).where(among(User.id, who)))
    return {None: "系统"} | {row.id: row.name for row in found}


async def export(ctx: Context, asked: LimitExport) -> web.StreamResponse:
    """The limits of the filter as a workbook."""
    told = searched(asked.search) | ({"state": asked.state.label} if asked.state else {})
    async with ctx.parts.database.session() as session:
        rows = await limits.limits(session, asked.wanted, None, MOST_ROWS + 1)
        names = await _names(session, rows)
        what = Taking("特别时限", "SX", "limits.export", HEADS, [_cells(*row, names) for row in rows], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"特别时限{today():%Y%m%d}-{done.number}")


def _cells(one: StatutoryLimit, state: Standing, names: dict[UUID | None, str]) -> list[str]:
    matter, decided = installed().county.matters.get(one.matter), one.approved_at or one.rejected_at
    return [
        matter.name if matter else one.matter,
        said(one),
        one.citation,
        day(one.effective_from),
        day(one.effective_to, ""),
        state.label,
        names.get(one.proposed_by, ""),
        exact(one.proposed_at),
        names.get(one.approved_by or one.rejected_by, "") if decided else "",
        exact(decided, ""),
        one.rejected_reason,
    ]


async def propose(ctx: Context, asked: Proposed) -> web.Response:
    """Lay a limit before a second person."""
    await limits.propose_limit(ctx.session, ctx.actor, limits.Proposal(**asked.model_dump()))
    return ctx.redirect("/limits", "特别时限已提出，等待另一人核准。")


async def approve(ctx: Context, asked: OneLimit) -> web.Response:
    """The second person's yes."""
    await limits.approve_limit(ctx.session, ctx.actor, asked.id)
    return ctx.redirect("/limits", "特别时限已核准，此后派发的该事项工单按其计算时限。")


async def reject(ctx: Context, asked: Rejected) -> web.Response:
    """The second person's no."""
    await limits.reject_limit(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect("/limits", "未予核准，已告知提出人可修改后重新提出。")


async def end(ctx: Context, asked: Ended) -> web.Response:
    """The law does not say so any more."""
    await limits.end_limit(ctx.session, ctx.actor, asked.id, asked.effective_to, asked.reason)
    return ctx.redirect("/limits", "特别时限已定失效日期；此前派发的工单不受影响。")


SEE = (P.POLICY_VIEW, P.ORDER_REVIEW)
SETTLE = ("no-such-limit", "already-approved", "already-rejected", "four-eyes")
ROUTES = (
    Route("GET", "/limits", SEE, LimitList, index, "特别时限", ("bad-page",)),
    Route("POST", "/limits", P.ORDER_REVIEW, Proposed, propose, "提出特别时限", ("unknown-code", "bad-span")),
    Route(
        "POST", "/limits/export", SEE, LimitExport, export, "导出特别时限",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("POST", "/limits/{id}/approve", P.ORDER_SECOND, OneLimit, approve, "核准特别时限", SETTLE),
    Route("POST", "/limits/{id}/reject", P.ORDER_SECOND, Rejected, reject, "不予核准特别时限", (*SETTLE, "no-reason")),
    Route(
        "POST", "/limits/{id}/end", P.ORDER_SECOND, Ended, end, "停用特别时限",
        ("no-such-limit", "not-approved", "bad-span", "no-reason"),
    ),
)  # fmt: skip
