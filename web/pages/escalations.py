"""逐级汇报: who cannot tell whether a demand is to be accepted asks from the order; who is asked answers (F11-2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import now, today
from core.permissions import Permission as P
from crm.escalations import service
from crm.escalations.rules import Verdict
from crm.escalations.service import Asked, Wanted
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from crm.tickets.models import Ticket
from crm.tickets.states import OPEN, State
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import exact
from web.route import Asks, Route

COLUMNS = (
    Column("上报", ("newest", "oldest")),
    *map(Column, ("工单和问题", "现在由谁答复", "答复")),
)
HEADS = (
    ("工单编号", 20), ("上报时间", 22), ("上报人", 12), ("紧急", 6), ("问题", 50), ("各级", 60),
    ("认定", 24), ("答复", 50), ("答复人", 12), ("答复时间", 22),
)  # fmt: skip


class Filter(Asks):
    """Which questions; `search`: words of question or answer, a name, an order's number."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    state: Literal["", "open", "answered"] = ""
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> Wanted:
        """The filter as the list takes it."""
        is_open = {"": None, "open": True, "answered": False}[self.state]
        return Wanted(self.search.split(), is_open, self.sort == "oldest")


class Questions(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """The questions of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Question(Asks):
    """What an agent cannot tell of an order; `back`: the page it is asked from."""

    id: UUID
    question: Annotated[str, Field(min_length=4, max_length=500)]
    urgent: bool = False
    back: Annotated[str, Field(pattern=r"^/(calls|orders)/[0-9a-f-]{36}$")] | None = None


class Decision(Asks):
    """What somebody of the chain decides."""

    id: UUID
    verdict: Verdict
    answer: Annotated[str, Field(min_length=2, max_length=500)]


@dataclass(frozen=True)
class Climb:
    """What an order's page shows: the questions so far, and whether one may be asked."""

    asked: tuple[Asked, ...]
    may_ask: bool
    may_answer: bool
    me: UUID | None
    at: datetime


async def of_order(ctx: Context, ticket: Ticket) -> Climb:
    """The questions about an order that this person may see."""
    found = tuple(await service.of_order(ctx.session, ticket.id))
    waits = any(one.row.answered_at is None for one in found)
    may_ask = not waits and State(ticket.state) in OPEN and ctx.actor.may(P.ORDER_EDIT)
    return Climb(found, may_ask, ctx.actor.may(P.SCOPE_DECIDE), ctx.actor.user_id, now())


async def index(ctx: Context, asked: Questions) -> web.Response:
    """A page of the questions."""
    rows = await service.asked(ctx.session, ctx.actor, asked.wanted, paging.parse(asked.after), paging.PAGE + 1)
    return await ctx.page(
        "escalations.html",
        place="escalations",
        list=listing("/escalations", COLUMNS, asked, rows, lambda one: paging.key_of(one.row.opened_at, one.row.id)),
        asked=asked,
        verdicts=[(one.value, one.label) for one in Verdict],
        labels=Verdict,
        moment=now(),
        me=ctx.actor.user_id,
        may_answer=ctx.actor.may(P.SCOPE_DECIDE),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The questions of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = searched(asked.search) | ({"state": asked.state} if asked.state else {})
    async with ctx.parts.database.session() as session:
        rows = [_cells(one) for one in await service.asked(session, ctx.actor, asked.wanted, None, MOST_ROWS + 1)]
        what = Taking("逐级汇报", "HB", "escalation.export", HEADS, rows, told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"逐级汇报{today():%Y%m%d}-{done.number}")


def _cells(one: Asked) -> list[str]:
    row = one.row
    return [
        one.number,
        exact(row.opened_at),
        row.opened_by_name,
        "是" if row.urgent else "否",
        row.question,
        "；".join(f"{step.post} {exact(step.since)}" for step in one.steps),
        Verdict(row.verdict).label if row.verdict else "",
        row.answer,
        row.answered_by_name,
        exact(row.answered_at, ""),
    ]


async def ask(ctx: Context, asked: Question) -> web.Response:
    """Ask the first level."""
    await service.ask(ctx.session, ctx.actor, asked.id, asked.question, urgent=asked.urgent)
    return ctx.redirect(asked.back or f"/orders/{asked.id}", "已上报，到时未答复的自动报上一级。")


async def answer(ctx: Context, asked: Decision) -> web.Response:
    """Answer a question."""
    await service.answer(ctx.session, ctx.actor, asked.id, asked.verdict, asked.answer)
    return ctx.redirect("/escalations", "已答复，话务员立即看到。")


SEE = (P.ORDER_EDIT, P.SCOPE_DECIDE)
ROUTES = (
    Route("GET", "/escalations", SEE, Questions, index, "逐级汇报", ("bad-page",)),
    Route(
        "POST", "/escalations/export", SEE, Export, export, "导出逐级汇报",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route(
        "POST", "/escalations/{id}/answer", P.SCOPE_DECIDE, Decision, answer, "答复上报",
        ("no-escalation", "no-such-order", "escalation-answered", "own-question"),
    ),
    Route(
        "POST", "/orders/{id}/escalate", P.ORDER_EDIT, Question, ask, "上报认定受理范围",
        ("no-such-order", "intake-over", "already-asked"),
    ),
)  # fmt: skip
