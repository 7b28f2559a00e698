"""Moving a due date: the only way there is, one row for each movement (invariant 2)."""

from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from core.calendar import Due, WorkCalendar
from core.clock import local
from crm.clocks import days_as_json
from crm.installed import installed
from crm.procedure import AssistPolicy
from crm.tickets.case import Case
from crm.tickets.models import DueChange
from crm.tickets.states import By


def last_day(case: Case) -> date:
    """The last day of the present round's due, which itself is exclusive (D3)."""
    assert case.handling.due_at is not None
    return local(case.handling.due_at - timedelta(microseconds=1)).date()


def move(session: AsyncSession, case: Case, ends: Due, cause: str, basis: str) -> DueChange:
    """The round's due becomes `ends`, with the lead's, the assisting units' behind it and the ticket's copy."""
    made, ticket = case.handling, case.ticket
    change = DueChange(
        ticket_id=ticket.id,
        round_id=made.id,
        seq=ticket.version + 1,
        at=case.at,
        cause=cause,
        before=made.due_at,
        after=ends.at,
        days=days_as_json(ends),
        basis=basis,
    )
    session.add(change)
    made.due_at, made.provisional, made.days = ends.at, ends.provisional, change.days
    made.calendar_version = case.rules.calendar.version
    ticket.due_at, ticket.provisional = ends.at, ends.provisional
    if ticket.overdue_at is not None and case.at < ends.at:
        ticket.overdue_at = None
    for part in case.role(By.LEAD):
        part.due_at = ends.at
        if case.at < ends.at:
            part.overdue_at = None
    _move_assists(session, case, ends, cause, basis)
    _pull_subs(case)
    _pull_inner(case)
    return change


def _move_assists(session: AsyncSession, case: Case, ends: Due, cause: str, basis: str) -> None:
    """D29: an assisting unit that has not answered stays so many working days before the lead."""
    policy = case.policy[AssistPolicy]
    earlier = policy.earlier_days if (case.handling.limit_days or 0) >= policy.earlier_from_limit else 0
    at = earlier_by(case, ends.at, earlier)
    for part in case.role(By.ASSIST):
        if part.submitted_at is None and part.due_at != at:
            change = DueChange(ticket_id=part.ticket_id, round_id=part.round_id, assignment_id=part.id)
            change.seq, change.at, change.cause, change.basis = case.ticket.version + 1, case.at, cause, basis
            change.before, change.after = part.due_at, at
            session.add(change)
            part.due_at = at


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
    return before_by(case.rules.calendar, due_at, days)


def effective(due_at: datetime | None, upstream_due_at: datetime | None, buffer: int) -> datetime | None:
    """D33: what an upstream order is held to: the county's due, or `buffer` working days before the city's."""
    if upstream_due_at is None:
        return due_at
    city = before_by(installed().calendar, upstream_due_at, buffer)
    return city if due_at is None else min(due_at, city)


def before_by(calendar: WorkCalendar, due_at: datetime, days: int) -> datetime:
    """The same time so many working days before a due instant."""
    first = day = local(due_at - timedelta(microseconds=1)).date()
    while days:
        day -= timedelta(days=1)
        days -= calendar.kind(day).works
    return due_at - (first - day)
