"""公开答复: what may be published of the answers, and the open sheet of it (第二十二条)."""

from aiohttp import web

from core.permissions import Permission as P
from crm.queries import publication as query
from web.context import Context
from web.files import send_sheet
from web.pages.closings import Period, Span, period
from web.pages.orders import labels
from web.route import Route


async def index(ctx: Context, asked: Period) -> web.Response:
    """What both sides agreed to, and what of it still names somebody."""
    first, last = period(asked)
    rows = await query.answers(ctx.session, first, last)
    return await ctx.page(
        "publication.html",
        place="publication",
        first=first,
        last=last,
        clear=[one for one in rows if not one.trace],
        traced=[one for one in rows if one.trace],
        labels=labels(),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Span) -> web.StreamResponse:
    """The sheet for the public."""
    first, last = period(asked)
    async with ctx.parts.database.session() as session:
        content = await query.workbook(session, ctx.actor, first, last)
    return await send_sheet(ctx.request, content, f"公开答复{first:%Y%m%d}-{last:%Y%m%d}")


SEE = (P.ORDER_OVERSEE, P.ORDER_VERIFY)
ROUTES = (
    Route("GET", "/publication", SEE, Period, index, "公开答复", ("bad-period",)),
    Route("POST", "/publication/export", SEE, Span, export, "导出公开答复", ("bad-period",), stream=True),
)
