"""知识库: found while one types, listed by standing, one item with its versions; taken along like other lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now, today
from core.db import Database
from core.identity.models import Unit
from core.permissions import Permission as P
from crm.county.knowledge import Class
from crm.installed import installed
from crm.knowledge import corrections, files, queries, service
from crm.knowledge.engine import Narrow
from crm.knowledge.finder import finder_of
from crm.knowledge.marks import Marked, marked, snippet
from crm.knowledge.models import KnowledgeItem, KnowledgeVersion
from crm.knowledge.queries import Line, Standing
from crm.knowledge.states import ANSWERS, Act, State
from crm.knowledge.table import offered, state_of
from crm.papers import LARGEST
from crm.search.export import searched
from crm.search.filter import LONGEST_SEARCH
from crm.search.taking import MOST_ROWS, Taking, take
from web import paging
from web.context import Context
from web.files import send_sheet, stream
from web.lists import Column, listing
from web.render import day
from web.route import Asks, Route

COLUMNS = tuple(map(Column, ("条目", "分类", "提供单位", "有效期", "复审", "状态")))
HEADS = (
    ("编号", 10), ("问题", 40), ("其他问法", 40), ("答复", 80), ("依据", 40), ("分类", 10), ("提供单位", 24),
    ("适用属地", 14), ("有效期自", 14), ("有效期至", 14), ("复审日期", 14), ("状态", 10), ("版本", 6), ("关键词", 24),
)  # fmt: skip
SHOWN = 50
"""Of a search: beyond these nobody looks, but words are changed."""
TONES = {
    State.IN_FORCE: "good", State.DUE: "warn", State.SECRECY: "act", State.LEADER: "act", State.CENTRE: "act",
    State.SENT_BACK: "bad",
}  # fmt: skip

BUTTONS = {
    Act.SUBMIT: "送保密审查", Act.PASS_SECRECY: "通过保密审查", Act.APPROVE: "审核同意，送中心发布",
    Act.PUBLISH: "发布", Act.SEND_BACK: "退回起草人", Act.REVISE: "修订（建立新版草稿）", Act.REAFFIRM: "复审确认有效",
    Act.CALL_REVIEW: "要求提供单位复审", Act.RETIRE: "停用", Act.DROP: "放弃本稿",
}  # fmt: skip


class Filter(Asks):
    """`search`: a question in people's words, in pinyin or initials; among what is not in force, words of it."""

    search: Annotated[str, Field(max_length=LONGEST_SEARCH)] = ""
    kind: Class | None = None
    unit: UUID | None = None
    area: Annotated[str, Field(max_length=40)] = ""
    standing: Standing = Standing.VALID

    @property
    def wanted(self) -> queries.Wanted:
        """The filter as a list takes it."""
        return queries.Wanted(self.search.split(), self.kind, self.unit, self.area, self.standing)

    @property
    def narrow(self) -> Narrow:
        """The filter as a search takes it."""
        return Narrow(self.kind or "", str(self.unit or ""), self.area)


class KnowledgeList(Filter):
    """The filter, and where the page begins."""

    after: Annotated[str, Field(max_length=100)] = ""


class KnowledgeExport(Filter):
    """The items of the filter that are taken along, and why."""

    reason: Annotated[str, Field(max_length=200)] = ""


class OneItem(Asks):
    """An item, in the version that answers or in the one asked for."""

    id: UUID
    version: int | None = Field(None, ge=1, le=1_000_000)


class OneFile(Asks):
    """A file of an item."""

    file: UUID


@dataclass(frozen=True)
class Found:
    """A line of the list as the page shows it."""

    line: Line
    question: Marked
    answer: Marked

    @property
    def state(self) -> State:
        """Where its version stands today."""
        return state_of(self.line.version, today())

    @property
    def expired(self) -> bool:
        """Whether its time has run out."""
        return is_expired(self.line.version)


def is_expired(version: KnowledgeVersion) -> bool:
    """Whether a version's time has run out."""
    return version.valid_to is not None and version.valid_to < today()


async def index(ctx: Context, asked: KnowledgeList) -> web.Response:
    """What was searched for, best first, or a page of the items."""
    rows = await found(ctx.session, ctx.parts.database, ctx.actor, asked, asked.after, paging.PAGE + 1)
    members = select(Unit.id, Unit.name).where(Unit.parent_unit_id.is_(None)).order_by(Unit.name)
    return await ctx.page(
        "knowledge.html",
        place="knowledge",
        list=listing("/knowledge", COLUMNS, asked, rows, _key),
        asked=asked,
        tones=TONES,
        kinds_of={one.value: one.label for one in Class},
        kinds=[(one.value, one.label) for one in Class],
        units=[(str(id), name) for id, name in await ctx.session.execute(members)],
        areas=areas(),
        area_names=dict(areas()),
        standings=[(one.value, one.label) for one in queries.standings(ctx.actor)],
        may_write=ctx.actor.may(P.KNOWLEDGE_WRITE),
        may_check=ctx.actor.may(P.KNOWLEDGE_PUBLISH),
        may_export=ctx.actor.may(P.ORDER_EXPORT),
    )


def _key(one: Found) -> str:
    return paging.key_of(one.line.item.updated_at, one.line.item.id)


def areas() -> list[tuple[str, str]]:
    """Townships and streets to choose from."""
    return [(one.code, one.name) for one in installed().county.units.values() if one.kind.territorial]


async def found(
    session: AsyncSession, db: Database, actor: Actor, asked: Filter, after: str, limit: int
) -> Sequence[Found]:
    """The items of the filter: by the index where it is asked for what answers today, else by the table."""
    if not asked.search or asked.standing is not Standing.VALID:
        lines = await queries.listed(session, actor, asked.wanted, paging.parse(after), limit)
        return [Found(line, [(line.version.question, False)], snippet(line.version.answer, {}, list)) for line in lines]
    finder = finder_of(db)
    hits = await finder.search(session, asked.search, asked.narrow, min(limit, SHOWN))
    lines = await queries.lines_of(session, [UUID(hit.entry.id) for hit in hits])
    wanted, cut = finder.reading(asked.search)
    texts = [(line.version.question, line.version.answer) for line in lines]
    shown = [(marked(question, wanted, cut), snippet(answer, wanted, cut)) for question, answer in texts]
    return [Found(line, *both) for line, both in zip(lines, shown, strict=True)]


async def export(ctx: Context, asked: KnowledgeExport) -> web.StreamResponse:
    """The items of the filter as a workbook."""
    ctx.actor.require(P.ORDER_EXPORT)
    told: dict[str, Any] = searched(asked.search) | {"state": asked.standing.label}
    told |= {"kind": asked.kind.label} if asked.kind else {}
    async with ctx.parts.database.session() as session:
        if asked.unit and (unit := await session.get(Unit, asked.unit)):
            told["unit"] = unit.name
        rows = await found(session, ctx.parts.database, ctx.actor, asked, "", MOST_ROWS + 1)
        what = Taking("知识库", "ZK", "knowledge.export", HEADS, [_cells(one) for one in rows], told)
        done = await take(session, ctx.actor, what, asked.reason, title=ctx.parts.title)
    return await send_sheet(ctx.request, done.content, f"知识库{today():%Y%m%d}-{done.number}")


def _cells(one: Found) -> list[str]:
    item, version = one.line.item, one.line.version
    return [
        item.number, version.question, "；".join(version.other_ways), version.answer, version.basis,
        Class(version.kind).label if version.kind else "", one.line.unit,
        dict(areas()).get(version.area or "", "全县"), day(version.valid_from, ""), day(version.valid_to, "长期"),
        day(version.review_on), "已过有效期" if one.expired else one.state.label, str(version.n),
        "、".join(version.keywords),
    ]  # fmt: skip


def label_of(kind: str | None) -> str:
    """A class as the regulation writes it."""
    return Class(kind).label if kind else "未分类"


def validity(version: KnowledgeVersion) -> str:
    """`长期有效`, `2026年1月1日至2026年12月31日`."""
    if version.valid_from is None and version.valid_to is None:
        return "长期有效"
    return f"{day(version.valid_from, '')}至{day(version.valid_to, '长期')}"


async def show(ctx: Context, asked: OneItem) -> web.Response:
    """One item: the version asked for, else the one that this person has to do with."""
    item, versions = await read(ctx, asked.id)
    return await item_page(ctx, item, versions, shown_version(item, versions, asked.version))


async def read(ctx: Context, item_id: UUID) -> tuple[KnowledgeItem, list[KnowledgeVersion]]:
    """An item with the versions that this person may know of. Raises NotFound."""
    return await service.known(ctx.session, ctx.actor, item_id)


def shown_version(item: KnowledgeItem, versions: list[KnowledgeVersion], wanted: int | None) -> KnowledgeVersion:
    """The one asked for, the one on its way, the one that answers, or the newest there is."""
    present = wanted or item.in_force
    on_the_way = None if wanted else service.on_the_way(versions)
    return on_the_way or next((one for one in versions if one.n == present), versions[-1])


async def item_page(
    ctx: Context, item: KnowledgeItem, versions: list[KnowledgeVersion], version: KnowledgeVersion
) -> web.Response:
    """The page of an item in one version."""
    case = await service.case_of(ctx.session, ctx.actor, item, version, versions)
    reports = await corrections.of_item(ctx.session, ctx.actor, item)
    newest = version.n in (item.newest, item.in_force)
    unit = await ctx.session.get_one(Unit, item.unit_id)
    return await ctx.page(
        "knowledge_item.html",
        place="knowledge",
        item=item,
        version=version,
        versions=list(reversed(versions)),
        unit=unit,
        state=case.state,
        states={one.n: state_of(one, today()) for one in versions},
        answers=case.state in ANSWERS and not is_expired(version),
        expired=is_expired(version),
        tones=TONES,
        buttons=BUTTONS,
        act_labels={one.value: one.label for one in Act},
        kind=label_of(version.kind),
        area=dict(areas()).get(version.area or "", "全县"),
        validity=validity(version),
        lines=offered(case) if newest else [],
        steps=[one for one in await queries.steps_of(ctx.session, item) if one.n in {known.n for known in versions}],
        files=await queries.files_of(ctx.session, version),
        kinds=[(one.value, one.label) for one in Class],
        areas=areas(),
        largest=LARGEST // 2**20,
        corrections=reports,
        waits=any(one.row.answered_at is None and one.row.n == version.n for one in reports),
        may_answer=corrections.may_answer(ctx.actor, item),
        verdicts=[(one.value, one.label) for one in corrections.Verdict],
        verdict_labels=corrections.Verdict,
        moment=now(),
        may_see_uses=any(map(ctx.actor.may, SEE_USES)),
    )


SEE = P.KNOWLEDGE_VIEW
SEE_USES = (P.KNOWLEDGE_PUBLISH, P.KNOWLEDGE_LEAD, P.ORDER_VIEW)


async def file(ctx: Context, asked: OneFile) -> web.StreamResponse:
    """A file of an item, to be saved."""
    async with ctx.parts.database.session() as session:
        one = await files.find(session, ctx.actor, asked.file)
    blocks = files.content(ctx.parts.store, one)
    return await stream(ctx.request, blocks, one.media_type, one.name, one.size)


ROUTES = (
    Route("GET", "/knowledge", SEE, KnowledgeList, index, "知识库", ("bad-page",)),
    Route(
        "POST", "/knowledge/export", SEE, KnowledgeExport, export, "导出知识库",
        ("no-reason", "too-many-rows", "nothing-to-export"), stream=True,
    ),
    Route("GET", "/knowledge/files/{file}", SEE, OneFile, file, "知识库附件", ("no-such-file",), stream=True),
)  # fmt: skip
ITEM = Route("GET", "/knowledge/{id}", SEE, OneItem, show, "知识库条目", ("no-such-knowledge",))
"""Behind the addresses that begin like it."""
