"""Reading requests: the list, one of them with its acts, what is due, what waits, what may go on the disposal list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import phone
from core.actor import Actor
from core.clock import now
from core.db import paged
from core.errors import NotFound
from core.permissions import Permission
from crm.citizens.models import Restriction
from crm.datarequests.models import DataCorrection, DataPackage, DataRequest, DataRequestStep
from crm.datarequests.rules import ENDS, Kind, Light, State, Verdict, light
from crm.datarequests.service import corrections_of

OPEN = "open"
"""As a state to look for: all that have no answer yet."""
NEEDS = (Permission.DATA_REGISTER, Permission.DATA_DECIDE)
STRIP = 5
"""How many due ones the desk names."""


@dataclass(frozen=True)
class Wanted:
    """Which requests; each of `words` is a number of a request or a telephone, the applicant's name, or in the
    registrar's or decider's name."""

    words: Sequence[str] = ()
    kind: Kind | None = None
    state: str = ""
    due: Light | None = None
    oldest_first: bool = False


@dataclass(frozen=True)
class Whole:
    """One request with everything that belongs to it."""

    row: DataRequest
    corrections: Sequence[DataCorrection]
    steps: Sequence[DataRequestStep]
    package: DataPackage | None
    restriction: Restriction | None


def require(actor: Actor) -> None:
    """Denied for who neither registers nor decides."""
    if not any(map(actor.may, NEEDS)):
        actor.require(Permission.DATA_REGISTER)


async def requests(
    session: AsyncSession, actor: Actor, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[DataRequest]:
    """A page of them, from behind `after` on."""
    require(actor)
    of = DataRequest
    query = paged(select(of), of.registered_at, of.id, after, oldest_first=wanted.oldest_first)
    return (await session.scalars(_narrowed(query, wanted).limit(limit))).all()


def _narrowed(query: Select[DataRequest], wanted: Wanted) -> Select[DataRequest]:
    of = DataRequest
    for word in wanted.words:
        query = query.where(_found(word))
    if wanted.kind:
        query = query.where(of.kind == wanted.kind)
    if wanted.state == OPEN or wanted.due:
        query = query.where(of.state.not_in(ENDS))
    if wanted.state and wanted.state != OPEN:
        query = query.where(of.state == wanted.state)
    if wanted.due is Light.LATE:
        query = query.where(of.due_at <= now())
    elif wanted.due is Light.SOON:
        query = query.where(of.due_at > now(), of.warn_at <= now())
    return query


def _found(word: str) -> ColumnElement[bool]:
    of = DataRequest
    names = (one.icontains(word, autoescape=True) for one in (of.number, of.registered_by_name, of.decided_by_name))
    number = phone.from_caller_id(word)
    return or_(*names, of.name.matches(word), *([of.phone.matches(number)] if number else []))


async def whole(session: AsyncSession, actor: Actor, id: UUID) -> Whole:
    """One request. Raises Denied, NotFound."""
    require(actor)
    row = await session.get(DataRequest, id)
    if row is None:
        raise NotFound("no-data-request", "没有这项申请。")
    of = DataRequestStep
    steps = (await session.scalars(select(of).where(of.request_id == id).order_by(of.at, of.id))).all()
    restriction = await session.scalar(select(Restriction).where(Restriction.request_id == id))
    return Whole(row, await corrections_of(session, id), steps, await session.get(DataPackage, id), restriction)


async def due(session: AsyncSession) -> tuple[Sequence[DataRequest], int]:
    """Those that are due soon or late, the first due first, and how many there are."""
    of = DataRequest
    waits = (of.state.not_in(ENDS), of.warn_at <= now())
    counted = await session.scalar(select(func.count()).select_from(of).where(*waits))
    rows = await session.scalars(select(of).where(*waits).order_by(of.due_at, of.id).limit(STRIP))
    return rows.all(), counted or 0


async def waiting(session: AsyncSession) -> int:
    """How many have no answer yet."""
    wanted = select(func.count()).select_from(DataRequest).where(DataRequest.state.not_in(ENDS))
    return await session.scalar(wanted) or 0


async def proposed_for_disposal(session: AsyncSession) -> Sequence[DataRequest]:
    """Granted deletions that were passed on and of which something may be left: what a disposal list is to look at, the
    oldest first."""
    of = DataRequest
    granted = (of.kind == Kind.DELETE, of.done_at.is_not(None), of.verdict.in_((Verdict.GRANT, Verdict.PART)))
    open_ = (of.state != State.WITHDRAWN, of.destroyed_at.is_(None))
    rows = await session.scalars(select(of).where(*granted, *open_).order_by(of.done_at, of.id))
    return rows.all()


def light_of(row: DataRequest) -> Light:
    """How near its due is."""
    return light(State(row.state), row.warn_at, row.due_at, now())
