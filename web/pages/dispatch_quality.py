"""派单质量: how often the suggestion was right, how much came back, and on what dispatches to several units rest."""

from datetime import date
from typing import Annotated

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.errors import Invalid
from core.permissions import Permission as P
from crm.queries import dispatch_sheet
from crm.queries.dispatching import month, share
from crm.tickets.citing import Cites
from web.context import Context
from web.files import send_sheet
from web.route import Asks, Route


class Asked(Asks):
    """A month as `2026-11`; empty: the present one."""

    month: Annotated[str, Field(pattern=r"^(20\d\d-(0[1-9]|1[0-2]))?$")] = ""

    @property
    def first(self) -> date:
        """Its first day."""
        return date.fromisoformat(f"{self.month}-01") if self.month else today().replace(day=1)


async def index(ctx: Context, asked: Asked) -> web.Response:
    """One month."""
    if asked.first > today():
        raise Invalid("no-such-month", "这个月还没有到。", fields={"month": "请选择本月或以前的月份"})
    found = await month(ctx.session, asked.first)
    return await ctx.page(
        "dispatch_quality.html",
        place="dispatch-quality",
        found=found,
        month=f"{asked.first:%Y-%m}",
        heads=dispatch_sheet.HEADS,
        total=dispatch_sheet.row_of(found.total),
        rows=[dispatch_sheet.row_of(one) for one in found.matters],
        cites=list(Cites),
        share=share,
    )


async def export(ctx: Context, asked: Asked) -> web.StreamResponse:
    """The month as a workbook."""
    content = await dispatch_sheet.export(ctx.parts.database, ctx.actor, asked.first, title=ctx.parts.title)
    return await send_sheet(ctx.request, content, f"派单质量{asked.first:%Y%m}")


SEE = (P.ORDER_REVIEW, P.ORDER_OVERSEE)
ROUTES = (
    Route("GET", "/dispatch-quality", SEE, Asked, index, "派单质量", ("no-such-month",)),
    Route(
        "POST", "/dispatch-quality/export", SEE, Asked, export, "导出派单质量", ("nothing-to-export",), stream=True
    ),
)  # fmt: skip
