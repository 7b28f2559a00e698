"""Asking up the line whether a demand is to be accepted, answering, and the climb of what nobody answers (F11-2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import now
from core.db import Database, among, new_id, paged
from core.errors import Conflict, Denied, NotFound
from core.identity.models import User
from core.ledger import record
from core.live import hint
from core.locks import try_hold
from core.permissions import Permission
from core.rows import insert_rows
from crm.escalations.models import Escalation, EscalationStep
from crm.escalations.rules import Reached, Verdict, climb, climbed
from crm.installed import installed
from crm.notices.models import Notice
from crm.notices_policy import NoticesPolicy
from crm.scope_policy import ScopePolicy
from crm.tickets.access import get, one_of, several, visible_to
from crm.tickets.models import Ticket
from crm.tickets.states import OPEN, State

TOPIC = "escalations"
STEPS = cast(Table, EscalationStep.__table__)
CLIMB_EVERY_S = 5.0
"""How late a level is asked at most; what it is told is exact whenever it is told."""
BATCH = 500
"""Questions that climb in one transaction."""


@dataclass(frozen=True)
class Asked:
    """A question with its order's number and the levels that it reached, the first one first."""

    row: Escalation
    number: str
    steps: Sequence[EscalationStep]

    @property
    def present(self) -> EscalationStep:
        """Who is to answer now, or was when somebody did."""
        return self.steps[-1]


async def ask(session: AsyncSession, actor: Actor, ticket_id: UUID, question: str, *, urgent: bool) -> Escalation:
    """上报: the first level is asked. Raises NotFound, Conflict where one waits already or intake is over."""
    actor.require(Permission.ORDER_EDIT)
    ticket = one_of(await several(session, actor, {ticket_id}, lock=True), ticket_id)
    if State(ticket.state) not in OPEN:
        raise Conflict("intake-over", "这张工单已受理，不需要再认定受理范围。")
    if await session.scalar(_open(ticket_id)) is not None:
        raise Conflict("already-asked", "这张工单已上报，正在等待答复。")
    at, policy = now(), installed().policy[ScopePolicy]
    first = climb(policy, urgent, 1, at)
    row = Escalation(
        id=new_id(),
        ticket_id=ticket_id,
        question=question,
        urgent=urgent,
        opened_at=at,
        opened_by=actor.user_id,
        opened_by_name=actor.name,
        due_at=first.until,
    )
    session.add(row)
    await session.flush()
    await _reached(session, [(row, ticket, first)])
    await record(session, actor, "escalation.ask", "order", ticket_id, urgent=urgent, post=first.level.post)
    hint(session, TOPIC, ticket_id)
    return row


async def answer(session: AsyncSession, actor: Actor, escalation_id: UUID, verdict: Verdict, words: str) -> Escalation:
    """Somebody of the chain decides; any level may, whether or not it was reached. Nobody answers himself."""
    actor.require(Permission.SCOPE_DECIDE)
    row = await session.get(Escalation, escalation_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("no-escalation", "没有这项上报。")
    ticket = await get(session, actor, row.ticket_id)
    if row.answered_at:
        raise Conflict("escalation-answered", f"{row.answered_by_name}已答复。")
    if row.opened_by == actor.user_id:
        raise Denied("own-question", "上报人不能自己答复，请由另一人认定。")
    row.verdict, row.answer, row.due_at = verdict, words, None
    row.answered_at, row.answered_by, row.answered_by_name = now(), actor.user_id, actor.name
    if row.opened_by:
        text = installed().policy[NoticesPolicy].words("scope_answered", ticket.number, None)
        await _notify(session, [_notice(row.opened_by, row, 0, "scope_answered", text)])
    await record(session, actor, "escalation.answer", "order", row.ticket_id, verdict=verdict.value)
    hint(session, TOPIC, row.ticket_id)
    return row


async def climb_all(db: Database) -> int:
    """Move up what its level left unanswered -> how many levels were reached. One process at a time does it."""
    moved = 0
    async with try_hold(db, "escalations") as held:
        while held is not None and (some := await _climb_some(db)):
            moved += some
    return moved


async def _climb_some(db: Database) -> int:
    async with db.session() as session:
        at, policy = now(), installed().policy[ScopePolicy]
        late = select(Escalation).where(Escalation.answered_at.is_(None), Escalation.due_at <= at)
        rows = (await session.scalars(late.order_by(Escalation.due_at).limit(BATCH).with_for_update())).all()
        if not rows:
            return 0
        reached = await _steps(session, [one.id for one in rows])
        wanted = select(Ticket).where(among(Ticket.id, {one.ticket_id for one in rows}))
        tickets = {one.id: one for one in await session.scalars(wanted)}
        moves = []
        for row in rows:
            levels = climbed(policy, row.urgent, reached[row.id][-1].n, row.due_at, at)
            row.due_at = levels[-1].until if levels else None  # no levels: the bureau has shortened the chain
            moves += [(row, tickets[row.ticket_id], one) for one in levels]
            hint(session, TOPIC, row.ticket_id)
        await _reached(session, moves)
        return len(moves) or len(rows)


async def _reached(session: AsyncSession, moves: Sequence[tuple[Escalation, Ticket, Reached]]) -> None:
    """Write the steps, and tell who is asked now."""
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(), "escalation_id": row.id, "n": one.n, "post": one.level.post, "role": one.level.role,
            "since": one.since, "until": one.until,
        }
        for row, _, one in moves
    ]  # fmt: skip
    if rows:
        await insert_rows(session, STEPS, rows)
    people = await _people(session, {one.level.role for _, _, one in moves})
    policy = installed().policy[NoticesPolicy]
    notices = []
    for row, ticket, one in moves:
        text = policy.words("scope_asked", ticket.number, one.until)
        notices += [_notice(user, row, one.n, "scope_asked", text) for user in people.get(one.level.role, [])]
    await _notify(session, notices)


async def _people(session: AsyncSession, roles: set[str]) -> dict[str, list[UUID]]:
    found: dict[str, list[UUID]] = {}
    for id, held in await session.execute(select(User.id, User.roles).where(User.active, User.unit_id.is_(None))):
        for role in roles.intersection(held):
            found.setdefault(role, []).append(id)
    return found


def _notice(user: UUID, row: Escalation, n: int, template: str, text: str) -> dict[str, Any]:
    event = f"escalation:{row.id}:{n}:{template}"
    return {
        "id": new_id(), "user_id": user, "event": event, "ticket_id": row.ticket_id, "template": template,
        "text": text, "created_at": now(),
    }  # fmt: skip


async def _notify(session: AsyncSession, notices: Sequence[dict[str, Any]]) -> None:
    if notices:
        await session.execute(insert(Notice).values(list(notices)).on_conflict_do_nothing())
        hint(session, "notices")


def _open(ticket_id: UUID) -> Any:
    return select(Escalation.id).where(Escalation.ticket_id == ticket_id, Escalation.answered_at.is_(None))


async def of_order(session: AsyncSession, ticket_id: UUID) -> Sequence[Asked]:
    """All questions about one order, the newest first; who may see the order may see them."""
    rows = select(Escalation, Ticket.number).join(Ticket, Ticket.id == Escalation.ticket_id)
    return await _told(session, rows.where(Escalation.ticket_id == ticket_id).order_by(Escalation.id.desc()))


@dataclass(frozen=True)
class Wanted:
    """Which questions; each of `words` stands in question, answer, a name or the order's number."""

    words: Sequence[str] = ()
    open: bool | None = None
    oldest_first: bool = False


async def asked(
    session: AsyncSession, actor: Actor, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Asked]:
    """A page of the questions about orders that the actor may know of, from behind `after` on."""
    of = Escalation
    query = select(of, Ticket.number).join(Ticket, Ticket.id == of.ticket_id).where(visible_to(actor)).limit(limit)
    if wanted.open is not None:
        query = query.where(of.answered_at.is_(None) if wanted.open else of.answered_at.is_not(None))
    for word in wanted.words:
        told = (of.question, of.answer, of.opened_by_name, of.answered_by_name, Ticket.number)
        query = query.where(or_(*(one.contains(word, autoescape=True) for one in told)))
    return await _told(session, paged(query, of.opened_at, of.id, after, oldest_first=wanted.oldest_first))


async def _told(session: AsyncSession, query: Any) -> Sequence[Asked]:
    rows = [(row[0], row[1]) for row in await session.execute(query)]
    steps = await _steps(session, [row.id for row, _ in rows])
    return [Asked(row, number, steps[row.id]) for row, number in rows]


async def _steps(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[EscalationStep]]:
    found: dict[UUID, list[EscalationStep]] = {id: [] for id in ids}
    wanted = select(EscalationStep).where(among(EscalationStep.escalation_id, set(ids)))
    for one in await session.scalars(wanted.order_by(EscalationStep.escalation_id, EscalationStep.n)):
        found[one.escalation_id].append(one)
    return found
