"""Draws with their rates, what was drawn, and one of it with everything that a reviewer needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from core.actor import Actor
from core.db import among
from core.errors import NotFound
from core.identity.models import Unit
from crm.accuracy import rules
from crm.accuracy.models import AccuracyDraw, AccuracyFinding, AccuracySample
from crm.accuracy.rules import Sort, Tally, Verdict
from crm.accuracy.service import NEEDS
from crm.county.knowledge import Class
from crm.draws import WantedDraws, draws_page
from crm.knowledge.models import KnowledgeCorrection, KnowledgeItem, KnowledgeUse, KnowledgeVersion
from crm.sampling import Period
from crm.tickets.access import visible_to
from crm.tickets.models import Ticket

Of = dict[Sort, Tally]
"""What was found of items and of answers, apart: a citizen's answer weighs by how often it is given."""
NONE = Tally()
WAITING = "waiting"
"""The state of what nobody has checked yet, among the verdicts of a filter."""


@dataclass(frozen=True)
class Drawn:
    """One draw, its population left aside."""

    draw: AccuracyDraw
    of: Of

    @property
    def period(self) -> Period:
        """As it is called."""
        return Period(self.draw.first, self.draw.last)

    @property
    def items(self) -> Tally:
        """Of the items: their rate is the 知识库准确率."""
        return self.of.get(Sort.ITEM, NONE)

    @property
    def answers(self) -> Tally:
        """Of the answers that were given from them."""
        return self.of.get(Sort.ANSWER, NONE)


@dataclass(frozen=True)
class Wanted:
    """Which of a draw; each of `words` stands in question, number, note or the reviewer's name. `state`: a verdict, or
    `WAITING`."""

    words: Sequence[str] = ()
    state: str = ""
    sort: Sort | None = None
    unit_id: UUID | None = None
    kind: Class | None = None
    last_first: bool = False


@dataclass(frozen=True)
class Line:
    """One of a draw with what it is about."""

    sample: AccuracySample
    version: KnowledgeVersion
    item: KnowledgeItem
    unit: str
    use: KnowledgeUse | None
    correction: KnowledgeCorrection | None

    @property
    def sort(self) -> Sort:
        """What was drawn."""
        return Sort.ANSWER if self.use else Sort.ITEM


async def draws(
    session: AsyncSession, actor: Actor, wanted: WantedDraws, after: date | None, limit: int
) -> Sequence[Drawn]:
    """A page of them by their periods, from behind the one that begins on `after` on."""
    actor.require(NEEDS)
    query = draws_page(select(AccuracyDraw), AccuracyDraw, wanted, after, _names)
    rows = (await session.scalars(query.limit(limit))).all()
    found = await _tallies(session, [row.id for row in rows], AccuracySample.draw_id)
    return [Drawn(row, found.get(row.id, {})) for row in rows]


def _names(word: str) -> ColumnElement[bool]:
    named = _samples().with_only_columns(AccuracySample.id).where(AccuracySample.draw_id == AccuracyDraw.id)
    return named.where(Unit.name.icontains(word, autoescape=True)).correlate(AccuracyDraw).exists()


async def drawn(session: AsyncSession, periods: Sequence[Period]) -> list[Period]:
    """Those of these periods into which a draw reaches."""
    wanted = select(AccuracyDraw.first, AccuracyDraw.last)
    rows = (await session.execute(wanted.where(AccuracyDraw.last >= min(one.first for one in periods)))).all()
    return [one for one in periods if any(first <= one.last and last >= one.first for first, last in rows)]


async def draw_of(session: AsyncSession, actor: Actor, draw_id: UUID) -> AccuracyDraw:
    """One draw with its population. Raises Denied, NotFound."""
    actor.require(NEEDS)
    whole = [undefer(AccuracyDraw.items), undefer(AccuracyDraw.answers)]
    found = await session.get(AccuracyDraw, draw_id, options=whole, populate_existing=True)
    if found is None:
        raise NotFound("no-draw", "没有这次抽样。")
    return found


async def as_drawn(session: AsyncSession, draw_id: UUID, again: rules.Drawn) -> bool:
    """Whether the seed gives the same once more."""
    of = AccuracySample
    rows = (await session.execute(select(of.version_id, of.use_id).where(of.draw_id == draw_id).order_by(of.n))).all()
    items, answers = [str(id) for id, use in rows if use is None], [str(use) for _, use in rows if use is not None]
    return (items, answers) == (again.items, again.answers)


async def by_unit(session: AsyncSession, draw_id: UUID) -> list[tuple[UUID, str, Of]]:
    """准确率 of each unit of a draw, by the unit's name."""
    found = await _tallies(session, [draw_id], KnowledgeItem.unit_id)
    names = select(Unit.id, Unit.name).where(among(Unit.id, list(found))).order_by(Unit.name)
    return [(id, name, found[id]) for id, name in await session.execute(names)]


async def by_class(session: AsyncSession, draw_id: UUID) -> list[tuple[Class, Of]]:
    """准确率 of each class of a draw, in the order of 第十七条."""
    found = await _tallies(session, [draw_id], KnowledgeVersion.kind)
    return [(one, found[one.value]) for one in Class if one.value in found]


async def _tallies(session: AsyncSession, draw_ids: Sequence[UUID], by: Any) -> dict[Any, Of]:
    is_answer = AccuracySample.use_id.is_not(None)
    counts = [func.count().filter(AccuracySample.verdict == one) for one in Verdict]
    query = _samples().with_only_columns(by, is_answer, func.count(), *counts).group_by(by, is_answer)
    found: dict[Any, Of] = {}
    for key, answer, *numbers in await session.execute(query.where(among(AccuracySample.draw_id, draw_ids))):
        found.setdefault(key, {})[Sort.ANSWER if answer else Sort.ITEM] = Tally(*numbers)
    return found


async def lines(
    session: AsyncSession, actor: Actor, draw_id: UUID, wanted: Wanted, after: int | None, limit: int
) -> list[Line]:
    """A page of a draw in its order, from behind the place `after` on."""
    actor.require(NEEDS)
    of = AccuracySample
    query = _samples().where(of.draw_id == draw_id, *_narrowed(wanted)).limit(limit)
    query = query.order_by(of.n.desc() if wanted.last_first else of.n)
    if after is not None:
        query = query.where(of.n < after if wanted.last_first else of.n > after)
    return [Line(*row) for row in await session.execute(query)]


def _narrowed(wanted: Wanted) -> list[ColumnElement[bool]]:
    of = AccuracySample
    found: list[ColumnElement[bool]] = []
    if wanted.state:
        found.append(of.verdict == ("" if wanted.state == WAITING else wanted.state))
    if wanted.sort:
        found.append(of.use_id.is_(None) if wanted.sort is Sort.ITEM else of.use_id.is_not(None))
    if wanted.unit_id:
        found.append(KnowledgeItem.unit_id == wanted.unit_id)
    if wanted.kind:
        found.append(KnowledgeVersion.kind == wanted.kind)
    for word in wanted.words:
        told = (KnowledgeVersion.question, KnowledgeItem.number, of.note, of.checked_name)
        found.append(or_(*(one.icontains(word, autoescape=True) for one in told)))
    return found


async def line_of(session: AsyncSession, actor: Actor, sample_id: UUID) -> Line:
    """One that was drawn. Raises Denied, NotFound."""
    actor.require(NEEDS)
    row = (await session.execute(_samples().where(AccuracySample.id == sample_id))).one_or_none()
    if row is None:
        raise NotFound("no-sample", "没有这份抽查样本。")
    return Line(*row)


async def next_waiting(session: AsyncSession, sample: AccuracySample) -> tuple[AccuracySample | None, int]:
    """The next of its draw that nobody has checked, round to the first, and how many there are."""
    of = AccuracySample
    waits = (of.draw_id == sample.draw_id, of.verdict == "", of.id != sample.id)
    found: AccuracySample | None = await session.scalar(
        select(of).where(*waits).order_by(of.n < sample.n, of.n).limit(1)
    )
    return found, await session.scalar(select(func.count()).where(*waits)) or 0


async def findings(session: AsyncSession, sample: AccuracySample) -> Sequence[AccuracyFinding]:
    """What reviewers found of it, the newest first."""
    wanted = select(AccuracyFinding).where(AccuracyFinding.sample_id == sample.id)
    return (await session.scalars(wanted.order_by(AccuracyFinding.at.desc(), AccuracyFinding.id.desc()))).all()


async def order_of(session: AsyncSession, actor: Actor, use: KnowledgeUse) -> Ticket | None:
    """The order that was answered, where the actor may know of it."""
    found: Ticket | None = await session.scalar(select(Ticket).where(Ticket.id == use.ticket_id, visible_to(actor)))
    return found


async def waiting(session: AsyncSession) -> int:
    """How many wait for their check."""
    return await session.scalar(select(func.count()).where(AccuracySample.verdict == "")) or 0


def _samples() -> Select[AccuracySample, KnowledgeVersion, KnowledgeItem, str, KnowledgeUse, KnowledgeCorrection]:
    of = AccuracySample
    return (
        select(of, KnowledgeVersion, KnowledgeItem, Unit.name, KnowledgeUse, KnowledgeCorrection)
        .select_from(of)
        .join(KnowledgeVersion, KnowledgeVersion.id == of.version_id)
        .join(KnowledgeItem, KnowledgeItem.id == KnowledgeVersion.item_id)
        .join(Unit, Unit.id == KnowledgeItem.unit_id)
        .outerjoin(KnowledgeUse, KnowledgeUse.id == of.use_id)
        .outerjoin(KnowledgeCorrection, KnowledgeCorrection.id == of.correction_id)
    )
