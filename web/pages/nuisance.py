"""The register of nuisance callers 恶意骚扰来电登记: proposed from a call, confirmed by another person, lifted."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.nuisance import service
from callflow.nuisance.models import Ground, NuisanceCaller, Standing
from core.actor import Actor
from core.clock import today
from core.permissions import Permission as P
from crm.search.calls import numbered, understood
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import day, exact, masked
from web.route import Asks, Route

SUGGESTED_DAYS = 30
COLUMNS = (
    Column("号码"),
    Column("情形和提出", ("newest", "oldest")),
    *map(Column, ("限制", "复核日")),
    Column("已劝阻", css="right"),
    Column("状态"),
)
HEADS = (
    ("号码", 16),
    ("情形", 16),
    ("理由", 50),
    ("限制", 18),
    ("提出人", 12),
    ("提出时间", 22),
    ("核准人", 12),
    ("核准时间", 22),
    ("复核日", 16),
    ("已劝阻（次）", 12),
    ("状态", 10),
    ("解除人", 12),
    ("解除时间", 22),
    ("解除原因", 40),
)
TONES = {Standing.WAITING: "warn", Standing.PRESENT: "bad", Standing.ENDED: ""}


class Filter(Asks):
    """Which registrations; `search`: telephone numbers or their last four digits, order numbers, and words."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    state: Standing | None = None
    sort: Literal["newest", "oldest"] = "newest"


class Register(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """The registrations of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Proposal(Asks):
    """A call whose caller is to be limited, how far and until when."""

    id: UUID
    ground: Ground
    reason: Annotated[str, Field(min_length=5, max_length=500)]
    calls: int = Field(1, ge=1, le=service.MOST_CALLS)
    window_min: int = Field(60, ge=10, le=service.LONGEST_WINDOW_MIN)
    review_on: date = Field(ge=date(2020, 1, 1), le=date(2100, 1, 1))


class Entry(Asks):
    """A registration."""

    id: UUID


class Ended(Entry):
    """And why it ends."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


async def index(ctx: Context, asked: Register) -> web.Response:
    """A page of the register."""
    rows = await _found(ctx.session, ctx.actor, asked, paging.parse(asked.after), paging.PAGE + 1)
    may_act = ctx.actor.may(P.LINE_LEAD)
    return await ctx.page(
        "nuisance.html",
        place="nuisance",
        list=listing(
            "/nuisance",
            (*COLUMNS, Column("办理")) if may_act else COLUMNS,
            asked,
            rows,
            lambda row: paging.key_of(row[0].proposed_at, row[0].id),
        ),
        asked=asked,
        states=[(one.value, one.label) for one in Standing],
        grounds=Ground,
        tones=TONES,
        today=today(),
        me=ctx.actor.user_id,
        may_act=may_act,
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def _found(
    session: AsyncSession, actor: Actor, asked: Filter, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[tuple[NuisanceCaller, int]]:
    named = understood(asked.search)
    where = numbered(actor, named, NuisanceCaller.call_id, NuisanceCaller.phone)
    wanted = service.Wanted(named.words.split(), where, asked.state, asked.sort == "oldest")
    return await service.entries(session, wanted, after, limit)


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The register of the filter as a workbook, numbers masked."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = searched(asked.search) | ({"state": asked.state.label} if asked.state else {})
    async with ctx.parts.database.session() as session:
        rows = [_cells(*row) for row in await _found(session, ctx.actor, asked, None, MOST_ROWS + 1)]
        what = Taking("恶意骚扰来电登记", "ER", "nuisance.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"恶意骚扰来电登记{today():%Y%m%d}-{done.number}")


def _cells(one: NuisanceCaller, turned: int) -> list[str]:
    over = not one.ended_at and one.review_on < today()
    return [
        masked(one.phone),
        Ground(one.ground).label,
        one.reason,
        f"{one.window_min} 分钟内 {one.calls} 次",
        one.proposed_by_name,
        exact(one.proposed_at),
        one.confirmed_by_name or "",
        exact(one.confirmed_at, ""),
        day(one.review_on),
        str(turned),
        one.standing(today()).label,
        one.ended_by_name or "",
        exact(one.ended_at, ""),
        "复核日已过，自动解除" if over else one.ended_reason,
    ]


async def propose(ctx: Context, asked: Proposal) -> web.Response:
    """Propose a limit for who made this call."""
    await service.propose(
        ctx.session, ctx.actor, asked.id, asked.ground, asked.reason, asked.calls, asked.window_min, asked.review_on
    )
    return ctx.redirect(f"/calls/{asked.id}", "已提出登记，另一名班长核准后生效。")


async def confirm(ctx: Context, asked: Entry) -> web.Response:
    """The second person."""
    row = await service.confirm(ctx.session, ctx.actor, asked.id)
    return ctx.redirect("/nuisance", f"已核准，数秒内生效，至{row.review_on.month}月{row.review_on.day}日。")


async def end(ctx: Context, asked: Ended) -> web.Response:
    """Lift it, or do not confirm it."""
    await service.end(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect("/nuisance", "已解除，该号码来电不再限制。")


def suggested() -> str:
    """The day of review that the form begins with."""
    return (today() + timedelta(days=SUGGESTED_DAYS)).isoformat()


L = P.LINE_LEAD
SEE = (P.LINE_LEAD, P.ORDER_VERIFY, P.ORDER_OVERSEE)
ENTRY = ("no-nuisance", "nuisance-ended")
ROUTES = (
    Route("GET", "/nuisance", SEE, Register, index, "恶意骚扰来电登记", ("bad-page", "no-phone-search")),
    Route(
        "POST", "/nuisance/export", SEE, Export, export, "导出恶意骚扰来电登记",
        ("no-phone-search", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route(
        "POST", "/calls/{id}/nuisance", (P.LINE_AGENT, L), Proposal, propose, "提出恶意骚扰来电登记",
        ("no-call", "no-number", "bad-limit", "already-registered"),
    ),
    Route(
        "POST", "/nuisance/{id}/confirm", L, Entry, confirm, "核准恶意骚扰来电登记",
        (*ENTRY, "nuisance-confirmed", "own-proposal", "nuisance-over"),
    ),
    Route("POST", "/nuisance/{id}/end", L, Ended, end, "解除恶意骚扰来电登记", ENTRY),
)  # fmt: skip
