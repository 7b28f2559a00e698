"""保密与公开 (第二十二条): how secret an order is, what its citizen wants, and who may know who it is."""

from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from core.db import new_id
from crm.secrecy_policy import SecrecyPolicy
from crm.tickets.case import Case
from crm.tickets.input import Words
from crm.tickets.models import IdentityRequest
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.said import said


class Secrecy(StrEnum):
    """保密级别: 第二十二条 names what is kept; anything but `NONE` is never published and not taken along in lists."""

    NONE = "none"
    PRIVATE = "private"
    COMMERCIAL = "commercial"
    WORK = "work"
    SENSITIVE = "sensitive"
    STATE = "state"

    @property
    def label(self) -> str:
        """As the regulation writes it."""
        return dict(
            zip(Secrecy, ("一般", "个人隐私", "商业秘密", "工作秘密", "敏感事项", "涉及国家秘密"), strict=True)
        )[self]


class Consent(StrEnum):
    """Whether the citizen agrees that the answer is published."""

    UNASKED = "unasked"
    YES = "yes"
    NO = "no"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"unasked": "尚未询问", "yes": "同意公开", "no": "不愿公开"}[self.value]

    @property
    def stored(self) -> bool | None:
        """As the order keeps it."""
        return {"unasked": None, "yes": True, "no": False}[self.value]


class Classified(Given):
    """保密级别 and 公开意愿, with the reason."""

    secrecy: Secrecy
    consent: Consent
    reason: Words


class AskIdentity(Given):
    """Why the unit must know who it is."""

    purpose: Words


class DecideIdentity(Given):
    """The decision with its reason."""

    reason: Words


def identity_is_hidden(case: Case) -> Objection | None:
    """Otherwise there is nothing to ask for."""
    if case.ticket.sealed or case.ticket.confidential:
        return None
    return Objection("本工单的诉求人未要求保密，登记原因即可查看", "第二十二条", "", "not-hidden")


def none_asked(case: Case) -> Objection | None:
    """One request at a time, and none while another holds."""
    for one in case.of(IdentityRequest):
        if one.unit_id == case.actor.unit_id and one.state == "open":
            return Objection("已申请查看身份，等待热线中心主任审批", "第二十二条", "", "identity-asked")
        if one.unit_id == case.actor.unit_id and one.state == "granted" and one.until and case.at < one.until:
            return Objection(f"已批准查看身份，至{said(one.until)}有效", "第二十二条", "", "identity-granted")
    return None


def one_asked(case: Case) -> Objection | None:
    """There is a request to decide on."""
    if waiting(case) is not None:
        return None
    return Objection("没有待审批的身份查看申请", "第二十二条", "", "nothing-waits")


def waiting(case: Case) -> IdentityRequest | None:
    """The oldest request that waits."""
    return next((one for one in case.of(IdentityRequest) if one.state == "open"), None)


@effect(Classified)
async def classify(session: AsyncSession, case: Case, given: Classified) -> Told | None:
    """F22-1: a named person says so; what is secret or unwanted is never published."""
    ticket = case.ticket
    before = {"secrecy": ticket.secrecy, "publish_ok": ticket.publish_ok}
    after = {"secrecy": given.secrecy.value, "publish_ok": given.consent.stored}
    if before == after:
        return None
    ticket.secrecy, ticket.publish_ok = given.secrecy.value, given.consent.stored
    return Told(before, after, given.reason)


@effect(AskIdentity)
async def ask_identity(session: AsyncSession, case: Case, given: AskIdentity) -> Told:
    """F22-3: the handling unit says why."""
    part = case.part
    request = IdentityRequest(
        id=new_id(),
        ticket_id=case.ticket.id,
        assignment_id=part.id,
        unit_id=part.unit_id,
        requested_at=case.at,
        requested_by=case.actor.user_id,
        purpose=given.purpose,
        state="open",
    )
    session.add(request)
    return Told({}, {"request": str(request.id)}, given.purpose)


@effect(DecideIdentity)
async def grant_identity(session: AsyncSession, case: Case, given: DecideIdentity) -> Told:
    """The unit may see it for some working days, each look with its reason on record."""
    request = _decided(case, "granted", given.reason)
    request.until = case.rules.due(case.at, case.policy[SecrecyPolicy].identity_days).at
    return Told({}, {"request": str(request.id), "until": request.until.isoformat()}, given.reason)


@effect(DecideIdentity)
async def refuse_identity(session: AsyncSession, case: Case, given: DecideIdentity) -> Told:
    """It stays hidden."""
    request = _decided(case, "refused", given.reason)
    return Told({}, {"request": str(request.id)}, given.reason)


def _decided(case: Case, state: str, reason: str) -> IdentityRequest:
    request = waiting(case)
    if request is None:
        raise LookupError("a request is decided that waits")
    request.state, request.reason = state, reason
    request.decided_at, request.decided_by = case.at, case.actor.user_id
    return request
