"""The handover log 交接班日志: open matters, the shift that is handed over, and those before."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from core.permissions import Permission as P
from crm.handover import service
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket
from web.context import Context
from web.route import Asks, Nothing, Route

Words = Annotated[str, Field(min_length=2, max_length=500)]


class NewMatter(Asks):
    """A matter, who sees to it, and the order that it is about."""

    text: Words
    owner_id: UUID
    order: str = Field("", max_length=20)


class Settled(Asks):
    """How a matter was settled."""

    id: UUID
    result: Words


class Leaving(Asks):
    """What the shift tells the next."""

    shift: Annotated[str, Field(min_length=2, max_length=20)]
    summary: Annotated[str, Field(min_length=2, max_length=2000)]


class Received(Asks):
    """A handover, and what is said to it."""

    id: UUID
    remark: str = Field("", max_length=500)


async def index(ctx: Context, asked: Nothing) -> web.Response:
    """The log."""
    session = ctx.session
    matters = await service.open_matters(session)
    closed = await service.closed_matters(session)
    about = {one.ticket_id for one in (*matters, *closed) if one.ticket_id}
    numbers = await session.execute(select(Ticket.id, Ticket.number).where(Ticket.id.in_(about), visible_to(ctx.actor)))
    since = await service.since_last(session)
    may_act = ctx.actor.may(P.LINE_LEAD)
    return await ctx.page(
        "handovers.html",
        place="handovers",
        matters=matters,
        closed=closed,
        carried=await service.carried(session, matters),
        numbers={row[0]: row[1] for row in numbers},
        emergencies=await service.unassigned(session) if may_act else [],
        since=since,
        figures=await service.figures(session, since),
        labels=service.FIGURES,
        handovers=await service.handovers(session),
        owners=await service.owners(session) if may_act else [],
        may_act=may_act,
        me=ctx.actor.user_id,
    )


async def add(ctx: Context, asked: NewMatter) -> web.Response:
    """A further matter."""
    await service.add_matter(ctx.session, ctx.actor, asked.text, asked.owner_id, asked.order)
    return ctx.redirect("/handovers", "已列为未了事项，办结前每班都会交接。")


async def close(ctx: Context, asked: Settled) -> web.Response:
    """A matter is settled."""
    await service.close_matter(ctx.session, ctx.actor, asked.id, asked.result)
    return ctx.redirect("/handovers", "事项已办结。")


async def hand(ctx: Context, asked: Leaving) -> web.Response:
    """交班."""
    await service.hand_over(ctx.session, ctx.actor, asked.shift, asked.summary)
    return ctx.redirect("/handovers", f"{asked.shift}已交班，等待接班人确认。")


async def receive(ctx: Context, asked: Received) -> web.Response:
    """接班."""
    row = await service.receive(ctx.session, ctx.actor, asked.id, asked.remark)
    return ctx.redirect("/handovers", f"已接{row.handed_by_name}的{row.shift}。")


L = P.LINE_LEAD
SEE = (P.LINE_LEAD, P.ORDER_VERIFY, P.ORDER_OVERSEE)
ROUTES = (
    Route("GET", "/handovers", SEE, Nothing, index, "交接班日志"),
    Route("POST", "/handovers", L, Leaving, hand, "交班", ("emergencies-unassigned",)),
    Route("POST", "/handovers/matters", L, NewMatter, add, "新增未了事项", ("no-owner", "no-such-order")),
    Route("POST", "/handovers/matters/{id}/close", L, Settled, close, "办结未了事项", ("no-matter", "matter-closed")),
    Route(
        "POST", "/handovers/{id}/receive", L, Received, receive, "接班",
        ("no-handover", "handover-received", "own-handover"),
    ),
)  # fmt: skip
