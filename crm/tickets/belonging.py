"""Which calls belong to an order: the one answer for its page, its package, holds and retention, finding, listening and
exports.

An order has the call that it came from, the calls of what was merged into it or that it was split from, the calls in
which the citizen was answered or followed up, the calls back that its call asked for, and of each of these the calls in
which somebody was asked about it: a colleague, a unit, or another line such as 110 (联动). A call may belong to several
orders. What a machine says to a unit's contact is no call of this kind, see `crm.alarms.queries.of_order`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Select, literal, select, union, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, aliased

from callflow.callbacks.models import CallbackCall, CallbackTask
from callflow.models import Call
from callflow.phones.models import CallLeg
from core.db import among
from crm.tickets.models import FollowUp, Reply, Ticket

Orders = dict[UUID, set[UUID]]
"""Call -> its orders."""


class How(StrEnum):
    """How a call belongs to an order; a call that does in several ways is shown with the first."""

    OWN = "own"
    MERGED = "merged"
    SPLIT = "split"
    ANSWER = "answer"
    FOLLOW_UP = "follow-up"
    CALLBACK = "callback"
    ASKED = "asked"

    @property
    def label(self) -> str:
        """As staff read it."""
        return _LABELS[self]


_LABELS = {
    How.OWN: "诉求通话",
    How.MERGED: "并入工单的通话",
    How.SPLIT: "拆分前的通话",
    How.ANSWER: "答复通话",
    How.FOLLOW_UP: "回访通话",
    How.CALLBACK: "回拨",
    How.ASKED: "咨询、联动通话",
}


@dataclass(frozen=True)
class _Way:
    """One way to calls: `rows` begins at `Ticket`, or at the call `one`; `call` is the found call's id in it."""

    how: How
    rows: Select[Any]
    call: Any


def _direct() -> list[_Way]:
    """The ways from an order itself."""
    other, orders = aliased(Ticket), select(Ticket.id)
    return [
        _Way(How.OWN, orders, Ticket.call_id),
        _Way(How.MERGED, orders.join(other, other.master_id == Ticket.id), other.call_id),
        _Way(How.SPLIT, orders.join(other, Ticket.split_from == other.id), other.call_id),
        _Way(How.ANSWER, orders.join(Reply, Reply.ticket_id == Ticket.id), Reply.contact_call_id),
        _Way(How.FOLLOW_UP, orders.join(FollowUp, FollowUp.ticket_id == Ticket.id), FollowUp.call_id),
    ]


def _called_back(way: _Way) -> _Way:
    """The calls that somebody made because of the call."""
    made = aliased(Call)
    rows = way.rows.join(CallbackTask, CallbackTask.call_id == way.call)
    rows = rows.join(CallbackCall, CallbackCall.task_id == CallbackTask.id)
    rows = rows.join(made, (made.node == CallbackCall.node) & (made.linkedid == CallbackCall.linkedid))
    return _Way(How.CALLBACK, rows, made.id)


def _asked(way: _Way) -> _Way:
    """The calls in which somebody was asked about it meanwhile."""
    talk, asked = aliased(Call), aliased(Call)
    rows = way.rows.join(talk, talk.id == way.call)
    rows = rows.join(CallLeg, (CallLeg.node == talk.node) & (CallLeg.linkedid == talk.linkedid))
    rows = rows.join(asked, (asked.node == CallLeg.node) & (asked.linkedid == CallLeg.leg))
    return _Way(How.ASKED, rows, asked.id)


_DIRECT = tuple(_direct())
_TALKS = (*_DIRECT, *(_called_back(way) for way in _DIRECT))
_WAYS = (*_TALKS, *(_asked(way) for way in _TALKS))
_ONE = aliased(Call)
_FROM_ONE = _Way(How.OWN, select(_ONE.id), _ONE.id)
_BACK_OF_ONE, _ASKED_OF_ONE = _called_back(_FROM_ONE), _asked(_FROM_ONE)


def calls_of(*which: ColumnElement[bool]) -> CompoundSelect[Any]:
    """The ids of the calls of the orders that these conditions on `Ticket` choose, in one statement: for conditions on
    many. Each way is a flat join, which the planner may walk from either end."""
    return union_all(*(way.rows.with_only_columns(way.call).where(*which, way.call.is_not(None)) for way in _WAYS))


def kin_of(*which: ColumnElement[bool]) -> CompoundSelect[Any]:
    """The ids of the orders that these conditions on `Ticket` choose, with what was merged into them or split from."""
    other = aliased(Ticket)
    merged = select(other.id).join(Ticket, Ticket.id == other.master_id).where(*which)
    split = select(other.id).join(Ticket, Ticket.split_from == other.id).where(*which)
    return union(select(Ticket.id).where(*which), merged, split)


def call_ids(session: Session, ticket_ids: Collection[UUID]) -> dict[UUID, set[tuple[UUID, How]]]:
    """The same of known orders, by order and with how each call belongs to it: three short statements, which are
    planned in a fraction of the time of the one."""
    found: dict[UUID, set[tuple[UUID, How]]] = {}
    rows = (
        way.rows.with_only_columns(
            Ticket.id.label("ticket"), way.call.label("call"), literal(way.how.value).label("how")
        ).where(among(Ticket.id, ticket_ids), way.call.is_not(None))
        for way in _DIRECT
    )
    for ticket_id, call_id, how in session.execute(union_all(*rows)) if ticket_ids else ():
        found.setdefault(ticket_id, set()).add((call_id, How(how)))
    for way in (_BACK_OF_ONE, _ASKED_OF_ONE):
        led = _led(session, way, _ONE.id, {id for some in found.values() for id, _ in some})
        for some in found.values():
            known = {id for id, _ in some}
            some |= {(after, way.how) for before, after in led if before in known}
    return found


def _led(session: Session, way: _Way, end: Any, call_ids: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """Calls between which this way leads, before and after, of those that have one `end` among these."""
    if not call_ids:
        return []
    wanted = way.rows.with_only_columns(_ONE.id.label("before"), way.call.label("after"))
    return [(before, after) for before, after in session.execute(wanted.where(among(end, call_ids)))]


def _order_ids(session: Session, call_ids: Collection[UUID], which: Sequence[ColumnElement[bool]]) -> Orders:
    """The way back: from who was asked to the talk, from a call back to the call that asked for it, to the orders."""
    roots = {id: {id} for id in call_ids}
    for way in (_ASKED_OF_ONE, _BACK_OF_ONE):
        led = _led(session, way, way.call, {root for some in roots.values() for root in some})
        for some in roots.values():
            some |= {before for before, after in led if after in some}
    reached = {root for some in roots.values() for root in some}
    rows = (
        way.rows.with_only_columns(way.call.label("call"), Ticket.id.label("ticket")).where(
            among(way.call, reached), *which
        )
        for way in _DIRECT
    )
    of_root: Orders = {}
    for call_id, ticket_id in session.execute(union_all(*rows)) if reached else ():
        of_root.setdefault(call_id, set()).add(ticket_id)
    found = {id: {one for root in some for one in of_root.get(root, ())} for id, some in roots.items()}
    return {id: some for id, some in found.items() if some}


async def orders_of(session: AsyncSession, call_ids: Collection[UUID], *which: ColumnElement[bool]) -> Orders:
    """These calls' orders by call, of those that the conditions choose; nothing of a call that has none."""
    return await session.run_sync(_order_ids, call_ids, which)


@dataclass(frozen=True)
class Belonging:
    """A call of an order."""

    call: Call
    how: How


async def of_order(session: AsyncSession, ticket_id: UUID) -> Sequence[Belonging]:
    """The order's calls, as they came."""
    found = (await session.run_sync(call_ids, {ticket_id})).get(ticket_id, set())
    hows: dict[UUID, How] = {}
    for how in reversed(How):
        hows |= {id: how for id, said in found if said is how}
    calls = await session.scalars(select(Call).where(among(Call.id, hows)).order_by(Call.arrived_at, Call.id))
    return [Belonging(call, hows[call.id]) for call in calls]
