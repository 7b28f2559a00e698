"""Statistics by the number that was dialled 原热线 (第十六条, A16-1): calls, service level, orders of each."""

from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import func, select

from callflow.board import service
from callflow.board.rules import WITHIN_S, Level, ServiceLevel
from core.clock import today
from core.permissions import Permission as P
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket
from web.context import Context
from web.pages.statistics import Span, period_of, shortcuts
from web.route import Route

NOTHING = ServiceLevel(Level(0, 0, 0), Level(0, 0, 0), None, None, 0, 0)


async def index(ctx: Context, asked: Span) -> web.Response:
    """Every hotline of the period, with its calls and its orders."""
    period = period_of(asked)
    levels = await service.levels_by_hotline(ctx.session, period.since, period.until)
    named = func.coalesce(Ticket.original_hotline, "")
    orders = await ctx.session.execute(
        select(named, func.count(), func.count(Ticket.first_dispatched_at))
        .where(Ticket.call_id.is_not(None), Ticket.opened_at >= period.since, Ticket.opened_at < period.until)
        .where(visible_to(ctx.actor))
        .group_by(named)
    )
    formed = {row[0]: (row[1], row[2]) for row in orders}
    lines = [
        (name or "未记录", levels.get(name, NOTHING), *formed.get(name, (0, 0)))
        for name in sorted(levels.keys() | formed.keys())
    ]
    return await ctx.page(
        "hotlines.html",
        place="hotlines",
        period=period,
        lines=lines,
        within=WITHIN_S,
        shortcuts=shortcuts(today()),
        span=urlencode({"first": period.first, "last": period.last}),
    )


SEE = (P.LINE_LEAD, P.ORDER_VERIFY, P.ORDER_OVERSEE)
ROUTES = (Route("GET", "/hotlines", SEE, Span, index, "原热线统计", ("bad-span",)),)
