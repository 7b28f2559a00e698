"""One order as an act finds it: locked, with its present round, the units' parts and who stands where."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now
from core.db import Base
from core.identity.models import Unit
from core.permissions import Permission
from core.policy import Policy
from crm.clocks import Rules, present_rules, rules_of
from crm.county.categories import Category
from crm.referrals.models import Referral
from crm.tickets.models import Assignment, Round, StatutoryLimit, Ticket
from crm.tickets.states import By, Stage, State

T = TypeVar("T", bound=Base)


@dataclass
class Case:
    """What guards look at and effects change. Guards are plain functions of it: no I/O is possible in them."""

    ticket: Ticket
    actor: Actor
    at: datetime
    round: Round | None = None
    """The present round: the newest one."""
    parts: list[Assignment] = field(default_factory=list)
    """All parts of the present round, also those that ended."""
    units: dict[UUID, Unit] = field(default_factory=dict)
    """The units that the act was given, as far as they exist."""
    orders: dict[UUID, Ticket] = field(default_factory=dict)
    """The other orders that the act was given, locked, as far as the actor may know of them."""
    files: frozenset[UUID] = frozenset()
    """The attachments that the act was given, as far as this order has them."""
    calls: frozenset[UUID] = frozenset()
    """The calls that the act was given, as far as they were with this order's citizen and the actor may name them."""
    limits: dict[UUID, StatutoryLimit] = field(default_factory=dict)
    """The limits of other laws that the act was given."""
    referrals: dict[UUID, Referral] = field(default_factory=dict)
    """The entries of the referral directory that the act was given, those in use."""
    rows: dict[type[Base], list[Any]] = field(default_factory=dict)
    """Further rows of this order, of the tables that the act's lines name in `reads`, oldest first."""

    @property
    def state(self) -> State:
        """The order's state."""
        return State(self.ticket.state)

    @property
    def category(self) -> Category | None:
        """诉求类别."""
        return Category(self.ticket.category) if self.ticket.category else None

    @property
    def rules(self) -> Rules:
        """What this order's clocks run by: those of its round's dispatch, before one those of now (D35)."""
        if self.round is not None:
            return rules_of(self.round.policy_version)
        return present_rules(self.at)

    @property
    def policy(self) -> Policy:
        """The policy in force for this order."""
        return self.rules.policy

    @property
    def due_at(self) -> datetime | None:
        """Until when the lead owes the result: the round's due, of a city's order the earlier of both (D33)."""
        made = self.round if self.round is not None and self.round.closed_at is None else None
        county, since = (made.due_at, made.dispatched_at) if made else (None, None)
        return self.rules.held_to(county, self.ticket.upstream_due_at, since)

    def of(self, kind: type[T]) -> list[T]:
        """This order's rows of a table."""
        return cast(list[T], self.rows[kind])

    @property
    def lead(self) -> Assignment | None:
        """The open part of the lead unit."""
        return next((part for part in self.open_parts if part.role == By.LEAD), None)

    @property
    def open_parts(self) -> list[Assignment]:
        """Parts that have not ended."""
        return [part for part in self.parts if part.closed_at is None]

    def role(self, by: By) -> Sequence[Assignment]:
        """Open parts in this role."""
        return [part for part in self.open_parts if part.role == by]

    @property
    def mine(self) -> Assignment | None:
        """The open part of the actor's own unit."""
        unit = self.actor.unit_id
        return next((part for part in self.open_parts if unit is not None and part.unit_id == unit), None)

    @property
    def part(self) -> Assignment:
        """`mine`, for effects of acts that only a unit with a part can do."""
        if self.mine is None:
            raise LookupError("the actor's unit has no part in this order")
        return self.mine

    @property
    def handling(self) -> Round:
        """`round`, for effects of acts on dispatched orders."""
        if self.round is None:
            raise LookupError("the order was never dispatched")
        return self.round

    def stands(self, by: By) -> bool:
        """Whether the actor stands there to this order."""
        if by is By.CENTRE:
            return self.actor.may(Permission.ORDER_VIEW)
        if by is By.CHANNEL:
            own = self.ticket.call_id is None and self.ticket.opened_by == self.actor.user_id
            return own and self.actor.may(Permission.ORDER_VIEW_OWN)
        return self.mine is not None and self.mine.role == by

    @property
    def stage(self) -> Stage | None:
        """Where the actor's part stands."""
        return Stage(self.mine.stage) if self.mine else None


async def load(session: AsyncSession, actor: Actor, ticket: Ticket, reads: Sequence[type[Base]] = ()) -> Case:
    """The case of a ticket; who acts has locked the ticket, and its round and parts are locked here (in this order)."""
    case = Case(ticket, actor, now())
    if ticket.first_dispatched_at is not None:  # before its first dispatch an order has no round
        newest = select(Round).where(Round.ticket_id == ticket.id).order_by(Round.n.desc()).limit(1)
        case.round = await session.scalar(newest)
    if case.round is not None:
        parts = select(Assignment).where(Assignment.round_id == case.round.id).order_by(Assignment.id)
        case.parts = list(await session.scalars(parts))
    elif case.state in (State.SHARED, State.ARCHIVED):  # 知会 is no dispatch: its parts are of no round
        readers = select(Assignment).where(Assignment.ticket_id == ticket.id, Assignment.role == By.READER)
        case.parts = list(await session.scalars(readers.order_by(Assignment.id)))
    case.rows = await rows_by_table(session, ticket.id, reads)
    return case


async def rows_of(session: AsyncSession, ticket_id: UUID, kind: type[T]) -> list[T]:
    """An order's rows of one table, oldest first (ids are ordered by time)."""
    table = cast(Any, kind)
    return list(await session.scalars(select(kind).where(table.ticket_id == ticket_id).order_by(table.id)))


async def rows_by_table(
    session: AsyncSession, ticket_id: UUID, kinds: Sequence[type[Base]]
) -> dict[type[Base], list[Any]]:
    """An order's rows of several tables; one statement tells in which of them it has any, for most have none."""
    if not kinds:
        return {}
    some = select(*(exists().where(cast(Any, kind).ticket_id == ticket_id) for kind in kinds))
    present = (await session.execute(some)).one()
    return {
        kind: await rows_of(session, ticket_id, kind) if there else []
        for kind, there in zip(kinds, present, strict=True)
    }
