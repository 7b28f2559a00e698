"""纠错: whoever reads an item says what is wrong with it; the unit that provides it answers (F18-3, 第十八条)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now, today
from core.db import new_id, paged
from core.errors import Conflict, Denied, NotFound
from core.identity.models import Unit
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission
from crm.clocks import Rules
from crm.installed import installed
from crm.knowledge import service
from crm.knowledge.models import KnowledgeCorrection, KnowledgeItem, KnowledgeVersion
from crm.knowledge.queries import ANSWERERS, MAKERS
from crm.knowledge.states import ANSWERS
from crm.knowledge.table import state_of
from crm.knowledge_policy import KnowledgePolicy


class Verdict(StrEnum):
    """What the unit finds."""

    RIGHT = "right"
    WRONG = "wrong"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"right": "属实，将修订或停用", "wrong": "不属实，条目无误"}[self.value]


class Standing(StrEnum):
    """What the list's filter offers."""

    OPEN = "open"
    LATE = "late"
    ANSWERED = "answered"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"open": "待答复", "late": "逾期未答复", "answered": "已答复"}[self.value]


@dataclass(frozen=True)
class Wanted:
    """Which reports; each of `words` stands in what was said or answered, a name, the item's number or question."""

    words: Sequence[str] = ()
    standing: Standing | None = None
    unit_id: UUID | None = None
    oldest_first: bool = False


@dataclass(frozen=True)
class Said:
    """A report with the item and version that it is about."""

    row: KnowledgeCorrection
    item: KnowledgeItem
    question: str
    unit: str

    @property
    def late(self) -> bool:
        """Whether the unit's time ran out before it answered."""
        return (self.row.answered_at or now()) >= self.row.due_at


async def report(session: AsyncSession, actor: Actor, item_id: UUID, n: int, words: str) -> KnowledgeCorrection:
    """Say what is wrong with a version that answers. Raises NotFound, Conflict where the same person's report waits or
    nobody is answered from the version any more."""
    item, versions = await service.known(session, actor, item_id)
    version = next((one for one in versions if one.n == n), None)
    if version is None:
        raise NotFound("no-such-knowledge", "没有这个知识库条目。")
    if state_of(version, today()) not in ANSWERS:
        raise Conflict("not-in-force", "该版本已不作为答复依据，不需要纠错；请查看现行版本。")
    if await _waiting(session, actor, item.id):
        raise Conflict("correction-waits", "您对该条目的上一次纠错正等待提供单位答复。")
    at = now()
    days = installed().policy[KnowledgePolicy].error_days
    row = KnowledgeCorrection(id=new_id(), item_id=item.id, n=n, said=words, at=at, by_id=actor.user_id)
    row.by_name, row.due_at = actor.name, Rules(installed().policy, installed().calendar).due(at, days).at
    session.add(row)
    await record(session, actor, "knowledge.correction", "knowledge", item.number, version=n)
    hint(session, service.TOPIC, item.id)
    return row


async def report_once(session: AsyncSession, actor: Actor, item_id: UUID, n: int, words: str) -> KnowledgeCorrection:
    """The same; the person's report that waits already where there is one. Raises NotFound, Conflict."""
    return await _waiting(session, actor, item_id) or await report(session, actor, item_id, n, words)


async def _waiting(session: AsyncSession, actor: Actor, item_id: UUID) -> KnowledgeCorrection | None:
    await lock(session, f"correction-{item_id}")
    of = KnowledgeCorrection
    found: KnowledgeCorrection | None = await session.scalar(
        select(of).where(_waits(), of.item_id == item_id, of.by_id == actor.user_id)
    )
    return found if actor.user_id else None


async def answer(session: AsyncSession, actor: Actor, id: UUID, verdict: Verdict, words: str) -> Said:
    """The unit's answer; what it finds right makes the version due for its review at once. Raises NotFound, Denied,
    Conflict."""
    row = await session.get(KnowledgeCorrection, id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("no-such-correction", "没有这项纠错。")
    item = await session.get_one(KnowledgeItem, row.item_id, with_for_update=True)
    if not may_answer(actor, item):
        raise Denied("not-your-unit", "纠错由提供单位的经办人或分管领导答复（谁提供、谁负责，第十八条）。")
    if row.answered_at:
        raise Conflict("correction-answered", f"{row.answered_name}已答复。")
    row.verdict, row.answer = verdict, words
    row.answered_at, row.answered_by, row.answered_name = now(), actor.user_id, actor.name
    version = await service.version_of(session, item, row.n)
    if verdict is Verdict.RIGHT and state_of(version, today()) in ANSWERS:
        version.review_on = min(version.review_on or today(), today())
        item.version += 1
        item.updated_at = now()
    await record(session, actor, "knowledge.corrected", "knowledge", item.number, verdict=verdict.value, version=row.n)
    hint(session, service.TOPIC, item.id)
    unit = await session.get_one(Unit, item.unit_id)
    return Said(row, item, version.question, unit.name)


def may_answer(actor: Actor, item: KnowledgeItem) -> bool:
    """Whether this person answers for the unit that provides the item."""
    return any(map(actor.may, ANSWERERS)) and (actor.is_system or actor.unit_id == item.unit_id)


async def listed(
    session: AsyncSession, actor: Actor, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Said]:
    """A page of the reports that this person may know of: one's own, one's unit's, all of them at the centre."""
    actor.require(Permission.KNOWLEDGE_VIEW)
    of = KnowledgeCorrection
    query = _said().where(_known(actor)).limit(limit)
    if wanted.standing is not None:
        query = query.where(_stands(wanted.standing))
    if wanted.unit_id:
        query = query.where(KnowledgeItem.unit_id == wanted.unit_id)
    for word in wanted.words:
        told = (of.said, of.answer, of.by_name, of.answered_name, KnowledgeItem.number, KnowledgeVersion.question)
        query = query.where(or_(*(one.icontains(word, autoescape=True) for one in told)))
    rows = await session.execute(paged(query, of.at, of.id, after, oldest_first=wanted.oldest_first))
    return [Said(*row) for row in rows]


async def of_item(session: AsyncSession, actor: Actor, item: KnowledgeItem) -> Sequence[Said]:
    """The reports about an item that this person may know of, the newest first; what waits all readers know."""
    of = KnowledgeCorrection
    query = _said().where(of.item_id == item.id, or_(_waits(), _known(actor)))
    return [Said(*row) for row in await session.execute(query.order_by(of.at.desc(), of.id.desc()))]


def _said() -> Select[KnowledgeCorrection, KnowledgeItem, str, str]:
    of = KnowledgeCorrection
    about = and_(KnowledgeVersion.item_id == of.item_id, KnowledgeVersion.n == of.n)
    return (
        select(of, KnowledgeItem, KnowledgeVersion.question, Unit.name)
        .join(KnowledgeItem, KnowledgeItem.id == of.item_id)
        .join(KnowledgeVersion, about)
        .join(Unit, Unit.id == KnowledgeItem.unit_id)
    )


def _waits() -> ColumnElement[bool]:
    return KnowledgeCorrection.answered_at.is_(None)


def _stands(standing: Standing) -> ColumnElement[bool]:
    if standing is Standing.ANSWERED:
        return ~_waits()
    late = KnowledgeCorrection.due_at <= now()
    return and_(_waits(), late if standing is Standing.LATE else true())


def _known(actor: Actor) -> ColumnElement[bool]:
    if actor.may(Permission.KNOWLEDGE_PUBLISH):
        return true()
    own = KnowledgeCorrection.by_id == actor.user_id if actor.user_id else false()
    if any(map(actor.may, MAKERS)) and actor.unit_id is not None:
        return or_(own, KnowledgeItem.unit_id == actor.unit_id)
    return own
