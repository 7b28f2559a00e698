"""One draw of the knowledge base with its rates and what was drawn, and one of it with the form of its check."""

from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import today
from core.identity.models import Unit
from crm.accuracy import queries, service
from crm.accuracy.models import AccuracyDraw
from crm.accuracy.queries import WAITING, Line, Wanted
from crm.accuracy.rules import Sort, Tally, Verdict, final
from crm.county.knowledge import Class
from crm.knowledge import corrections
from crm.knowledge.queries import files_of
from crm.knowledge.states import ANSWERS
from crm.knowledge.table import state_of
from crm.sampling import Period
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web.context import Context
from web.files import send_sheet
from web.lists import Column, listing
from web.pages.knowledge import label_of, validity
from web.paging import PAGE
from web.render import exact
from web.route import Asks, Route

COLUMNS = (
    Column("序号", ("first", "last"), "right"),
    *map(Column, ("抽查对象", "条目", "分类", "提供单位", "认定", "核对")),
)
HEADS = (
    ("序号", 8), ("抽查对象", 10), ("答复时间", 22), ("条目", 10), ("版本", 6), ("问题", 40), ("分类", 12),
    ("提供单位", 24), ("依据", 40), ("认定", 10), ("说明", 50), ("核对人", 12), ("核对时间", 22), ("纠错答复", 24),
)  # fmt: skip
TONES = {Verdict.ACCURATE: "good", Verdict.WRONG: "bad", Verdict.OUTDATED: "bad", Verdict.DOUBTFUL: "warn"}
STATES = ((WAITING, "待核对"), *((one.value, one.label) for one in Verdict))


class Filter(Asks):
    """Which of a draw; `search`: words of question, number, note or the reviewer's name."""

    id: UUID
    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    state: Verdict | Literal["waiting"] | None = None
    what: Sort | None = None
    unit: UUID | None = None
    kind: Class | None = None
    sort: Literal["first", "last"] = "first"

    @property
    def wanted(self) -> Wanted:
        """The filter as the list takes it."""
        words = self.search.split()
        return Wanted(words, self.state or "", self.what, self.unit, self.kind, self.sort == "last")


class SampleList(Filter):
    """The filter, and the place behind which the page begins."""

    after: Annotated[str, Field(pattern=r"^\d{0,9}$")] = ""


class SampleExport(Filter):
    """What of a draw is taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class OneSample(Asks):
    """One that was drawn."""

    id: UUID


class Found(OneSample):
    """What the reviewer finds of it as the page showed it."""

    version: int = Field(ge=1, le=2**31 - 1)
    verdict: Verdict
    note: Annotated[str, Field(max_length=400)] = ""


async def show(ctx: Context, asked: SampleList) -> web.Response:
    """A draw: its rates by unit and class, how it was drawn, and a page of what was drawn."""
    made = await queries.draw_of(ctx.session, ctx.actor, asked.id)
    after = int(asked.after) if asked.after else None
    rows = await queries.lines(ctx.session, ctx.actor, made.id, asked.wanted, after, PAGE + 1)
    units = await queries.by_unit(ctx.session, made.id)
    narrowed = asked.model_copy(update={"id": None})  # the draw is in the path
    drawn = service.again(made)
    return await ctx.page(
        "accuracy_draw.html",
        place="accuracy",
        made=made,
        period=Period(made.first, made.last),
        plan=service.rules_of(made),
        list=listing(f"/knowledge/accuracy/draws/{made.id}", COLUMNS, narrowed, rows, lambda one: str(one.sample.n)),
        asked=asked,
        units=units,
        classes=await queries.by_class(ctx.session, made.id),
        of=total([of for _, _, of in units]),
        none_of=queries.NONE,
        drawn_from=(sum(map(len, made.items.values())), len(made.answers)),
        same=await queries.as_drawn(ctx.session, made.id, drawn),
        states=STATES,
        verdicts=Verdict,
        tones=TONES,
        sorts=[(one.value, one.label) for one in Sort],
        kinds=[(one.value, one.label) for one in Class],
        unit_names=[(str(id), name) for id, name, _ in units],
        kind_of=label_of,
    )


def total(all_: list[queries.Of]) -> queries.Of:
    """Of all units together."""
    return {sort: sum((of.get(sort, queries.NONE) for of in all_), Tally()) for sort in Sort}


async def export(ctx: Context, asked: SampleExport) -> web.StreamResponse:
    """What was drawn, of the filter, as a workbook."""
    async with ctx.parts.database.session() as session:
        made = await queries.draw_of(session, ctx.actor, asked.id)
        rows = await queries.lines(session, ctx.actor, made.id, asked.wanted, None, MOST_ROWS + 1)
        name = f"知识库准确率抽查 {Period(made.first, made.last).label}"
        told = await _told(session, asked) | {"draw": str(made.id), "seed": str(made.seed)}
        what = Taking(name, "ZQ", "accuracy.export", HEADS, [_cells(one) for one in rows], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"知识库准确率抽查{today():%Y%m%d}-{done.number}")


async def _told(session: AsyncSession, asked: Filter) -> dict[str, Any]:
    told: dict[str, Any] = searched(asked.search) | ({"state": dict(STATES)[asked.state]} if asked.state else {})
    told |= {"what": asked.what.label} if asked.what else {}
    told |= {"kind": asked.kind.label} if asked.kind else {}
    unit = await session.get(Unit, asked.unit) if asked.unit else None
    return told | ({"unit": unit.name} if unit else {})


def _cells(one: Line) -> list[str]:
    sample, version = one.sample, one.version
    return [
        str(sample.n), one.sort.label, exact(one.use.at, "") if one.use else "", one.item.number, str(version.n),
        version.question, label_of(version.kind), one.unit, version.basis,
        Verdict(sample.verdict).label if sample.verdict else "待核对", sample.note, sample.checked_name,
        exact(sample.checked_at, ""), answered(one),
    ]  # fmt: skip


def answered(one: Line) -> str:
    """What became of the report to the unit."""
    if one.correction is None:
        return ""
    return corrections.Verdict(one.correction.verdict).label if one.correction.verdict else "待提供单位答复"


async def sample(ctx: Context, asked: OneSample) -> web.Response:
    """One that was drawn, with its basis, and the form."""
    one = await queries.line_of(ctx.session, ctx.actor, asked.id)
    made = await ctx.session.get_one(AccuracyDraw, one.sample.draw_id)
    following, rest = await queries.next_waiting(ctx.session, one.sample)
    against = service.may_not(ctx.actor, one.item)
    against = against or final(one.sample.verdict, one.correction.verdict if one.correction else None)
    return await ctx.page(
        "accuracy_sample.html",
        place="accuracy",
        one=one,
        sample=one.sample,
        version=one.version,
        item=one.item,
        period=Period(made.first, made.last),
        order=await queries.order_of(ctx.session, ctx.actor, one.use) if one.use else None,
        files=await files_of(ctx.session, one.version),
        validity=validity(one.version),
        kind=label_of(one.version.kind),
        state=state_of(one.version, today()),
        sends=state_of(one.version, today()) in ANSWERS,
        against=against,
        answered=answered(one),
        findings=await queries.findings(ctx.session, one.sample),
        verdicts=Verdict,
        tones=TONES,
        following=following,
        rest=rest,
    )


async def check(ctx: Context, asked: Found) -> web.Response:
    """Note what was found, and go on to the next."""
    row = await service.check(ctx.session, ctx.actor, asked.id, asked.version, asked.verdict, asked.note)
    following, rest = await queries.next_waiting(ctx.session, row)
    told = f"第 {row.n} 份认定为{asked.verdict.label}" + ("，已转提供单位纠错" if row.correction_id else "")
    if following is None:
        return ctx.redirect(f"/knowledge/accuracy/draws/{row.draw_id}", f"{told}。本次抽样已全部核对。")
    return ctx.redirect(f"/knowledge/accuracy/{following.id}", f"{told}。还有 {rest} 份待核对。")


ROUTES = (
    Route("GET", "/knowledge/accuracy/draws/{id}", service.NEEDS, SampleList, show, "知识库抽样", ("no-draw",)),
    Route(
        "POST", "/knowledge/accuracy/draws/{id}/export", service.NEEDS, SampleExport, export, "导出知识库抽样",
        ("no-draw", "no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("GET", "/knowledge/accuracy/{id}", service.NEEDS, OneSample, sample, "知识库抽查样本", ("no-sample",)),
    Route(
        "POST", "/knowledge/accuracy/{id}/check", service.NEEDS, Found, check, "核对知识库抽查样本",
        ("no-sample", "not-impartial", "changed-meanwhile", "finding-stands", "no-note"),
    ),
)  # fmt: skip
