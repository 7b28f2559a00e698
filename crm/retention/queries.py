"""What the pages of retention show: lists with how far they are and what stands on them, what ends soon, holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from core.actor import Actor
from core.clock import today
from core.db import among, paged
from core.errors import NotFound
from core.identity.models import Unit, User
from core.permissions import Permission, granted
from crm.retention.asked import of_items
from crm.retention.holds import covered, on, present
from crm.retention.models import DisposalItem, DisposalList, LegalHold
from crm.retention.objects import KINDS, rows_of
from crm.retention.proposing import ending, warned_until
from crm.retention.rules import Item, Reason, Standing
from crm.tickets.models import Attachment, Ticket
from recordings.disposal.models import Disposal
from recordings.models import Recording

VIEW = Permission.RETENTION_VIEW
WAITS = {
    Standing.PROPOSED: Permission.DISPOSAL_REVIEW,
    Standing.REVIEWED: Permission.DISPOSAL_APPROVE,
    Standing.APPROVED: Permission.DISPOSAL_CONFIRM,
    Standing.CONFIRMED: Permission.DISPOSAL_REVIEW,
}
"""Whose turn it is."""


@dataclass(frozen=True)
class Listed:
    """A list, and how many objects of it stand in each state."""

    row: DisposalList
    counts: Mapping[str, int]

    @property
    def standing(self) -> Standing:
        """How far it is."""
        return Standing(self.row.state)

    def of(self, *states: Item) -> int:
        """How many are in these states."""
        return sum(self.counts.get(state, 0) for state in states)

    @property
    def subject(self) -> int:
        """How many it is about: all but those that were taken off."""
        return self.of(Item.LISTED, Item.STOPPED, Item.DESTROYED)


@dataclass(frozen=True)
class Row:
    """A recording with its call, or an attachment with its order; its place on a list, and what holds it."""

    object: Recording | Attachment
    at: datetime
    call: Call | None = None
    ticket: Ticket | None = None
    item: DisposalItem | None = None
    holds: Sequence[LegalHold] = ()
    request: str = ""
    """The number of the citizen's granted request that asks for its end."""

    @property
    def kind(self) -> str:
        """通话, 留言 or 附件."""
        return self.object.kind.label if isinstance(self.object, Recording) else self.object.called

    @property
    def name(self) -> str:
        """Of an attachment; what was put to a 举报 may be called after who made it."""
        assert isinstance(self.object, Attachment)
        closed = self.ticket is None or self.ticket.sealed or self.ticket.confidential
        return f"附件.{self.object.name.rpartition('.')[2]}" if closed else self.object.name


@dataclass(frozen=True)
class Held:
    """A hold with the names of its scope, and how many objects it covers now."""

    row: LegalHold
    number: str | None
    unit: str | None
    objects: int

    @property
    def reason(self) -> str:
        """In words."""
        return Reason(self.row.reason).label


async def lists(
    session: AsyncSession,
    actor: Actor,
    state: Standing | None,
    number: str,
    after: tuple[datetime, UUID] | None,
    limit: int,
    *,
    oldest_first: bool = False,
) -> list[Listed]:
    """A page of the lists."""
    actor.require(VIEW)
    query = select(DisposalList).limit(limit)
    if state:
        query = query.where(DisposalList.state == state)
    if number:
        query = query.where(DisposalList.number.contains(number.upper(), autoescape=True))
    query = paged(query, DisposalList.proposed_at, DisposalList.id, after, oldest_first=oldest_first)
    rows = (await session.scalars(query)).all()
    counts = await _counts(session, [row.id for row in rows])
    return [Listed(row, counts.get(row.id, {})) for row in rows]


async def list_of(session: AsyncSession, actor: Actor, list_id: UUID) -> Listed:
    """One of them. Raises `NotFound("no-list")`."""
    actor.require(VIEW)
    row = await session.get(DisposalList, list_id)
    if row is None:
        raise NotFound("no-list", "没有这份销毁清单。")
    return Listed(row, (await _counts(session, [row.id])).get(row.id, {}))


async def _counts(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    if not ids:
        return {}
    of_lists = select(DisposalItem.list_id, DisposalItem.state, func.count()).where(among(DisposalItem.list_id, ids))
    found: dict[UUID, dict[str, int]] = {}
    for id, state, count in await session.execute(of_lists.group_by(DisposalItem.list_id, DisposalItem.state)):
        found.setdefault(id, {})[state] = count
    return found


async def items(
    session: AsyncSession,
    actor: Actor,
    list_id: UUID,
    state: Item | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
    *,
    newest_first: bool = False,
) -> list[Row]:
    """A page of what stands on a list, by the time at which it was recorded or added."""
    actor.require(VIEW)
    query = select(DisposalItem).where(DisposalItem.list_id == list_id).limit(limit)
    if state:
        query = query.where(DisposalItem.state == state)
    query = paged(query, DisposalItem.at, DisposalItem.object_id, after, oldest_first=not newest_first)
    items = (await session.scalars(query)).all()
    return await _rows(session, [(one.what, one.object_id, one.at) for one in items], items)


async def soon(
    session: AsyncSession, actor: Actor, after: tuple[datetime, UUID] | None, limit: int, *, newest_first: bool = False
) -> list[Row]:
    """T24: a page of what ends within the days of the policy."""
    actor.require(VIEW)
    until = warned_until()
    ends = union_all(
        *(
            select(literal(kind.what).label("what"), kind.table.id, kind.at.label("at")).where(ending(kind, until))
            for kind in KINDS.values()
        )
    ).subquery()
    query = paged(select(ends), ends.c.at, ends.c.id, after, oldest_first=not newest_first).limit(limit)
    return await _rows(session, [(one.what, one.id, one.at) for one in await session.execute(query)])


async def _rows(
    session: AsyncSession, named: Sequence[tuple[str, UUID, datetime]], items: Sequence[DisposalItem] = ()
) -> list[Row]:
    objects = await rows_of(session, [(what, id) for what, id, _ in named])
    called = {one.call_id for one in objects.values() if isinstance(one, Recording) and one.call_id}
    asked = {one.ticket_id for one in objects.values() if isinstance(one, Attachment)}
    calls = {one.id: one for one in await session.scalars(select(Call).where(among(Call.id, called)))}
    tickets = {one.id: one for one in await session.scalars(select(Ticket).where(among(Ticket.id, asked)))}
    held, on_list = await on(session, list(objects)), {one.object_id: one for one in items}
    requests = await of_items(session, items)
    made = []
    for _, id, at in named:
        one = objects[id]
        call = calls.get(one.call_id) if isinstance(one, Recording) and one.call_id else None
        ticket = tickets.get(one.ticket_id) if isinstance(one, Attachment) else None
        item = on_list.get(id)
        request = requests.get(item.request_id, "") if item and item.request_id else ""
        made.append(Row(one, at, call, ticket, item, held.get(id, ()), request))
    return made


async def destroyed(session: AsyncSession, number: str, most: int) -> list[Row]:
    """What a certificate names, by the time at which it was recorded or added."""
    gone = union_all(
        *(
            select(literal(kind.what).label("what"), kind.table.id, kind.at.label("at"))
            .join(Disposal, Disposal.object_id == kind.table.id)
            .where(Disposal.certificate == number)
            for kind in KINDS.values()
        )
    ).subquery()
    query = select(gone).order_by(gone.c.at, gone.c.id).limit(most)
    return await _rows(session, [(one.what, one.id, one.at) for one in await session.execute(query)])


@dataclass(frozen=True)
class Figures:
    """How many objects end soon, how many are past their last day, how many holds there are."""

    soon: int
    late: int
    holds: int


async def figures(session: AsyncSession) -> Figures:
    """As the page of retention shows them."""
    soon = late = 0
    for kind in KINDS.values():
        counted = select(func.count()).select_from(kind.table)
        soon += await session.scalar(counted.where(ending(kind, warned_until()))) or 0
        past = (kind.living(), kind.over, kind.table.protected_until < today())
        late += await session.scalar(counted.where(*past)) or 0
    holds = select(func.count()).select_from(LegalHold).where(LegalHold.lifted_at.is_(None))
    return Figures(soon, late, await session.scalar(holds) or 0)


@dataclass(frozen=True)
class Soon:
    """What the archive officer's desk says in the morning: how much ends, and the first last day."""

    count: int
    first: date | None


async def ends_soon(session: AsyncSession) -> Soon:
    """T24: of what ends within the days of the policy."""
    count, days = 0, list[date]()
    for kind in KINDS.values():
        ends = select(func.count(), func.min(kind.table.protected_until)).where(ending(kind, warned_until()))
        number, first = (await session.execute(ends)).one()
        count, days = count + number, days + [first] * bool(first)
    return Soon(count, min(days, default=None))


async def holds(
    session: AsyncSession,
    actor: Actor,
    words: Sequence[str],
    lifted: bool | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
    *,
    oldest_first: bool = False,
) -> list[Held]:
    """A page of the holds; each of `words` stands in document, owner, a name, the order's number or the unit's name."""
    actor.require(VIEW)
    query = select(LegalHold, Ticket.number, Unit.name).limit(limit)
    query = query.outerjoin(Ticket, Ticket.id == LegalHold.ticket_id).outerjoin(Unit, Unit.id == LegalHold.unit_id)
    if lifted is not None:
        query = query.where(LegalHold.lifted_at.is_not(None) if lifted else LegalHold.lifted_at.is_(None))
    for word in words:
        told = (LegalHold.document, LegalHold.owner, LegalHold.placed_name, Ticket.number, Unit.name)
        query = query.where(or_(*(one.contains(word, autoescape=True) for one in told)))
    query = paged(query, LegalHold.placed_at, LegalHold.id, after, oldest_first=oldest_first)
    rows = [(row[0], row[1], row[2]) for row in await session.execute(query)]
    return [Held(row, number, unit, await covered(session, row)) for row, number, unit in rows]


async def units(session: AsyncSession) -> dict[UUID, str]:
    """All units by name, also those that are no longer active: their orders remain."""
    return {row[0]: row[1] for row in await session.execute(select(Unit.id, Unit.name).order_by(Unit.name))}


async def held_among(session: AsyncSession, rows: Sequence[UUID]) -> dict[UUID, list[LegalHold]]:
    """The holds of these objects, for pages that show them."""
    return await on(session, rows) if await present(session) else {}


async def waiting(session: AsyncSession, user_id: UUID) -> int:
    """How many lists wait for this person's step."""
    user = await session.get(User, user_id)
    if user is None:
        return 0
    may = granted(user.role_set)
    states = [state for state, needed in WAITS.items() if needed in may]
    of = select(func.count()).select_from(DisposalList).where(DisposalList.state.in_(states))
    others = or_(DisposalList.reviewed_by.is_(None), DisposalList.reviewed_by != user_id)
    executes = DisposalList.state == Standing.CONFIRMED
    return (await session.scalar(of.where(or_(others, executes))) or 0) if states else 0
