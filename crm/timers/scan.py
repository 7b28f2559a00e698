"""Looking for what is ripe and firing it: set by set, each subject, timer and due once."""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, exists, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from core.actor import SYSTEM
from core.clock import now
from core.db import Database, among, new_id
from core.events import publish
from core.locks import try_hold
from crm.installed import installed
from crm.tickets.history import write_alike
from crm.tickets.models import Assignment, SupervisionCandidate, Ticket
from crm.tickets.states import By, Stage, State
from crm.timers.events import TimersFired
from crm.timers.models import TimerFiring
from crm.timers.table import TIMERS, Mark, Moment, Subjects, Timer

BATCH = 2_000
"""Orders of one transaction: a person who acts on one of them waits no longer than it takes."""
ABREAST = 2
"""Transactions at once: PostgreSQL writes one batch while the next is made ready."""
LOCK = "timers"
SIGNED = ({"state": State.DISPATCHED}, {"state": State.HANDLING, "signed_by": "system", "in_time": False})
"""What a history keeps of an order whose lead the system signed for, before and after."""


@dataclass(frozen=True)
class Ripe:
    """One subject whose due has come."""

    subject_id: UUID
    ticket_id: UUID
    due_at: datetime


async def scan(db: Database) -> dict[str, int] | None:
    """Fire everything that is ripe now -> how many by timer; None while another process is at it.

    What somebody acts upon at this moment is left to the next scan: by then it is known how that act came before.
    """
    async with try_hold(db, LOCK) as held:
        if held is None:
            return None
        fired: dict[str, int] = {}
        for timer in TIMERS:
            fired[timer.id] = await _all(db, held, timer)
        return fired


async def _all(db: Database, held: AsyncConnection, timer: Timer) -> int:
    """Looked for over the connection that holds the lock: who has lost it finds nothing to fire."""
    here = installed()
    moment = Moment(now(), here.policy, here.calendar)
    after, until = timer.window(moment)
    if after >= until:
        return 0
    wanted = timer.rows(moment).where(timer.due > after, timer.due <= until, ~_done(timer, moment))
    waiting = deque(row.subject_id for row in await held.execute(wanted.order_by(timer.due)))
    return sum(await asyncio.gather(*(_drain(db, timer, wanted, waiting) for _ in range(ABREAST))))


async def _drain(db: Database, timer: Timer, wanted: Subjects, waiting: deque[UUID]) -> int:
    """Fire batch after batch; an order that stands in two batches at once is left to the next scan by one of them."""
    fired = 0
    while waiting:
        batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
        async with db.session() as session:
            ripe, again = await _locked(session, timer, wanted, batch)
            if ripe:
                await fire(session, timer, ripe)
        waiting.extendleft(reversed(again))
        fired += len(ripe)
    return fired


def _done(timer: Timer, moment: Moment) -> Any:
    subject = timer.rows(moment).selected_columns.subject_id
    return exists().where(
        TimerFiring.subject_id == subject, TimerFiring.timer == timer.id, TimerFiring.due_at == timer.due
    )


async def _locked(
    session: AsyncSession, timer: Timer, wanted: Subjects, subjects: list[UUID]
) -> tuple[list[Ripe], list[UUID]]:
    """Those that are still ripe, locked; one for each order, since each is an event of its history, and the rest."""
    rows = wanted.where(among(wanted.selected_columns.subject_id, subjects)).order_by(timer.due)
    found: dict[UUID, Ripe] = {}
    rest: list[UUID] = []
    for row in await session.execute(rows.with_for_update(of=list(timer.locks), key_share=True, skip_locked=True)):
        if row.ticket_id in found:
            rest.append(row.subject_id)
        else:
            found[row.ticket_id] = Ripe(row.subject_id, row.ticket_id, row.due_at)
    return list(found.values()), rest


_FIRED = text(
    "INSERT INTO timer_firings (subject_id, ticket_id, due_at, timer, fired_at, batch)"
    " SELECT subject, ticket, due, :timer, :at, :batch FROM unnest("
    "CAST(:subjects AS uuid[]), CAST(:tickets AS uuid[]), CAST(:dues AS timestamptz[]))"
    " AS one (subject, ticket, due)"
)


async def fire(session: AsyncSession, timer: Timer, ripe: list[Ripe]) -> None:
    """Mark, write history, keep the firing, and tell: one transaction, as many statements as for one order."""
    at, batch = now(), new_id()
    if timer.mark is not None:
        await _mark(session, timer.mark, ripe, at)
    if timer.act is not None:
        late = {"overdue_at": at} if timer.mark is Mark.LATE else {}
        seqs = await _next_version(session, [one.ticket_id for one in ripe], late)
        told = [(one.ticket_id, seqs[one.ticket_id], one.due_at) for one in ripe]
        after = {"timer": timer.id, "label": timer.label}
        signed = await _signed(session, ripe, at) if timer.mark is Mark.SIGNED else frozenset()
        for moved, states in ((signed, SIGNED), (frozenset(seqs) - signed, ({}, {}))):
            what: dict[str, Any] = {"origin": "machine", "article": timer.article, "before": states[0]}
            if some := [one for one in told if one[0] in moved]:
                await write_alike(session, SYSTEM, timer.act, some, after=after | states[1], **what)
    values: dict[str, Any] = {"timer": timer.id, "at": at, "batch": batch}
    values |= {"subjects": [one.subject_id for one in ripe], "tickets": [one.ticket_id for one in ripe]}
    await session.execute(_FIRED, values | {"dues": [one.due_at for one in ripe]})
    await publish(session, TimersFired(timer=timer.id, batch=batch, count=len(ripe)))


def _ids(values: list[UUID]) -> Any:
    return literal(values, ARRAY(Uuid()))


async def _next_version(session: AsyncSession, ticket_ids: list[UUID], values: dict[str, Any]) -> dict[UUID, int]:
    raised = update(Ticket).where(among(Ticket.id, ticket_ids)).values(version=Ticket.version + 1, **values)
    raised = raised.execution_options(synchronize_session=False)
    return {row.id: row.version for row in await session.execute(raised.returning(Ticket.id, Ticket.version))}


async def _mark(session: AsyncSession, mark: Mark, ripe: list[Ripe], at: datetime) -> None:
    values: dict[str, Any] = {"sign_overdue_at" if mark is Mark.UNSIGNED else "overdue_at": at}
    if mark is Mark.SIGNED:
        values = {"signed_at": at, "stage": Stage.HANDLING}
    parts = update(Assignment).where(among(Assignment.id, [one.subject_id for one in ripe])).values(values)
    await session.execute(parts.execution_options(synchronize_session=False))
    if mark is Mark.LATE:
        await _candidates(session, ripe, at)


async def _signed(session: AsyncSession, ripe: list[Ripe], at: datetime) -> frozenset[UUID]:
    """待签收 -> 办理中 where it was the lead's part that the system signed for; which orders moved."""
    leads = select(Assignment.ticket_id).where(
        among(Assignment.id, [one.subject_id for one in ripe]), Assignment.role == By.LEAD
    )
    orders = update(Ticket).where(Ticket.id.in_(leads), Ticket.state == State.DISPATCHED)
    orders = orders.values(state=State.HANDLING, state_since=at, state_due_at=Ticket.due_at)
    moved = orders.execution_options(synchronize_session=False).returning(Ticket.id)
    return frozenset(row.id for row in await session.execute(moved))


async def _candidates(session: AsyncSession, ripe: list[Ripe], at: datetime) -> None:
    """督办候选 of level 1 (第十二条(五), D23): never a finding; once for each round."""
    ids = func.unnest(_ids([one.subject_id for one in ripe]), _ids([new_id() for _ in ripe]))
    subjects = ids.table_valued("subject", "fresh", name="subjects").render_derived()
    values = select(
        subjects.c.fresh, Assignment.ticket_id, Assignment.round_id, Assignment.unit_id,
        literal(1), literal("overdue"), literal(at, DateTime(timezone=True)), literal("open"), literal(""),
    ).join(Assignment, Assignment.id == subjects.c.subject)  # fmt: skip
    names = ["id", "ticket_id", "round_id", "unit_id", "level", "ground", "opened_at", "state", "reason"]
    rows = insert(SupervisionCandidate).from_select(names, values)
    again = {"state": "open", "opened_at": at, "decided_at": None, "reason": ""}
    await session.execute(
        rows.on_conflict_do_update(
            index_elements=["ticket_id", "round_id", "level", "ground"],
            set_=again,
            where=SupervisionCandidate.state == "void",
        )
    )
