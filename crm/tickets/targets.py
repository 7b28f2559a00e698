"""Until when the owner of a state owes the next act: what timers look for (T01–T14, T25, invariant 5). Pure."""

from datetime import datetime, timedelta

from crm.procedure import TargetsPolicy
from crm.tickets.case import Case
from crm.tickets.states import State

WORKING_DAYS = {
    State.RETURNING: "return_review",
    State.DISPUTED: "dispute_meeting",
    State.CHECKING: "quality_check",
    State.ANSWERED: "follow_up",
    State.CLOSED: "follow_up",
    State.FOLLOWING: "follow_up",
    State.VERIFYING: "verification",
    State.RATED: "archive",
    State.SHARED: "archive",
}
"""State -> the name of its target in `TargetsPolicy`."""


def target(case: Case) -> datetime | None:
    """The instant in the case's present state; None at an end."""
    policy, ticket = case.policy[TargetsPolicy], case.ticket
    if case.state is State.DRAFT:
        return ticket.state_since + timedelta(minutes=policy.draft_minutes)
    if case.state is State.CONFIRMED:
        return ticket.state_since + timedelta(minutes=policy.dispatch_minutes)
    if case.state is State.DISPATCHED:
        return case.lead.sign_due_at if case.lead else None
    if case.state is State.HANDLING:
        return case.due_at
    if (name := WORKING_DAYS.get(case.state)) is not None:
        return case.rules.due(ticket.state_since, getattr(policy, name)).at
    return None
