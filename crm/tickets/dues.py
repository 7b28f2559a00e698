"""Moving a due date: the only way there is, one row for each movement (invariant 2)."""

from datetime import date, datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from core.calendar import Due
from core.clock import local
from crm.clocks import days_as_json
from crm.procedure import AssistPolicy, CompletionPolicy
from crm.tickets.case import Case
from crm.tickets.models import Assignment, DueChange, SupervisionCandidate
from crm.tickets.states import By


def last_day(case: Case) -> date:
    """The last day of the present round's due, which itself is exclusive (D3)."""
    assert case.handling.due_at is not None
    return local(case.handling.due_at - timedelta(microseconds=1)).date()


async def move(session: AsyncSession, case: Case, ends: Due, cause: str, basis: str) -> DueChange:
    """The round's due becomes `ends`, and everything that hangs on it follows."""
    made = case.handling
    change = _row(case, cause, basis, made.due_at, ends.at)
    change.days = days_as_json(ends)
    session.add(change)
    made.due_at, made.provisional, made.days = ends.at, ends.provisional, change.days
    made.calendar_version = case.rules.calendar.version
    case.ticket.provisional = ends.provisional
    for part in case.role(By.LEAD):
        part.due_at = case.due_at
    await _follow(session, case, cause, basis)
    return change


def held(case: Case) -> dict[str, object]:
    """What a history keeps beside `due_at`, the round's, where the city's own due is what counts (D33)."""
    due_at = case.due_at
    return {"held_to": due_at.isoformat()} if due_at is not None and due_at != case.handling.due_at else {}


async def upstream(session: AsyncSession, case: Case, due_at: datetime, basis: str) -> None:
    """The city's own due becomes `due_at`; what the county's units are held to follows (D33)."""
    case.ticket.upstream_due_at = due_at
    if case.ticket.closed_at is not None:
        return
    for part in case.role(By.LEAD):
        if part.due_at != case.due_at and case.due_at is not None:
            session.add(_row(case, "upstream", basis, part.due_at, case.due_at, part))
            part.due_at = case.due_at
    await _follow(session, case, "upstream", basis)


async def _follow(session: AsyncSession, case: Case, cause: str, basis: str) -> None:
    """The ticket's copy, the assisting units behind the lead, the sub-units; and no mark that is not true any more."""
    case.ticket.due_at = case.due_at
    _move_assists(session, case, cause, basis)
    _pull_subs(case)
    _pull_inner(case)
    await unmark(session, case)


async def unmark(session: AsyncSession, case: Case) -> None:
    """Overdue marks that a later due makes untrue are taken back, with the candidate that one of them opened."""
    for part in case.open_parts:
        if part.overdue_at is not None and part.due_at is not None and _answered_at(case, part) < part.due_at:
            part.overdue_at = None
        if part.sign_overdue_at is not None and part.sign_due_at is not None:
            part.sign_overdue_at = None if (part.signed_at or case.at) < part.sign_due_at else part.sign_overdue_at
    lead = case.lead
    if case.ticket.overdue_at is None or lead is None or lead.overdue_at is not None:
        return
    case.ticket.overdue_at = None
    opened = update(SupervisionCandidate).where(
        SupervisionCandidate.round_id == case.handling.id,
        SupervisionCandidate.ground == "overdue",
        SupervisionCandidate.state == "open",
    )
    void = {"state": "void", "decided_at": case.at, "reason": "到期日已延后，不再逾期"}
    await session.execute(opened.values(void).execution_options(synchronize_session=False))


def _answered_at(case: Case, part: Assignment) -> datetime:
    """What is compared with the due: the answer, for a lead where policy says so the moment of its acceptance (D18)."""
    by_acceptance = part.role == By.LEAD and case.policy[CompletionPolicy].decided_by == "acceptance"
    return case.at if by_acceptance or part.submitted_at is None else part.submitted_at


def _move_assists(session: AsyncSession, case: Case, cause: str, basis: str) -> None:
    """D29: an assisting unit that has not answered stays so many working days before the lead."""
    at = assist_due(case)
    for part in case.role(By.ASSIST):
        if part.submitted_at is None and part.due_at != at and at is not None:
            session.add(_row(case, cause, basis, part.due_at, at, part))
            part.due_at = at


def assist_due(case: Case) -> datetime | None:
    """D29: so many working days before the lead, where the limit is long enough for it."""
    policy, ends = case.policy[AssistPolicy], case.due_at
    if ends is None or (case.handling.limit_days or 1) < policy.earlier_from_limit:
        return ends
    return earlier_by(case, ends, policy.earlier_days)


def _pull_subs(case: Case) -> None:
    """F08-6: a sub-unit's due stays a working day before the part that it answers to; no change of a round's."""
    dues = {part.id: part.due_at for part in case.parts}
    for part in case.role(By.SUB):
        above = dues.get(part.parent_id) if part.parent_id else None
        if above is not None and part.due_at is not None:
            part.due_at = min(part.due_at, earlier_by(case, above, 1))


def _pull_inner(case: Case) -> None:
    """A30-1: what a unit decided for itself never outlasts the due that the county set."""
    for part in case.open_parts:
        if part.inner_due_at is not None and part.due_at is not None:
            part.inner_due_at = min(part.inner_due_at, part.due_at)


def earlier_by(case: Case, due_at: datetime, days: int) -> datetime:
    """The same time so many working days before a due instant (D29, F08-6)."""
    return case.rules.before(due_at, days)


def _row(
    case: Case, cause: str, basis: str, before: datetime | None, after: datetime, part: Assignment | None = None
) -> DueChange:
    change = DueChange(ticket_id=case.ticket.id, round_id=case.handling.id, assignment_id=part.id if part else None)
    change.seq, change.at, change.cause, change.basis = case.ticket.version + 1, case.at, cause, basis
    change.before, change.after = before, after
    return change
