"""Duty contacts 值班联系人: kept by their units and by the centre, tried by a call, with the gaps ahead (F14-2)."""

from datetime import date, time
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import BeforeValidator, Field

from callflow.spoken import service as spoken
from callflow.spoken.rules import Outcome
from core import phone
from core.clock import now, today
from core.permissions import Permission as P
from crm.contacts import queries, service
from crm.contacts.queries import Row, Wanted
from crm.contacts.rules import Days, Trouble
from crm.contacts.service import Fields
from crm.duty_policy import DutyPolicy
from crm.installed import installed
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.render import exact
from web.route import Asks, Route

COLUMNS = tuple(map(Column, ("单位", "次序", "联系人", "电话", "值守时间", "核对", "试拨")))
HEADS = (
    ("单位", 30), ("次序", 8), ("联系人", 14), ("职务", 16), ("电话", 18), ("值守时间", 28), ("起日", 14), ("止日", 14),
    ("核对时间", 22), ("核对人", 14), ("试拨时间", 22), ("试拨结果", 20), ("状态", 10),
)  # fmt: skip
MOST_TESTS = 5
SHOWN_GAPS, SHOWN_UNITS = 3, 6
TONES = {Trouble.NOBODY: "bad", Trouble.GAP: "bad", Trouble.FAILED: "warn", Trouble.UNCHECKED: "warn"}


def _clock(value: object) -> object:
    return "00:00" if value in ("24:00", "") else value


Clock = Annotated[time, BeforeValidator(_clock)]


class Filter(Asks):
    """Which contacts; `search`: words of unit or post."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    unit: UUID | None = None
    retired: bool = False

    @property
    def wanted(self) -> Wanted:
        """The filter as the list takes it."""
        return Wanted(self.search.split(), self.unit, self.retired)


class Page(Filter):
    """The filter, where the page begins, and whose form stands beside it."""

    after: Annotated[str, Field(max_length=200)] = ""
    edit: UUID | None = None


class Export(Filter):
    """The contacts of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Form(Asks):
    """A contact as it is written."""

    rank: Annotated[int, Field(ge=1, le=9)]
    name: Annotated[str, Field(min_length=2, max_length=20)]
    post: Annotated[str, Field(max_length=40)] = ""
    phone: Annotated[str, Field(min_length=3, max_length=30)]
    days: Days = Days.ALL
    start: Clock = time()
    end: Clock = time()
    first_day: date | None = None
    last_day: date | None = None

    @property
    def fields(self) -> Fields:
        """The form's values as the command takes them."""
        return Fields(
            self.rank, self.name, self.post, self.phone, self.days, self.start, self.end, self.first_day, self.last_day
        )


class Added(Form):
    """A contact of this unit; who belongs to a unit writes its own."""

    unit: UUID | None = None


class One(Asks):
    """A contact."""

    id: UUID


class Seen(One):
    """A contact as the person saw it."""

    version: int = Field(ge=0, le=2**31)


class Edited(Form, Seen):
    """A contact as edited."""


class Retired(Seen):
    """And why this person is not called any more."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


async def index(ctx: Context, asked: Page) -> web.Response:
    """A page of the contacts, what is not as it should be, and the form for those who keep them."""
    rows = await queries.contacts(ctx.session, ctx.actor, asked.wanted, asked.after, paging.PAGE + 1)
    may_edit = ctx.actor.may(P.CONTACT_EDIT)
    edited = await service.contact(ctx.session, ctx.actor, asked.edit) if asked.edit and may_edit else None
    names = await queries.names(ctx.session)
    policy, at = installed().policy[DutyPolicy], now()
    return await ctx.page(
        "duty_contacts.html",
        place="duty-contacts",
        list=listing("/duty-contacts", COLUMNS, asked.model_copy(update={"edit": None}), rows, lambda one: one.place),
        asked=asked,
        units=[(str(id), name) for id, name in names.items()],
        unit_names=names,
        own=ctx.actor.unit_id,
        standings=await queries.standings(ctx.session, ctx.actor, asked.unit),
        tones=TONES,
        shown_gaps=SHOWN_GAPS,
        shown_units=SHOWN_UNITS,
        outcomes=Outcome,
        is_checked=lambda row: queries.is_checked(row, policy, at),
        policy=policy,
        days=[(one.value, one.label) for one in Days],
        edited=edited,
        tests=await spoken.about(ctx.session, service.SUBJECT, [edited.id], MOST_TESTS) if edited else (),
        may_edit=may_edit,
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


async def export(ctx: Context, asked: Export) -> web.StreamResponse:
    """The contacts of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    async with ctx.parts.database.session() as session:
        told = searched(asked.search) | ({"state": "已停用"} if asked.retired else {})
        told |= {"unit": (await queries.names(session)).get(asked.unit, "")} if asked.unit else {}
        found = await queries.contacts(session, ctx.actor, asked.wanted, "", MOST_ROWS + 1)
        what = Taking("值班联系人", "LX", "contact.export", HEADS, [_cells(one) for one in found], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"值班联系人{today():%Y%m%d}-{done.number}")


def _cells(row: Row) -> list[str]:
    one = row.contact
    return [
        row.unit.name,
        str(one.rank),
        one.name,
        one.post,
        phone.show(one.phone),
        one.hours,
        f"{one.first_day or ''}",
        f"{one.last_day or ''}",
        exact(one.checked_at, "从未核对"),
        one.checked_by_name,
        exact(one.tested_at, "从未试拨"),
        Outcome(one.test_outcome).label if one.test_outcome else "",
        "已停用" if one.retired_at else "在用",
    ]


async def add(ctx: Context, asked: Added) -> web.Response:
    """A further contact."""
    unit = ctx.actor.unit_id or asked.unit
    row = await service.add(ctx.session, ctx.actor, unit or UUID(int=0), asked.fields)
    return ctx.redirect("/duty-contacts", f"已新增值班联系人：{row.name}。")


async def edit(ctx: Context, asked: Edited) -> web.Response:
    """Change a contact."""
    row = await service.edit(ctx.session, ctx.actor, asked.id, asked.version, asked.fields)
    return ctx.redirect("/duty-contacts", f"值班联系人已保存：{row.name}。")


async def check(ctx: Context, asked: Seen) -> web.Response:
    """It is right as it stands."""
    row = await service.check(ctx.session, ctx.actor, asked.id, asked.version)
    return ctx.redirect("/duty-contacts", f"已核对：{row.name}。")


async def retire(ctx: Context, asked: Retired) -> web.Response:
    """Not called any more."""
    row = await service.retire(ctx.session, ctx.actor, asked.id, asked.version, asked.reason)
    return ctx.redirect("/duty-contacts", f"已停用：{row.name}。")


async def test(ctx: Context, asked: One) -> web.Response:
    """Call this contact now."""
    await service.test(ctx.session, ctx.actor, asked.id)
    return ctx.redirect(f"/duty-contacts?edit={asked.id}", "正在试拨，接听人按1确认后显示结果。")


SEE = (P.ORDER_VIEW, P.CONTACT_EDIT)
E = P.CONTACT_EDIT
WRITTEN = ("bad-phone", "bad-days")
ONE = ("no-contact", "contact-retired", "other-unit")
ROUTES = (
    Route("GET", "/duty-contacts", SEE, Page, index, "值班联系人", ("no-contact",)),
    Route(
        "POST", "/duty-contacts", E, Added, add, "新增值班联系人",
        ("no-such-unit", "other-unit", "too-many-contacts", *WRITTEN),
    ),
    Route(
        "POST", "/duty-contacts/export", SEE, Export, export, "导出值班联系人",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("POST", "/duty-contacts/{id}", E, Edited, edit, "修改值班联系人", (*ONE, *WRITTEN, "changed-meanwhile")),
    Route("POST", "/duty-contacts/{id}/check", E, Seen, check, "核对值班联系人", (*ONE, "changed-meanwhile")),
    Route("POST", "/duty-contacts/{id}/retire", E, Retired, retire, "停用值班联系人", (*ONE, "changed-meanwhile")),
    Route("POST", "/duty-contacts/{id}/test", E, One, test, "试拨值班电话", (*ONE, "test-goes-on")),
)  # fmt: skip
