"""工作台: the queues of one's role, what is due first at the top, and bulk dispatch with its preview."""

from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select

from core.clock import today
from core.db import among
from core.errors import Invalid, NotFound
from core.identity.models import Unit
from core.permissions import Permission as P
from crm.county.categories import LABELS, Category
from crm.county.route import Route as Catalogued
from crm.datarequests.queries import NEEDS, due
from crm.installed import installed
from crm.queries import desk_sheet, desks
from crm.retention.queries import Soon, ends_soon
from crm.retention_policy import RetentionPolicy
from crm.search.filter import LONGEST_SEARCH
from crm.tickets import bulk
from crm.tickets.models import Ticket
from web import act_words
from web.context import Context
from web.files import send_sheet
from web.pages.order_list import TONES
from web.pages.orders import clock_of, labels
from web.paging import parse
from web.route import Asks, Route

MOST_AT_ONCE = 50


class Narrowed(Asks):
    """Which queue, and what in it; `sort` empty: what is due first at the top."""

    queue: Annotated[str, Field(max_length=30, pattern=r"^[a-z-]*$")] = ""
    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    category: Category | None = None
    area: Annotated[str, Field(max_length=40)] = ""
    sort: Literal["", "newest"] = ""

    @property
    def narrowing(self) -> desks.Narrowing:
        """As the queue reads it."""
        return desks.Narrowing(self.search, self.category, self.area or None, self.sort == "newest")

    @property
    def asked(self) -> dict[str, str]:
        """As an address gives it again."""
        given = {"search": self.search, "category": self.category or "", "area": self.area, "sort": self.sort}
        return {name: value for name, value in given.items() if value}


class Queue(Narrowed):
    """A queue, and where its page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class QueueExport(Narrowed):
    """A queue that is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Chosen(Asks):
    """Orders that were ticked."""

    orders: Annotated[list[UUID], Field(max_length=MOST_AT_ONCE)] = []


class Seen(Asks):
    """Orders as they stood in the preview: `<id>~<version>`."""

    seen: Annotated[list[str], Field(max_length=MOST_AT_ONCE)] = []


async def show(ctx: Context, asked: Queue) -> web.Response:
    """One queue; without a name the first in which something waits."""
    mine = desks.queues(ctx.actor)
    counts = await desks.counts(ctx.session, ctx.actor, mine)
    first = next((queue for queue in mine if counts[queue.key]), mine[0] if mine else None)
    queue = next((one for one in mine if one.key == asked.queue), None) if asked.queue else first
    if queue is None:
        raise NotFound("no-such-queue", "您的工作台没有这个队列。")
    rows, further = await desks.waiting(ctx.session, ctx.actor, queue, parse(asked.after), asked.narrowing)
    leads = [row.ticket.lead_unit_id for row in rows if row.ticket.lead_unit_id]
    leads += [row.part.unit_id for row in rows if row.part and queue.below]
    units = await ctx.session.execute(select(Unit.id, Unit.name).where(among(Unit.id, leads)))
    after = f"{further[0].isoformat()}~{further[1]}" if further else ""
    return await ctx.page(
        "desk.html",
        place=f"desk-{queue.key}",
        queue=queue,
        count=counts[queue.key],
        most=desks.MOST_COUNTED,
        rows=rows,
        first=not asked.after,
        asked=asked,
        narrowed={name for name in asked.asked if name != "sort"},
        begin="/desk?" + urlencode({"queue": queue.key, **asked.asked}),
        further="/desk?" + urlencode({"queue": queue.key, **asked.asked, "after": after}) if after else "",
        categories=[(one.value, label) for one, label in LABELS.items()],
        areas=[(unit.code, unit.name) for unit in installed().county.units.values() if unit.kind.territorial],
        clock=lambda due: clock_of(due, []),
        suggestion=suggestion,
        units={row.id: row.name for row in units},
        unit_names=installed().catalogue.names,
        labels=labels(),
        tones=TONES,
        may_export=ctx.actor.may(P.ORDER_EXPORT),
        ends_soon=await ends_soon(ctx.session) if ctx.actor.may(P.DISPOSAL_REVIEW) else Soon(0, None),
        warn_days=installed().policy[RetentionPolicy].warn_days,
        data_due=await due(ctx.session) if any(map(ctx.actor.may, NEEDS)) else ((), 0),
        button=act_words.BUTTONS[queue.act] if queue.act else "",
    )


async def export(ctx: Context, asked: QueueExport) -> web.StreamResponse:
    """One queue as a workbook."""
    queue = next((one for one in desks.queues(ctx.actor) if one.key == asked.queue), None)
    if queue is None:
        raise NotFound("no-such-queue", "您的工作台没有这个队列。")
    async with ctx.parts.database.session() as session:
        done = await desk_sheet.export(session, ctx.actor, queue, asked.narrowing, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"{queue.label}{today():%Y%m%d}-{done.number}")


def suggestion(ticket: Ticket) -> Catalogued:
    """The unit that the catalogue names for the order, with its reason."""
    return installed().catalogue.route(ticket.matter, ticket.area)


async def preview(ctx: Context, asked: Chosen) -> web.Response:
    """What a dispatch by the catalogue would do with each; nothing has happened yet."""
    if not asked.orders:
        raise Invalid("nothing-chosen", "请先勾选要派发的工单。")
    planned = await bulk.plan(ctx.session, ctx.actor, asked.orders)
    return await ctx.page(
        "desk_dispatch.html",
        place="desk-dispatch",
        ready=[one for one in planned if not one.against],
        left=[one for one in planned if one.against],
        clock=lambda due: clock_of(due, []),
        labels=labels(),
    )


async def dispatch(ctx: Context, asked: Seen) -> web.Response:
    """Dispatch what the preview showed; an order that changed since stays."""
    seen: dict[UUID, int] = {}
    for one in asked.seen:
        id, _, version = one.partition("~")
        try:
            seen[UUID(id)] = int(version)
        except ValueError:
            raise Invalid("malformed-request", "请从待派单重新勾选工单。") from None
    outcomes = await bulk.dispatch_all(ctx.session, ctx.actor, seen)
    refused = [one for one in outcomes if one.refused]
    spoken = [one.number for one in outcomes if one.say]
    note = f"已派发 {len(outcomes) - len(refused)} 张工单。"
    if spoken:
        note += f"{len(spoken)} 张无法发送短信，请口头告知编号：{'、'.join(spoken[:3])}。"
    if refused:
        note += f"{len(refused)} 张未派发，{refused[0].number}：{refused[0].refused}"
    return ctx.redirect("/desk?queue=dispatch", note)


ROUTES = (
    Route("GET", "/desk", desks.NEEDS, Queue, show, "工作台", ("no-such-queue", "bad-page", "no-phone-search")),
    Route(
        "POST", "/desk/export", P.ORDER_EXPORT, QueueExport, export, "导出工作台队列",
        ("no-such-queue", "no-phone-search", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("GET", "/desk/dispatch", P.ORDER_DISPATCH, Chosen, preview, "批量派发预览", ("nothing-chosen",)),
    Route("POST", "/desk/dispatch", P.ORDER_DISPATCH, Seen, dispatch, "批量派发", ("malformed-request",)),
)  # fmt: skip
