"""Dispatch catalogue 派单目录 and power list 权责清单: what is in force, where the catalogue has gaps, importing by two
persons (F12.2-1, F19-1)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from core.clock import today
from core.errors import Invalid
from core.permissions import Permission as P
from core.rules import service
from core.rules.kinds import LISTS, Kind, Standing
from crm.county.route import Answer
from crm.installed import installed
from crm.rulebook import lists
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import Taking, take
from crm.sheets.sheet import MOST_BYTES, MOST_ROWS
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.policy import OneVersion, Withdrawal, standing
from web.route import Asks, Nothing, Route, Upload

SHOWN = 100
"""So many lines stand on a page."""
PREFIX = {Kind.CATALOGUE: "PM", Kind.POWERS: "QZ"}
UNDER = {
    Kind.CATALOGUE: "每项诉求事项在每个乡镇（街道）由谁主办、由谁协办。派单时先按目录建议，由派单员确认。",
    Kind.POWERS: "各单位依法承担的事项及其依据。派给多个单位时引用其中的条目，或写明热线中心的决定（第十九条）。",
}
Handler = Callable[[Context, Any], Awaitable[web.StreamResponse]]


class Filter(Asks):
    """`search`: words that a line must hold."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    sort: lists.Order = "code"

    @property
    def wanted(self) -> lists.Wanted:
        """The filter as the list takes it."""
        return lists.Wanted(self.search.split(), self.sort)


class ListPage(Filter):
    """The filter, and the key behind which the page begins."""

    after: Annotated[str, Field(max_length=400)] = ""


class ListExport(Filter):
    """The lines of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class VersionPage(OneVersion):
    """A version; `behind`: so many of its changes stand on the pages before."""

    behind: int = Field(0, ge=0, le=2 * MOST_ROWS)


class CellPage(Asks):
    """Which cells of the catalogue are listed."""

    answer: Answer = Answer.GAP


class Import(Asks):
    """The table, and by which document."""

    file: Upload | None = None
    document: Annotated[str, Field(max_length=120)] = ""
    note: Annotated[str, Field(max_length=500)] = ""


def _index(kind: Kind) -> Handler:
    async def index(ctx: Context, asked: ListPage) -> web.Response:
        """The list in force, and its versions."""
        rows = await service.versions(ctx.session, kind)
        found = lists.lines_of(kind, asked.wanted)
        page = [one for one in found if one[0] > asked.after][: SHOWN + 1]
        cells = await lists.completeness(ctx.session) if kind is Kind.CATALOGUE else []
        return await ctx.page(
            "lists.html",
            place=kind.value,
            kind=kind,
            under=UNDER[kind],
            list=replace(
                listing(f"/{kind}", _heads(kind), asked, page, lambda one: one[0], SHOWN),
                count=len(found),
                most=len(found),
            ),
            asked=asked,
            tally={one: sum(cell.answer is one for cell in cells) for one in Answer} if cells else {},
            versions=[(row, standing(row, rows)) for row in rows],
            waiting=[row for row in rows if row.state == Standing.PROPOSED],
            may_propose=ctx.actor.may(kind.duties.propose),
            most_rows=MOST_ROWS,
            most_mb=MOST_BYTES // 2**20,
        )

    return index


def _heads(kind: Kind) -> list[Column]:
    sorts: dict[int, tuple[str, ...]] = {0: ("code",), lists.UNIT: ("unit",)}
    return [Column(one.title, sorts.get(at, ())) for at, one in enumerate(lists.COLUMNS[kind])]


def _take(kind: Kind) -> Handler:
    async def take_along(ctx: Context, asked: ListExport) -> web.StreamResponse:
        """The lines of the filter as a workbook that says who took it."""
        heads = [(one.title, one.width) for one in lists.COLUMNS[kind]]
        rows = [row for _, row in lists.lines_of(kind, asked.wanted)]
        what = Taking(kind.label, PREFIX[kind], f"{kind}.taken", heads, rows, searched(asked.search))
        async with ctx.parts.database.session() as session:
            done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
        return await send_sheet(ctx.request, done.content, f"{kind.label}{today():%Y%m%d}-{done.number}")

    return take_along


async def cells(ctx: Context, asked: CellPage) -> web.Response:
    """A12.2-1: the catalogue's answers, matter by matter; gaps first."""
    found, here = await lists.completeness(ctx.session), installed()
    shown: dict[str, list[tuple[str, str]]] = {}
    for cell in found:
        if cell.answer is asked.answer:
            lead = here.catalogue.name(cell.lead) if cell.lead else ""
            shown.setdefault(cell.matter, []).append((here.catalogue.name(cell.area), lead))
    areas = len(found) // len(here.county.matters) if here.county.matters else 0
    return await ctx.page(
        "catalogue_cells.html",
        place=Kind.CATALOGUE.value,
        asked=asked,
        answers=list(Answer),
        tally={one: sum(cell.answer is one for cell in found) for one in Answer},
        matters=len(here.county.matters),
        areas=areas,
        rows=[(here.county.matters[code], _by_lead(places, areas)) for code, places in shown.items()],
    )


def _by_lead(places: list[tuple[str, str]], areas: int) -> list[tuple[str, str]]:
    """(units, where), with 全县 for everywhere and 各自属地 where each area answers for itself."""
    if len(places) == areas and all(area == lead for area, lead in places):
        return [("各自属地", "全县")]
    by: dict[str, list[str]] = {}
    for area, lead in places:
        by.setdefault(lead, []).append(area)
    return [(lead, "全县" if len(found) == areas else "、".join(found)) for lead, found in by.items()]


def _import(kind: Kind) -> Handler:
    async def upload(ctx: Context, asked: Import) -> web.Response:
        """A table becomes a proposal; nothing is in force before another person confirms it."""
        if asked.file is None:
            raise Invalid("no-file", "请选择要导入的表格。", fields={"file": "请选择文件"})
        rows = await lists.read_file(asked.file.name, asked.file.content)
        async with ctx.parts.database.session() as session:
            row = await lists.propose(session, ctx.actor, kind, rows, document=asked.document, note=asked.note)
        return ctx.redirect(f"/{kind}/versions/{row.id}", f"{kind.label}已提出，等待另一人确认。")

    return upload


def _version(kind: Kind) -> Handler:
    async def version(ctx: Context, asked: VersionPage) -> web.Response:
        """One version: who decided what, and which lines it changes."""
        row = await service.one(ctx.session, kind, asked.id)
        rows = await service.versions(ctx.session, kind)
        base = next((one for one in rows if one.id == row.based_on), None)
        found = lists.differences(kind, base.text, row.text) if base else []
        proposed = row.state == Standing.PROPOSED
        decides = ctx.actor.may(kind.duties.confirm) or ctx.actor.may(kind.duties.propose)
        return await ctx.page(
            "list_version.html",
            place=kind.value,
            kind=kind,
            row=row,
            first=base is None,
            standing=standing(row, rows),
            columns=lists.COLUMNS[kind],
            differences=found[asked.behind : asked.behind + SHOWN],
            asked=asked,
            changed=len(found),
            lines=len(lists.table(kind, row.text)),
            may_confirm=proposed and ctx.actor.may(kind.duties.confirm) and ctx.actor.user_id != row.proposed_by,
            own=proposed and ctx.actor.user_id == row.proposed_by,
            may_withdraw=decides and proposed,
        )

    return version


def _confirm(kind: Kind) -> Handler:
    async def confirm(ctx: Context, asked: OneVersion) -> web.Response:
        """The second person's yes."""
        row = await service.confirm(ctx.session, ctx.actor, kind, asked.id)
        return ctx.redirect(f"/{kind}/versions/{row.id}", f"{kind.label}已生效，此后的派单按新的{kind.label}建议。")

    return confirm


def _withdraw(kind: Kind) -> Handler:
    async def withdraw(ctx: Context, asked: Withdrawal) -> web.Response:
        """Take back a proposal."""
        row = await service.withdraw(ctx.session, ctx.actor, kind, asked.id, asked.reason)
        return ctx.redirect(f"/{kind}/versions/{row.id}", f"{kind.label}的变更已撤回。")

    return withdraw


def _export(kind: Kind) -> Handler:
    async def export(ctx: Context, asked: Nothing) -> web.StreamResponse:
        """The list in force as a table to be edited."""
        content = await lists.export(ctx.parts.database, ctx.actor, kind)
        return await send_sheet(ctx.request, content, f"{kind.label}{today():%Y%m%d}")

    return export


IMPORT = ("no-file", "bad-file", "bad-list", "rules-not-loaded", "nothing-changed", "no-document", "rules-too-long")
SETTLE = ("no-such-version", "settled-meanwhile")


def _routes(kind: Kind) -> tuple[Route[Any], ...]:
    duties, of = kind.duties, kind.label
    return (
        Route("GET", f"/{kind}", P.POLICY_VIEW, ListPage, _index(kind), of),
        Route(
            "POST", f"/{kind}/import", duties.propose, Import, _import(kind), f"导入{of}",
            (*IMPORT, "rules-changed-meanwhile"), stream=True, takes=MOST_BYTES,
        ),
        Route("POST", f"/{kind}/export", duties.propose, Nothing, _export(kind), f"下载{of}", stream=True),
        Route(
            "POST", f"/{kind}/taken", P.POLICY_VIEW, ListExport, _take(kind), f"导出{of}",
            ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
        ),
        Route("GET", f"/{kind}/versions/{{id}}", P.POLICY_VIEW, VersionPage, _version(kind), f"{of}的版本", SETTLE[:1]),
        Route(
            "POST", f"/{kind}/versions/{{id}}/confirm", duties.confirm, OneVersion, _confirm(kind), f"确认{of}",
            (*SETTLE, "second-person", "rules-changed-meanwhile"),
        ),
        Route(
            "POST", f"/{kind}/versions/{{id}}/withdraw", (duties.propose, duties.confirm), Withdrawal, _withdraw(kind),
            f"撤回{of}", (*SETTLE, "no-reason", "in-force-already"),
        ),
    )  # fmt: skip


ROUTES: tuple[Route[Any], ...] = (
    *(route for kind in LISTS for route in _routes(kind)),
    Route("GET", "/catalogue/cells", P.POLICY_VIEW, CellPage, cells, "派单目录是否齐全"),
)
