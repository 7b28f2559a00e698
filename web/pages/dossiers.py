"""档案包: the archive officer's list, one package with its catalogue, exports, checks; materials put to an order."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.permissions import Permission as P
from crm import papers
from crm.dossiers import checking, exporting, materials, queries, reading
from crm.dossiers.manifest import Need
from crm.dossiers.models import MaterialKind, TakingState
from crm.dossiers.queries import Wanted
from crm.dossiers.rules import MAY_ADD, Asked, may_take
from crm.installed import installed
from crm.search.filter import LONGEST_SEARCH
from crm.tickets.models import Ticket
from recordings.desk.policy import ListeningPolicy
from web import paging, problems
from web.context import Context
from web.files import stream
from web.lists import Column, listing
from web.route import Asks, Route, Upload

COLUMNS = (
    Column("工单编号"),
    Column("标题"),
    Column("归档时间", ("newest", "oldest")),
    Column("卷", css="right"),
    Column("件", css="right"),
    Column("大小", css="right"),
    Column("核验"),
)
ONLY = {"": "全部", "wrong": "核验有问题", "imported": "导入的"}
Day = Annotated[date | None, Field(ge=date(2020, 1, 1), le=date(2100, 1, 1))]


class DossierList(Asks):
    """`search`: words of number or title; days of archiving, both included."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    first: Day = None
    last: Day = None
    only: Literal["", "wrong", "imported"] = ""
    sort: Literal["newest", "oldest"] = "newest"
    after: Annotated[str, Field(max_length=100)] = ""

    @property
    def wanted(self) -> Wanted:
        """The filter as the list takes it."""
        return Wanted(self.search.split(), self.first, self.last, self.only, self.sort == "oldest")


class OneDossier(Asks):
    """A package, or an export."""

    id: UUID


class Exporting(OneDossier):
    """What is taken out, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""
    identity: bool = False
    sound: bool = False


class Refusing(OneDossier):
    """Why an export is refused."""

    reason: Annotated[str, Field(min_length=2, max_length=200)]


class NewMaterial(OneDossier):
    """A paper for the order's file."""

    kind: MaterialKind
    title: Annotated[str, Field(min_length=2, max_length=100)]
    dated: Annotated[date, Field(ge=date(1990, 1, 1), le=date(2100, 1, 1))]
    author: Annotated[str, Field(min_length=2, max_length=60)]
    note: Annotated[str, Field(max_length=500)] = ""
    file: Upload


async def index(ctx: Context, asked: DossierList) -> web.Response:
    """A page of the list."""
    after = paging.parse(asked.after)
    rows = await queries.listed(ctx.session, ctx.actor, asked.wanted, after, paging.PAGE + 1)
    return await ctx.page(
        "dossiers.html",
        place="dossiers",
        list=listing(
            "/dossiers", COLUMNS, asked, rows, lambda one: paging.key_of(one.dossier.archived_at, one.dossier.id)
        ),
        asked=asked,
        only=tuple(ONLY.items()),
    )


async def show(ctx: Context, asked: OneDossier) -> web.Response:
    """One package: its parts with their digests, the catalogue, exports."""
    whole = await queries.whole(ctx.session, ctx.actor, asked.id)
    dossier, actor = whole.dossier, ctx.actor
    return await ctx.page(
        "dossier.html",
        place="dossiers",
        whole=whole,
        dossier=dossier,
        order=await ctx.session.get(Ticket, dossier.ticket_id) is not None,
        may_export=actor.may(P.ORDER_EXPORT),
        may_check=any(map(actor.may, MAY_ADD)),
        identity=may_take(actor, Need.IDENTITY, sealed=dossier.sealed),
        sound=may_take(actor, Need.SOUND, sealed=dossier.sealed),
        kept_hours=installed().policy[ListeningPolicy].export_hours,
        waiting=[one.id for one in whole.exports if await exporting.waits(ctx.session, one)],
        may_decide=actor.may(P.RECORDING_DECIDE),
        states={one.value: one.label for one in TakingState},
    )


async def view(ctx: Context, asked: OneDossier) -> web.Response:
    """The package's own page, masked, without originals."""
    async with ctx.parts.database.session() as session:
        _, package = await reading.ask(session, ctx.actor, asked.id)
    nonce = problems.nonce(ctx.request)
    text = await reading.shown(ctx.parts.store, ctx.actor, ctx.parts.title, package, nonce)
    return web.Response(text=text, content_type="text/html")


async def export(ctx: Context, asked: Exporting) -> web.Response:
    """Put an export on its way."""
    wanted = Asked(asked.reason, asked.identity, asked.sound)
    made = await exporting.ask(ctx.session, ctx.actor, asked.id, wanted)
    return ctx.redirect(f"/dossiers/{asked.id}", f"导出 {made.number} 已登记，打包完成后在本页下载。")


async def approve(ctx: Context, asked: OneDossier) -> web.Response:
    """Let another's export with several recordings go."""
    done = await exporting.decide(ctx.session, ctx.actor, asked.id)
    return ctx.redirect(f"/dossiers/{done.dossier_id}", f"导出 {done.number} 已批准，正在打包。")


async def refuse(ctx: Context, asked: Refusing) -> web.Response:
    """Refuse it, and say why."""
    done = await exporting.decide(ctx.session, ctx.actor, asked.id, asked.reason)
    return ctx.redirect(f"/dossiers/{done.dossier_id}", f"导出 {done.number} 未批准。")


async def check(ctx: Context, asked: OneDossier) -> web.Response:
    """Have everything in it read again."""
    await checking.ask(ctx.session, ctx.actor, asked.id)
    return ctx.redirect(f"/dossiers/{asked.id}", "已开始核验，结果显示在本页。")


async def fetch(ctx: Context, asked: OneDossier) -> web.StreamResponse:
    """The ZIP of an export, to whoever asked for it."""
    async with ctx.parts.database.session() as session:
        done, dossier = await exporting.fetch(session, ctx.actor, asked.id)
    await ctx.parts.store.stat(done.store_key)
    content = ctx.parts.store.read(done.store_key)
    name = f"{dossier.number}档案包{today():%Y%m%d}-{done.number}.zip"
    return await stream(ctx.request, content, "application/zip", name, done.size)


async def add_material(ctx: Context, asked: NewMaterial) -> web.Response:
    """Put a paper to the order's file."""
    good = papers.checked(asked.file.name, asked.file.content)
    what = materials.Material(asked.kind, asked.title, asked.dated, asked.author, asked.note)
    await materials.add(ctx.parts.database, ctx.parts.store, ctx.actor, asked.id, what, good)
    return ctx.redirect(f"/orders/{asked.id}", f"{asked.kind.label}“{asked.title}”已补充。")


SEE = (P.ORDER_ARCHIVE, P.ORDER_OVERSEE)
GONE = ("no-such-dossier",)
ROUTES = (
    Route("GET", "/dossiers", SEE, DossierList, index, "档案包", ("bad-page",)),
    Route("GET", "/dossiers/{id}", P.ORDER_VIEW, OneDossier, show, "一个档案包", GONE, watched=True),
    Route(
        "GET", "/dossiers/{id}/view", P.ORDER_VIEW, OneDossier, view, "查看档案包内容",
        (*GONE, "not-closed", "package-damaged"), stream=True, watched=True,
    ),
    Route(
        "POST", "/dossiers/{id}/export", P.ORDER_EXPORT, Exporting, export, "导出档案包",
        (*GONE, "no-reason", "not-closed", "not-permitted"), watched=True,
    ),
    Route("POST", "/dossiers/{id}/check", SEE, OneDossier, check, "核验档案包", GONE),
    Route(
        "GET", "/dossier-exports/{id}", P.ORDER_EXPORT, OneDossier, fetch, "下载档案包",
        (*GONE, "no-such-export", "not-ready"), stream=True, watched=True,
    ),
    Route(
        "POST", "/dossier-exports/{id}/approve", P.RECORDING_DECIDE, OneDossier, approve, "批准导出档案包",
        (*GONE, "no-such-export", "own-request", "not-waiting"), watched=True,
    ),
    Route(
        "POST", "/dossier-exports/{id}/refuse", P.RECORDING_DECIDE, Refusing, refuse, "不批准导出档案包",
        (*GONE, "no-such-export", "own-request", "not-waiting"), watched=True,
    ),
    Route(
        "POST", "/orders/{id}/materials", MAY_ADD, NewMaterial, add_material, "补充归档材料",
        ("no-such-order", "wrong-state", "bad-date", "bad-file-type", "bad-file-size", "bad-file-name"),
        takes=papers.LARGEST,
    ),
)  # fmt: skip
