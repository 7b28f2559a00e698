"""答复审核: pass, or send back in the same round while the clock runs on (D18, D19)."""

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.forms import Clean
from crm.procedure import CompletionPolicy, ReturnsPolicy, TargetsPolicy
from crm.tickets.acts.returning import working_days
from crm.tickets.case import Case
from crm.tickets.dues import last_day, move
from crm.tickets.input import Line, Words
from crm.tickets.models import QualityCheck, Reply
from crm.tickets.parts import Outcome, end_round
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.states import By, Stage


class Pass(Given):
    """审核通过."""

    text: Annotated[str, Field(max_length=500), Clean] = ""


class SendBack(Given):
    """发回重办, with what is to be mended."""

    reasons: Annotated[tuple[Line, ...], Field(max_length=10)] = ()
    text: Words
    compensation_days: Annotated[int, Field(ge=0, le=30)] = 0
    """Working days given back, where the check itself took too long."""


def compensation_is_due(case: Case, given: SendBack) -> Objection | None:
    """D19: at most the working days that the check took beyond its own limit, and never more than policy gives."""
    if not given.compensation_days:
        return None
    took = working_days(case, _the(case).submitted_at, case.at)
    beyond = max(0, took - case.policy[TargetsPolicy].quality_check)
    most = min(case.policy[ReturnsPolicy].most_compensation, beyond)
    if given.compensation_days <= most:
        return None
    return Objection(f"审核用时{took}个工作日，最多可补{most}个工作日", "D19", "compensation_days")


def checker_did_not_reply(case: Case) -> Objection | None:
    """Nobody checks an answer of his own."""
    reply = submitted(case)
    if reply is None or case.actor.user_id is None or reply.submitted_by != case.actor.user_id:
        return None
    return Objection("不能审核本人提交的答复，请由其他审核员办理", "D19", "", "own-reply")


@effect(Pass)
async def pass_reply(session: AsyncSession, case: Case, given: Pass) -> Told:
    """The reply is the order's result: the round and all its parts end."""
    reply = _the(case)
    lead = next(part for part in case.role(By.LEAD))
    lead.accepted_at, reply.in_time = case.at, in_time(case, reply)
    end_round(case, Outcome.ACCEPTED, "工单已办结")
    reply.state = "passed"
    ticket = case.ticket
    ticket.closed_at, ticket.close_kind = case.at, reply.close_kind
    session.add(_check(case, reply, "pass", given.text))
    return Told({}, {"reply": str(reply.id), "close_kind": reply.close_kind, "in_time": reply.in_time}, given.text)


@effect(SendBack)
async def send_back(session: AsyncSession, case: Case, given: SendBack) -> Told:
    """The same unit mends it, against the same due, unless the centre gives back days of its own delay (D19)."""
    reply = _the(case)
    reply.state = "sent-back"
    lead = next(part for part in case.role(By.LEAD))
    lead.stage, lead.submitted_at, lead.sent_back = Stage.HANDLING, None, lead.sent_back + 1
    check = _check(case, reply, "send-back", given.text, given.reasons)
    check.compensation_days = given.compensation_days
    session.add(check)
    after: dict[str, Any] = {"reply": str(reply.id), "reasons": list(given.reasons), "times": lead.sent_back}
    if given.compensation_days and case.handling.due_at is not None:
        ends = case.rules.extended(last_day(case), given.compensation_days)
        await move(
            session, case, ends, "compensation", f"答复审核超时补{given.compensation_days}个工作日：{given.text}"
        )
        after |= {"due_at": ends.at.isoformat(), "compensation_days": given.compensation_days}
    return Told({}, after, given.text)


def in_time(case: Case, reply: Reply) -> bool:
    """按期办结 (D18): the submission that is accepted, or by policy its acceptance, against the due in force then; one
    that was moved later meanwhile, by an extension asked for in time or a new calendar, counts as it stands now."""
    dues = [due for due in (reply.due_at, case.due_at) if due is not None]
    by_acceptance = case.policy[CompletionPolicy].decided_by == "acceptance"
    return not dues or (case.at if by_acceptance else reply.submitted_at) < max(dues)


def submitted(case: Case) -> Reply | None:
    """The lead's reply that waits for its check."""
    return next((one for one in reversed(case.rows.get(Reply, [])) if one.state == "submitted"), None)


def _the(case: Case) -> Reply:
    reply = submitted(case)
    if reply is None:
        raise LookupError("an order that is checked has a reply")
    return reply


def _check(case: Case, reply: Reply, verdict: str, text: str, reasons: tuple[str, ...] = ()) -> QualityCheck:
    return QualityCheck(
        ticket_id=case.ticket.id,
        round_id=case.handling.id,
        reply_id=reply.id,
        verdict=verdict,
        reasons=list(reasons),
        text=text,
        due_at=case.ticket.state_due_at,
        checked_at=case.at,
        checked_by=case.actor.user_id,
    )
