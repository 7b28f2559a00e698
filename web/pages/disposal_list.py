"""One disposal list 销毁清单: what stands on it, who did what, the act that is due, and in the end its certificate."""

import json
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission as P
from crm.retention import execution, lists, queries
from crm.retention.models import DisposalList
from crm.retention.queries import Listed, Row
from crm.retention.rules import FROM, Act, Item, Standing, typed
from crm.search.taking import MOST_ROWS, Taking, take
from recordings.archived import CATALOGUES
from recordings.disposal.erase import certificate as certificate_of
from recordings.models import Recording
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.retention import SOON_HEADS, TAKES, TONES, facts, key_of
from web.route import Asks, Route, Table

COLUMNS = (Column("时间", ("oldest", "newest")), *map(Column, ("种类", "号码或工单", "话务员或文件")),
           Column("时长或大小", css="right"), *map(Column, ("最后保护日", "处理")))  # fmt: skip
HEADS = (*SOON_HEADS, ("处理", 12), ("说明", 50), ("公民申请", 18), ("SHA-256", 70))
ITEM_TONES = {Item.DESTROYED: "good", Item.STOPPED: "warn", Item.TAKEN_OFF: "warn"}
SHOWN = 1000
"""Objects on the printed certificate; the signed records in the archive name all."""
KEEP_FOR = timedelta(days=366)
"""What the form for taking off offers first."""
DOES: dict[Act, Callable[..., Awaitable[DisposalList]]] = {
    Act.REVIEW: lists.review,
    Act.APPROVE: lists.approve,
    Act.CONFIRM: lists.confirm,
    Act.ORDER: execution.order,
    Act.RETURN: lists.send_back,
}
TOLD = {
    Act.REVIEW: "已完成审查，送中心主任批准。",
    Act.APPROVE: "已批准，送政数局分管领导批准。",
    Act.CONFIRM: "已批准，由档案员执行。",
    Act.ORDER: "已开始销毁，完成后出具证书。",
    Act.RETURN: "已退回审查，此前的批准作废。",
}
BUTTONS = {
    Act.REVIEW: "完成审查，送中心批准",
    Act.APPROVE: "批准销毁，送局批准",
    Act.CONFIRM: "批准销毁",
    Act.ORDER: "永久销毁",
}


class Filter(Asks):
    """Which objects of a list."""

    id: UUID
    state: Item | None = None
    sort: Literal["newest", "oldest"] = "oldest"


class OneList(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class Export(Filter):
    """What of a list is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Seen(Asks):
    """A list as the person saw it."""

    id: UUID
    version: int = Field(ge=1, le=2**31 - 1)


class Typed(Seen):
    """And the words that confirm the act."""

    words: Annotated[str, Field(max_length=40)] = ""


class Returned(Seen):
    """And why it goes back."""

    reason: Annotated[str, Field(max_length=200)] = ""


class TakenOff(Returned):
    """What is kept, and until when."""

    ids: Annotated[list[UUID], Field(max_length=200)] = []
    until: date


class OneCertificate(Asks):
    """A certificate by its number."""

    number: Annotated[str, Field(pattern=r"^XH\d{8}-\d{3,5}$")]


async def show(ctx: Context, asked: OneList) -> web.Response:
    """A list with a page of what stands on it."""
    one = await queries.list_of(ctx.session, ctx.actor, asked.id)
    after = paging.parse(asked.after)
    rows = await queries.items(
        ctx.session, ctx.actor, asked.id, asked.state, after, paging.PAGE + 1, newest_first=asked.sort == "newest"
    )
    narrowed = asked.model_copy(update={"id": None})  # the list is in the path
    return await ctx.page(
        "disposal_list.html",
        place="retention",
        one=one,
        row=one.row,
        list=listing(f"/retention/lists/{asked.id}", COLUMNS, narrowed, rows, key_of),
        asked=asked,
        states=[(state.value, state.label) for state in Item],
        items=Item,
        tones=TONES,
        item_tones=ITEM_TONES,
        act=_act(ctx, one),
        keep_until=today() + KEEP_FOR,
        may_take_off=one.standing is Standing.PROPOSED and ctx.actor.may(P.DISPOSAL_REVIEW),
        may_return=one.standing in FROM[Act.RETURN] and any(map(ctx.actor.may, lists.RETURNERS)),
        sees_recordings=ctx.actor.may(P.RECORDING_VIEW),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


def _act(ctx: Context, one: Listed) -> dict[str, Any] | None:
    """The act that is this person's now: what to type, or why he may not; None where it is another's turn."""
    for act, button in BUTTONS.items():
        if one.standing in FROM[act] and ctx.actor.may(lists.NEEDS[act]):
            count = one.of(Item.LISTED)
            words = "" if act is Act.REVIEW and not count else typed(act, count)
            against = lists.may_not(ctx.actor, one.row, act)
            button = button if count else "结束本清单，不销毁"
            return {"act": act, "words": words, "button": button, "against": against}
    return None


def _does(act: Act) -> Callable[[Context, Any], Awaitable[web.Response]]:
    async def handle(ctx: Context, asked: Any) -> web.Response:
        """One step of a person."""
        said = asked.reason if act is Act.RETURN else asked.words
        row = await DOES[act](ctx.session, ctx.actor, asked.id, asked.version, said)
        told = "清单是空的，已结束。" if row.state == Standing.VOID else TOLD[act]
        return ctx.redirect(f"/retention/lists/{row.id}", told)

    return handle


async def take_off(ctx: Context, asked: TakenOff) -> web.Response:
    """Keep some of them."""
    count = await lists.take_off(ctx.session, ctx.actor, asked.id, asked.version, asked.ids, asked.reason, asked.until)
    return ctx.redirect(f"/retention/lists/{asked.id}", f"已移出 {count} 份，继续保存。")


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """What stands on a list as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    async with ctx.parts.database.session() as session:
        one = await queries.list_of(session, ctx.actor, asked.id)
        newest = asked.sort == "newest"
        rows = await queries.items(session, ctx.actor, asked.id, asked.state, None, MOST_ROWS + 1, newest_first=newest)
        told = {"disposal": one.row.number} | ({"state": asked.state.label} if asked.state else {})
        what = Taking(
            f"销毁清单 {one.row.number}", "XQ", "retention.items-export", HEADS, list(map(_cells, rows)), told
        )
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"销毁清单{one.row.number}-{done.number}")


def _cells(one: Row) -> list[str]:
    assert one.item is not None  # each stands on the list
    return [*facts(one), Item(one.item.state).label, one.item.why, one.request, one.object.digest]


async def certificate(ctx: Context, asked: OneCertificate) -> web.Response:
    """The certificate for print: what, how much, who, when, on what basis, and the signature."""
    ctx.actor.require(queries.VIEW)
    row = await certificate_of(ctx.session, asked.number)
    rows = await queries.destroyed(ctx.session, row.number, SHOWN)
    said: dict[str, Any] = json.loads(row.document) if row.document else {"count": len(rows), "size": 0, "parts": []}
    kinds: dict[str, int] = said.get("kinds") or {Recording.what: said["count"]}
    return await ctx.page(
        "disposal_certificate.html",
        place="retention",
        row=row,
        said=said,
        kinds=[(CATALOGUES[what].called, count) for what, count in kinds.items()],
        rows=rows,
        shown=SHOWN,
        title=ctx.parts.title,
    )


ACTED = ("no-list", "changed-meanwhile", "wrong-state")
STEPS = (
    (Act.REVIEW, "review", "审查销毁清单"),
    (Act.APPROVE, "approve", "中心批准销毁清单"),
    (Act.CONFIRM, "confirm", "局批准销毁清单"),
    (Act.ORDER, "execute", "执行销毁清单"),
)
LIST = "/retention/lists/{id}"
ROUTES: Table = (
    Route("GET", LIST, queries.VIEW, OneList, show, "销毁清单", ("no-list", "bad-page")),
    Route(
        "POST", f"{LIST}/take-off", P.DISPOSAL_REVIEW, TakenOff, take_off, "移出销毁清单",
        (*ACTED, "no-reason", "bad-day", "not-listed"),
    ),
    *(
        Route(
            "POST", f"{LIST}/{path}", lists.NEEDS[act], Typed, _does(act), summary,
            (*ACTED, "confirmation-words", "same-person"),
        )
        for act, path, summary in STEPS
    ),
    Route(
        "POST", f"{LIST}/return", lists.RETURNERS, Returned, _does(Act.RETURN), "退回销毁清单", (*ACTED, "no-reason")
    ),
    Route(
        "POST", f"{LIST}/export", queries.VIEW, Export, export, "导出销毁清单的内容", ("no-list", *TAKES), stream=True
    ),
    Route(
        "GET", "/retention/certificates/{number}", queries.VIEW, OneCertificate, certificate, "销毁证书",
        ("no-certificate",),
    ),
)  # fmt: skip
