"""Lists of items: what answers today for everybody who reads, what is on its way for those who make it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import today
from core.db import among, paged
from core.identity.models import Unit, User
from core.permissions import Permission, granted
from crm.county.knowledge import Class
from crm.knowledge.models import KnowledgeCorrection, KnowledgeFile, KnowledgeItem, KnowledgeStep, KnowledgeVersion
from crm.knowledge.states import State


class Standing(StrEnum):
    """What the list's filter of states offers; `VALID` is what an agent answers with."""

    VALID = "valid"
    DUE = "due"
    EXPIRED = "expired"
    DRAFT = "draft"
    SECRECY = "secrecy"
    LEADER = "leader"
    CENTRE = "centre"
    SENT_BACK = "sent-back"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"valid": "有效", "expired": "已过有效期"}.get(self.value) or State(self.value).label


FOR_ALL = (Standing.VALID, Standing.DUE)
"""What everybody who reads may list; the rest shows work, to those who do it."""
MAKERS = (
    Permission.KNOWLEDGE_WRITE,
    Permission.KNOWLEDGE_SECRECY,
    Permission.KNOWLEDGE_LEAD,
    Permission.KNOWLEDGE_PUBLISH,
)

ANSWERERS = (Permission.KNOWLEDGE_WRITE, Permission.KNOWLEDGE_LEAD)
"""Who answers for the unit where somebody says that an item is wrong."""


@dataclass(frozen=True)
class Line:
    """One version in a list."""

    item: KnowledgeItem
    version: KnowledgeVersion
    unit: str


@dataclass(frozen=True)
class Wanted:
    """Which items; each of `words` stands in the question, the answer or the number."""

    words: Sequence[str] = ()
    kind: Class | None = None
    unit_id: UUID | None = None
    area: str = ""
    standing: Standing = Standing.VALID


def standings(actor: Actor) -> Sequence[Standing]:
    """Those that this actor may list."""
    return tuple(Standing) if any(map(actor.may, MAKERS)) else FOR_ALL


async def listed(
    session: AsyncSession, actor: Actor, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> list[Line]:
    """A page of items, the last changed first, from behind `after` on."""
    actor.require(Permission.KNOWLEDGE_VIEW)
    query = _lines().where(_stands(wanted.standing), _known(actor, wanted.standing)).limit(limit)
    for word in wanted.words:
        columns = (KnowledgeVersion.question, KnowledgeVersion.answer, KnowledgeItem.number)
        query = query.where(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    if wanted.kind:
        query = query.where(KnowledgeVersion.kind == wanted.kind)
    if wanted.unit_id:
        query = query.where(KnowledgeItem.unit_id == wanted.unit_id)
    if wanted.area:
        query = query.where(KnowledgeVersion.area == wanted.area)
    rows = await session.execute(paged(query, KnowledgeItem.updated_at, KnowledgeItem.id, after, oldest_first=False))
    return [Line(item, version, unit) for item, version, unit in rows]


async def lines_of(session: AsyncSession, items: Sequence[UUID]) -> list[Line]:
    """The versions in force of these items, in their order."""
    in_force = KnowledgeVersion.n == KnowledgeItem.in_force
    rows = await session.execute(_lines().where(among(KnowledgeItem.id, items), in_force))
    found = {item.id: Line(item, version, unit) for item, version, unit in rows}
    return [found[id] for id in items if id in found]


async def answering(session: AsyncSession, number: str) -> Line | None:
    """The item of this number in the version that answers today."""
    wanted = _lines().where(KnowledgeItem.number == number, _stands(Standing.VALID))
    row = (await session.execute(wanted)).one_or_none()
    return Line(*row) if row else None


async def in_use(session: AsyncSession) -> dict[str, list[str]]:
    """Unit's id -> the ids of its versions that answer today, in the order of their items."""
    wanted = select(KnowledgeItem.unit_id, KnowledgeVersion.id).join(
        KnowledgeVersion, KnowledgeVersion.item_id == KnowledgeItem.id
    )
    found: dict[str, list[str]] = {}
    for unit, version in await session.execute(wanted.where(_stands(Standing.VALID)).order_by(KnowledgeItem.number)):
        found.setdefault(str(unit), []).append(str(version))
    return found


def _lines() -> Select[KnowledgeItem, KnowledgeVersion, str]:
    return (
        select(KnowledgeItem, KnowledgeVersion, Unit.name)
        .join(KnowledgeVersion, KnowledgeVersion.item_id == KnowledgeItem.id)
        .join(Unit, Unit.id == KnowledgeItem.unit_id)
    )


def _stands(standing: Standing) -> ColumnElement[bool]:
    day = today()
    in_force = KnowledgeVersion.state == State.IN_FORCE
    expired = and_(KnowledgeVersion.valid_to.is_not(None), KnowledgeVersion.valid_to < day)
    begun = or_(KnowledgeVersion.valid_from.is_(None), KnowledgeVersion.valid_from <= day)
    if standing is Standing.VALID:
        return and_(in_force, ~expired, begun)
    if standing is Standing.EXPIRED:
        return and_(in_force, expired)
    if standing is Standing.DUE:
        return and_(in_force, ~expired, KnowledgeVersion.review_on <= day)
    newest = KnowledgeVersion.n == KnowledgeItem.newest
    return and_(KnowledgeVersion.state == standing.value, newest)


def _known(actor: Actor, standing: Standing) -> ColumnElement[bool]:
    if standing in FOR_ALL or actor.may(Permission.KNOWLEDGE_PUBLISH):
        return true()
    own = any(map(actor.may, MAKERS)) and actor.unit_id is not None
    return KnowledgeItem.unit_id == actor.unit_id if own else false()


_MINE = (
    (Permission.KNOWLEDGE_WRITE, Standing.SENT_BACK),
    (Permission.KNOWLEDGE_SECRECY, Standing.SECRECY),
    (Permission.KNOWLEDGE_LEAD, Standing.LEADER),
    (Permission.KNOWLEDGE_LEAD, Standing.DUE),
)
"""What waits for whom in the unit."""


async def waiting(session: AsyncSession, user_id: UUID) -> int:
    """How many items wait for this person's step, and how many reports of errors for an answer."""
    user = await session.get(User, user_id)
    if user is None:
        return 0
    may = granted(user.role_set)
    own = KnowledgeItem.unit_id == user.unit_id
    waits = [and_(own, _stands(standing)) for needed, standing in _MINE if needed in may and user.unit_id is not None]
    waits += [_stands(Standing.CENTRE)] if Permission.KNOWLEDGE_PUBLISH in may else []
    if not waits:
        return 0
    counted = select(func.count()).select_from(_lines().where(or_(*waits)).subquery())
    return (await session.scalar(counted) or 0) + await _corrections(session, user, may)


async def _corrections(session: AsyncSession, user: User, may: Collection[Permission]) -> int:
    if user.unit_id is None or not any(needed in may for needed in ANSWERERS):
        return 0
    waits = KnowledgeCorrection.answered_at.is_(None)
    of = KnowledgeItem.id == KnowledgeCorrection.item_id
    counted = select(func.count()).select_from(KnowledgeCorrection).join(KnowledgeItem, of)
    return await session.scalar(counted.where(waits, KnowledgeItem.unit_id == user.unit_id)) or 0


async def steps_of(session: AsyncSession, item: KnowledgeItem) -> Sequence[KnowledgeStep]:
    """Who did what to it, the newest first."""
    wanted = select(KnowledgeStep).where(KnowledgeStep.item_id == item.id)
    return (await session.scalars(wanted.order_by(KnowledgeStep.at.desc(), KnowledgeStep.id.desc()))).all()


async def files_of(session: AsyncSession, version: KnowledgeVersion) -> Sequence[KnowledgeFile]:
    """A version's files, oldest first."""
    wanted = select(KnowledgeFile).where(KnowledgeFile.version_id == version.id).order_by(KnowledgeFile.id)
    return (await session.scalars(wanted)).all()
