"""个人信息申请: all requests with their clocks, narrowed, sorted, taken along; and the form that registers one."""

from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field as Given
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core import phone
from core.clock import today
from core.errors import Invalid, NotFound
from core.forms import Clean
from core.permissions import Permission as P
from core.personal import mask_name
from crm.datarequests import queries, service
from crm.datarequests.models import DataRequest
from crm.datarequests.queries import NEEDS, OPEN, Wanted
from crm.datarequests.rules import Field, Kind, Light, State, Verdict, Way
from crm.datarequests.service import Asked
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.orders import clock_of
from web.render import exact
from web.route import Asks, Route

COLUMNS = (
    Column("登记", ("newest", "oldest")),
    *map(Column, ("编号", "申请事项", "申请人", "状态", "答复期限", "决定")),
)
HEADS = (
    ("编号", 20), ("申请事项", 14), ("申请方式", 10), ("申请人", 12), ("电话", 16), ("登记时间", 22), ("登记人", 12),
    ("身份核验", 30), ("状态", 16), ("答复期限", 22), ("决定", 12), ("理由", 50), ("决定人", 12), ("答复时间", 22),
)  # fmt: skip
STATES = ((OPEN, "尚未答复"), *((one.value, one.label) for one in State))
TONES = {State.UNVERIFIED: "warn", State.DECIDED: "act", State.CONFIRMED: "act", State.CLOSED: "good"}
LIGHTS = ((Light.SOON.value, Light.SOON.label), (Light.LATE.value, Light.LATE.label))


class Filter(Asks):
    """Which requests; `search`: a request's number, a telephone, the applicant's name, a registrar or decider."""

    search: Annotated[str, Given(max_length=LONGEST_SEARCH)] = ""
    kind: Kind | None = None
    state: State | Literal["", "open"] = ""
    due: Literal["", "soon", "late"] = ""
    sort: Literal["newest", "oldest"] = "newest"

    @property
    def wanted(self) -> Wanted:
        """The filter as the list takes it."""
        due = Light(self.due) if self.due else None
        return Wanted(self.search.split(), self.kind, str(self.state), due, self.sort == "oldest")


class Requests(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Given(max_length=100)] = ""


class Export(Filter):
    """The requests of the filter that are taken along, and why."""

    reason: Annotated[str, Given(max_length=200)] = ""


class Blank(Asks):
    """The form; `call`: the call in which it is asked, whose number is meant."""

    call: UUID | None = None


class Registered(Blank):
    """What the citizen asks."""

    kind: Kind
    way: Way
    name: Annotated[str, Given(min_length=2, max_length=40), Clean]
    phone: Annotated[str, Given(max_length=32)] = ""
    orders: Annotated[str, Given(max_length=400)] = ""
    asked: Annotated[str, Given(min_length=2, max_length=1000), Clean]
    correct_name: Annotated[str, Given(max_length=40), Clean] = ""
    correct_address: Annotated[str, Given(max_length=200), Clean] = ""
    correct_phone: Annotated[str, Given(max_length=32)] = ""

    @property
    def corrections(self) -> dict[Field, str]:
        """What is to stand instead."""
        told = {Field.NAME: self.correct_name, Field.ADDRESS: self.correct_address}
        told[Field.PHONE] = number("correct_phone", self.correct_phone) or ""
        return {name: value for name, value in told.items() if value}


def number(name: str, written: str) -> str | None:
    """A telephone as it was typed into this field. Raises Invalid beside it."""
    try:
        return phone.normalise(written) if written else None
    except Invalid as error:
        raise Invalid(error.id, error.message, fields={name: error.fields["phone"]}) from None


async def index(ctx: Context, asked: Requests) -> web.Response:
    """A page of the requests."""
    rows = await queries.requests(ctx.session, ctx.actor, asked.wanted, paging.parse(asked.after), paging.PAGE + 1)
    return await ctx.page(
        "data_requests.html",
        place="data-requests",
        list=listing("/data-requests", COLUMNS, asked, rows, lambda one: paging.key_of(one.registered_at, one.id)),
        asked=asked,
        states=STATES,
        kinds=[(one.value, one.label) for one in Kind],
        lights=LIGHTS,
        kind_of=Kind,
        state_of=State,
        verdict_of=Verdict,
        way_of=Way,
        tones=TONES,
        light_of=queries.light_of,
        clock=lambda due: clock_of(due, []),
        may_register=ctx.actor.may(P.DATA_REGISTER),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The requests of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told = searched(asked.search) | ({"kind": asked.kind.label} if asked.kind else {})
    told |= {"state": dict(STATES)[asked.state]} if asked.state else {}
    told |= {"limit": dict(LIGHTS)[asked.due]} if asked.due else {}
    async with ctx.parts.database.session() as session:
        rows = await queries.requests(session, ctx.actor, asked.wanted, None, MOST_ROWS + 1)
        what = Taking("个人信息申请", "GX", "data-request.export", HEADS, [_cells(one) for one in rows], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"个人信息申请{today():%Y%m%d}-{done.number}")


def _cells(row: DataRequest) -> list[str]:
    return [
        row.number, Kind(row.kind).label, Way(row.way).label, mask_name(row.name), phone.mask(row.phone),
        exact(row.registered_at), row.registered_by_name, row.check_note, State(row.state).label,
        exact(row.due_at), Verdict(row.verdict).label if row.verdict else "", row.reasons, row.decided_by_name,
        exact(row.answered_at, ""),
    ]  # fmt: skip


async def blank(ctx: Context, asked: Blank) -> web.Response:
    """The form, with the call's number where it is asked in a call."""
    call = await _call(ctx.session, asked.call)
    return await ctx.page(
        "data_request_new.html",
        place="data-requests",
        call=call,
        kinds=[(one.value, one.label) for one in Kind],
        ways=[(one.value, one.label) for one in Way],
        days=service.policy().answer_days,
    )


async def _call(session: AsyncSession, id: UUID | None) -> Call | None:
    call = await session.get(Call, id) if id else None
    if id and call is None:
        raise NotFound("no-call", "没有这条通话记录。")
    return call


async def register(ctx: Context, asked: Registered) -> web.Response:
    """Register it, and go on with the check of who asks."""
    orders = asked.orders.replace("、", " ").replace("，", " ").split()
    given = Asked(
        asked.kind, asked.way, asked.name, asked.asked, number("phone", asked.phone), asked.call, orders,
        asked.corrections,
    )  # fmt: skip
    row = await service.register(ctx.session, ctx.actor, given)
    return ctx.redirect(f"/data-requests/{row.id}", f"已登记 {row.number}，请核验申请人身份。")


ROUTES = (
    Route("GET", "/data-requests", NEEDS, Requests, index, "个人信息申请", ("bad-page",)),
    Route(
        "POST", "/data-requests", P.DATA_REGISTER, Registered, register, "登记个人信息申请",
        ("no-call", "bad-phone"),
    ),
    Route(
        "POST", "/data-requests/export", NEEDS, Export, export, "导出个人信息申请",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("GET", "/data-requests/new", P.DATA_REGISTER, Blank, blank, "登记个人信息申请", ("no-call",)),
)  # fmt: skip
