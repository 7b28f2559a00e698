"""延期: asked before the due instant, in principle once, at most the original limit (第十五条, D16, D17)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.calendar import Due
from core.db import new_id
from core.forms import Clean
from core.phone import is_mobile
from crm.procedure import ExtensionsPolicy, TargetsPolicy
from crm.tickets.case import Case
from crm.tickets.dues import held, last_day, move
from crm.tickets.input import Words
from crm.tickets.models import Extension
from crm.tickets.rules import Given, Heard, Objection, Told, effect
from crm.tickets.said import said
from crm.tickets.states import By


class Ground(StrEnum):
    """延期理由, as 第十五条 names them."""

    COMPLEX = "complex"
    DIFFICULT = "difficult"
    POLICY = "policy"

    @property
    def label(self) -> str:
        """As the regulation writes it."""
        return {"complex": "情况复杂", "difficult": "办理难度大", "policy": "其他政策性原因"}[self.value]


class Extend(Given):
    """延期申请."""

    ground: Ground
    explanation: Words
    days: Annotated[int, Field(ge=1, le=366)]


class Except(Extend):
    """A further one by the bureau's leader, with its document."""

    document: Annotated[str, Field(min_length=2, max_length=60), Clean]


class Decide(Given):
    """审批意见."""

    reason: Words


def until_due(case: Case) -> datetime | None:
    """在工单到期前."""
    return case.due_at


def before_due(case: Case) -> Objection | None:
    """在工单到期前提出: at the due instant it is too late."""
    due_at = case.due_at
    if due_at is not None and case.at < due_at:
        return None
    when = f"（{said(due_at)}）" if due_at else ""
    return Objection(f"延期申请须在工单到期前{when}提出", "第十五条", "", "extension-too-late")


def granted_before(case: Case) -> int:
    """Granted ones that count: over all rounds of the order, or in this round where policy says so (D16)."""
    if case.policy[ExtensionsPolicy].counted_by == "order":
        return case.ticket.extensions
    mine = (one for one in case.of(Extension) if one.round_id == case.handling.id)
    return sum(one.state == "granted" for one in mine)


def once(case: Case) -> Objection | None:
    """原则上只能申请延期1次."""
    most, before = case.policy[ExtensionsPolicy].most, granted_before(case)
    if before < most:
        return None
    where = "本工单" if case.policy[ExtensionsPolicy].counted_by == "order" else "本轮办理"
    sentence = f"{where}已延期{before}次，原则上只能延期{most}次；再次延期须政数局分管领导批准"
    return Objection(sentence, "第十五条", "", "extension-used")


def none_pending(case: Case) -> Objection | None:
    """One at a time."""
    if not case.ticket.extension_pending:
        return None
    return Objection("已有延期申请待审批", "第十五条", "", "extension-pending")


def one_pending(case: Case) -> Objection | None:
    """There is something to decide."""
    if case.ticket.extension_pending:
        return None
    return Objection("没有待审批的延期申请", "第十五条", "", "no-extension")


def not_longer_than_the_limit(case: Case, given: Extend) -> Objection | None:
    """所延期限不得超过原工单办理时限."""
    sentence = too_long(case, given.days)
    return Objection(sentence, "第十五条", "days") if sentence else None


def too_long(case: Case, days: int) -> str:
    """Why so many days are too many; empty when they are not."""
    most = case.handling.limit_days
    if most is None:
        return "适用特别时限的工单，延期按该规定办理"
    return "" if days <= most else f"原办理时限{most}个工作日，最多可延期{most}个工作日"


def asked(case: Case, days: int) -> Due:
    """The due that would follow: the `days`-th working day after the original due date (D16)."""
    return case.rules.extended(last_day(case), days)


@effect(Extend)
async def apply_extension(session: AsyncSession, case: Case, given: Extend) -> Told:
    """The lead asks; until it is decided the order is not marked overdue, but its clock runs (D17)."""
    extension = _extension(case, given)
    session.add(extension)
    case.ticket.extension_pending = True
    kept = {"days": given.days, "ground": given.ground, "due_asked": extension.due_asked.isoformat()}
    return Told({}, kept, given.explanation, result=extension)


@effect(Decide)
async def grant(session: AsyncSession, case: Case, given: Decide) -> Told:
    """The new due is the k-th working day after the original one, however late it is decided."""
    extension = _settle(case, "granted", given.reason)
    return await _granted(session, case, extension, given.reason)


@effect(Decide)
async def refuse(session: AsyncSession, case: Case, given: Decide) -> Told:
    """The original due stands (D17)."""
    extension = _settle(case, "refused", given.reason)
    return Told({}, {"extension": str(extension.id)}, given.reason)


@effect(Except)
async def extend_exceptionally(session: AsyncSession, case: Case, given: Except) -> Told:
    """原则上 leaves room: asked for and granted at once by the bureau's leader, marked as an exception; of a city's
    order it waits for the city like any other (D33)."""
    extension = _extension(case, given)
    extension.exceptional, extension.document = True, given.document
    session.add(extension)
    if case.ticket.upstream_number:
        case.ticket.extension_pending = True
        kept = {"extension": str(extension.id), "days": given.days, "due_asked": extension.due_asked.isoformat()}
        kept |= {"exceptional": True, "document": given.document}
        return Told({}, kept, given.explanation, result=Heard("市级工单的延期由市级热线中心审批，请随即报市级。"))
    extension.state = "granted"
    extension.decided_at, extension.decided_by = case.at, case.actor.user_id
    return await _granted(session, case, extension, given.explanation)


def _extension(case: Case, given: Extend) -> Extension:
    due_before = case.handling.due_at
    assert due_before is not None  # a guard has seen to it
    return Extension(
        id=new_id(),
        ticket_id=case.ticket.id,
        round_id=case.handling.id,
        assignment_id=case.role(By.LEAD)[0].id,
        applied_at=case.at,
        applied_by=case.actor.user_id,
        ground=given.ground,
        explanation=given.explanation,
        days=given.days,
        due_before=due_before,
        due_asked=asked(case, given.days).at,
        decide_due_at=case.rules.due(case.at, case.policy[TargetsPolicy].extension_decision).at,
        state="open",
    )


def _settle(case: Case, state: str, reason: str) -> Extension:
    extension = next(one for one in case.of(Extension) if one.state in {"open", "forwarded"})
    extension.state, extension.reason = state, reason
    extension.decided_at, extension.decided_by = case.at, case.actor.user_id
    case.ticket.extension_pending = False
    return extension


async def _granted(session: AsyncSession, case: Case, extension: Extension, reason: str) -> Told:
    case.ticket.extensions += 1
    ends = asked(case, extension.days)
    before = extension.due_before.isoformat()
    await move(session, case, ends, "extension", f"延期{extension.days}个工作日：{reason}")
    kept = {"extension": str(extension.id), "days": extension.days, "due_at": ends.at.isoformat()}
    kept |= {"provisional": ends.provisional, "exceptional": extension.exceptional, "document": extension.document}
    return Told({"due_at": before}, kept | held(case), reason, result=Heard(tell_by_voice(case)))


def tell_by_voice(case: Case) -> str:
    """F15-3: what a person is left to say where no SMS can tell the citizen of the new due."""
    ticket = case.ticket
    if case.due_at is None or ticket.sealed:
        return ""
    if ticket.anonymous or ticket.caller_phone is None:
        return "诉求人未留联系方式，延期无法告知。"
    if is_mobile(ticket.caller_phone):
        return ""
    return f"诉求人的号码不能接收短信，请电话告知：工单{ticket.number}的办理期限延至{said(case.due_at)}。"
