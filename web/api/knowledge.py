"""`/api/v1/knowledge`: what the knowledge base answers today, for other channels; nothing that is not in force."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from core.errors import NotFound
from core.permissions import Permission as P
from crm.county.knowledge import Class
from crm.knowledge import queries
from crm.knowledge.engine import Narrow
from crm.knowledge.finder import finder_of
from crm.knowledge.queries import Line, Wanted
from crm.search.filter import LONGEST_SEARCH
from web import paging
from web.api.orders import ApiAsks
from web.context import Context
from web.route import Answers, Route


class KnowledgeSearch(ApiAsks):
    """What is asked, and among what."""

    search: Annotated[str, Field(title="问题", max_length=LONGEST_SEARCH)] = ""
    """In people's words, in pinyin or initials: the best come first. Empty: all items, the last changed first."""
    kind: Annotated[Class | None, Field(title="分类")] = None
    area: Annotated[str, Field(title="乡镇（街道）代码", max_length=40)] = ""
    after: Annotated[str | None, Field(title="翻页键", max_length=100)] = None
    """`next` of the page before; only without `search`."""
    limit: Annotated[int, Field(title="条数", ge=1, le=50)] = 10


class OneNumber(ApiAsks):
    """An item by its number."""

    number: Annotated[str, Field(title="条目编号", pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,19}$")]


class KnowledgeAnswer(Answers):
    """An item in the version that answers today."""

    number: str
    """条目编号."""
    version: int
    question: str
    answer: str
    basis: str
    """依据."""
    kind: Class
    kind_label: str
    """The class in Chinese (第十七条)."""
    unit: str
    """提供单位, which answers for it (第十八条)."""
    area: str | None
    """A unit code; null: the whole county."""
    valid_from: date | None
    valid_to: date | None
    """The last day on which it holds; null where none is set."""
    example: bool
    """Brought for a demonstration: no unit stands for it."""


class KnowledgePage(Answers):
    """The best items, or one page of all."""

    items: list[KnowledgeAnswer]
    next: str | None
    """Key of the next page; null at the end, and of a search."""


async def search(ctx: Context, asked: KnowledgeSearch) -> KnowledgePage:
    """Items that answer a question, the best first; without a question all that answer today."""
    session = ctx.session
    if asked.search.strip():
        narrow = Narrow(asked.kind or "", "", asked.area)
        hits = await finder_of(ctx.parts.database).search(session, asked.search, narrow, asked.limit)
        found = await queries.lines_of(session, [UUID(hit.entry.id) for hit in hits])
        return KnowledgePage(items=[_shown(one) for one in found], next=None)
    wanted, after = Wanted(kind=asked.kind, area=asked.area), paging.parse(asked.after or "")
    rows = await queries.listed(session, ctx.actor, wanted, after, asked.limit + 1)
    page = rows[: asked.limit]
    more = paging.key_of(page[-1].item.updated_at, page[-1].item.id) if len(rows) > len(page) else None
    return KnowledgePage(items=[_shown(one) for one in page], next=more)


async def one(ctx: Context, asked: OneNumber) -> KnowledgeAnswer:
    """One item by its number, in the version that answers today."""
    found = await queries.answering(ctx.session, asked.number.upper())
    if found is None:
        raise NotFound("no-such-knowledge", "没有这个条目，或它现在不作为答复依据。")
    return _shown(found)


def _shown(line: Line) -> KnowledgeAnswer:
    version = line.version
    kind = Class(version.kind or "")
    return KnowledgeAnswer(
        number=line.item.number,
        version=version.n,
        question=version.question,
        answer=version.answer,
        basis=version.basis,
        kind=kind,
        kind_label=kind.label,
        unit=line.unit,
        area=version.area,
        valid_from=version.valid_from,
        valid_to=version.valid_to,
        example=version.example,
    )


SEE = P.KNOWLEDGE_VIEW
ROUTES = (
    Route(
        "GET", "/api/v1/knowledge", SEE, KnowledgeSearch, search, "查找知识库条目", ("bad-page",),
        answers=KnowledgePage,
    ),
    Route(
        "GET", "/api/v1/knowledge/{number}", SEE, OneNumber, one, "查看一个知识库条目", ("no-such-knowledge",),
        answers=KnowledgeAnswer,
    ),
)  # fmt: skip
