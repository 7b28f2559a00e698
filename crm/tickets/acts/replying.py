"""答复: the lead's result with its contact proof, the assisting units' opinions (第十二条(四)(六), 第八条(四))."""

import re
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import new_id
from core.forms import Clean
from crm.tickets.acts.gathering import to_gather
from crm.tickets.case import Case
from crm.tickets.input import Line, Text
from crm.tickets.models import Reply
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.said import said
from crm.tickets.states import By, Stage

PERSONAL_NUMBER = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")
"""A mobile or an identity number; telephones of offices are none."""


class CloseKind(StrEnum):
    """办结方式 that a unit may state (第十二条(六)); other ends are the centre's."""

    HANDLED = "handled"
    NO_BASIS = "no-basis"

    @property
    def label(self) -> str:
        """As the regulation writes it."""
        return {"handled": "办理完毕", "no-basis": "诉求无政策法规依据"}[self.value]


class Contact(StrEnum):
    """How the unit told the citizen."""

    PHONE = "phone"
    VISIT = "visit"
    SMS = "sms"
    LETTER = "letter"
    ONLINE = "online"


class NoContact(StrEnum):
    """Why nobody was told: the exceptions that are allowed."""

    ANONYMOUS = "anonymous"
    UNREACHABLE = "unreachable"
    NOT_WANTED = "not-wanted"
    WRONG_NUMBER = "wrong-number"


class CoReply(Given):
    """协办意见."""

    text: Text
    attachments: Annotated[tuple[UUID, ...], Field(max_length=20)] = ()


class Submission(Given):
    """办结提交: what was done, and how the citizen was told."""

    text: Text
    close_kind: CloseKind = CloseKind.HANDLED
    solved: bool | None = None
    evidence: Annotated[str, Field(max_length=500), Clean] = ""
    citation: Annotated[str, Field(max_length=300), Clean] = ""
    explained: bool = False
    explanation: Annotated[str, Field(max_length=1000), Clean] = ""
    contact_method: Contact | None = None
    contact_at: AwareDatetime | None = None
    contact_person: Line = ""
    contact_call_id: UUID | None = None
    contact_reference: Annotated[str, Field(max_length=120), Clean] = ""
    contact_exception: NoContact | None = None
    contact_note: Annotated[str, Field(max_length=500), Clean] = ""
    publish_ok: bool = False
    missing_assists_recorded: bool = False
    """协办逾期未复: the lead answers without them, and says so."""
    attachments: Annotated[tuple[UUID, ...], Field(max_length=20)] = ()

    def calls(self) -> list[UUID]:
        """The call in which the citizen was told."""
        return [self.contact_call_id] if self.contact_call_id else []


def result_is_shown(case: Case, given: Submission) -> Objection | None:
    """F12.6-1: 办理完毕 says whether the demand is solved, and shows it: a file, a document's number, a description."""
    if given.close_kind is not CloseKind.HANDLED:
        return None
    if given.solved is None:
        return Objection("请说明诉求是否解决", "第十二条(六)", "solved")
    if given.attachments or len(given.evidence) >= 4:
        return None
    return Objection("请上传佐证材料，或写明办理佐证（照片、文书编号、现场核实情况等）", "第十二条(六)", "evidence")


def contact_is_proven(case: Case, given: Submission) -> Objection | None:
    """A12.4-1: told by whom, when and how, or an allowed exception with its words."""
    if given.contact_exception is not None:
        needed = {NoContact.UNREACHABLE, NoContact.NOT_WANTED, NoContact.WRONG_NUMBER}
        if given.contact_exception in needed and len(given.contact_note) < 4:
            return Objection("请说明未能联系诉求人的经过", "第十二条(四)", "contact_note")
        if given.contact_exception is NoContact.ANONYMOUS and not case.ticket.anonymous and case.ticket.caller_phone:
            return Objection("该工单留有联系方式，不能以匿名为由不联系", "第十二条(四)", "contact_exception")
        return None
    for name, sentence in (("contact_method", "请选择答复方式"), ("contact_at", "请填写答复时间")):
        if getattr(given, name) is None:
            return Objection(f"{sentence}，或选择未联系的原因", "第十二条(四)", name)
    return None if given.contact_person else Objection("请填写答复的经办人", "第十二条(四)", "contact_person")


def contact_lies_in_the_handling(case: Case, given: Submission) -> Objection | None:
    """Nobody was told before the order came, or after now."""
    if given.contact_at is None or case.round is None:
        return None
    if case.round.dispatched_at <= given.contact_at <= case.at:
        return None
    return Objection(f"答复时间应在{said(case.round.dispatched_at)}派发之后、此刻之前", "第十二条(四)", "contact_at")


def names_no_third_person(case: Case, given: Submission) -> Objection | None:
    """A12.4-2: a mobile or identity number that is not the citizen's own is masked first; in a 举报, any is."""
    own = case.ticket.caller_phone.removeprefix("+86") if case.ticket.caller_phone and not case.ticket.sealed else None
    found = [hit for hit in PERSONAL_NUMBER.findall(given.text) if hit != own]
    if not found:
        return None
    shown = "、".join(f"{hit[:3]}****{hit[-2:]}" for hit in found)
    return Objection(f"答复含有他人的电话或证件号码：{shown}，请隐去后提交", "第二十二条", "text")


def second_kind_is_cited(case: Case, given: Submission) -> Objection | None:
    """A12.6-1: 无政策法规依据 names law or policy and article."""
    if given.close_kind is not CloseKind.NO_BASIS or len(given.citation) >= 4:
        return None
    return Objection("请写明依据的政策法规名称和条款", "第十二条(六)", "citation")


def second_kind_is_explained(case: Case, given: Submission) -> Objection | None:
    """F12.6-1: and the citizen was told why, with a record of it (第二十六条(二)); not so where nobody was reached."""
    if given.contact_exception is not None:
        if not given.explained:
            return None
        return Objection("未联系到诉求人的，不能登记已解释", "第二十六条(二)", "explained")
    if given.close_kind is not CloseKind.NO_BASIS:
        return None
    if not given.explained:
        return Objection("请先向诉求人解释并登记解释回访", "第二十六条(二)", "explained")
    if len(given.explanation) >= 4:
        return None
    return Objection("请填写解释回访记录：解释了什么、诉求人的意见", "第二十六条(二)", "explanation")


def assists_have_replied(case: Case, given: Submission) -> Objection | None:
    """A08-4: no result while a co-reply is open, unless 协办逾期未复 is recorded."""
    late = [part for part in case.role(By.ASSIST) if part.submitted_at is None]
    if not late:
        return None
    if any(part.due_at is not None and case.at < part.due_at for part in late):
        until = max(part.due_at for part in late if part.due_at is not None)
        return Objection(f"还有协办单位未回复，其时限至{said(until)}", "第八条(四)", "", "assist-open")
    if given.missing_assists_recorded:
        return None
    return Objection("协办单位逾期未复，请登记后提交", "第二十八条(一)", "missing_assists_recorded")


@effect(CoReply)
async def co_reply(session: AsyncSession, case: Case, given: CoReply) -> Told:
    """The assisting unit's opinion for the lead's answer, or a sub-unit's for its unit, which checks it."""
    part = case.part
    part.submitted_at, part.stage = case.at, Stage.SUBMITTED
    reply = _reply(case, given.text, "submitted" if part.role == By.SUB else "noted", given.attachments)
    session.add(reply)
    return Told({}, {"reply": str(reply.id), "in_time": part.due_at is None or case.at < part.due_at}, result=reply)


KEPT = (
    *("citation", "explained", "explanation", "solved", "evidence", "publish_ok"),
    *("contact_at", "contact_call_id", "contact_reference", "contact_note"),
)
"""Fields of a submission that its reply keeps as they are."""


@effect(Submission)
async def submit(session: AsyncSession, case: Case, given: Submission) -> Told:
    """The lead hands in its result; what counts is this instant against the due in force now (D18)."""
    part = case.part
    part.submitted_at, part.stage = case.at, Stage.SUBMITTED
    reply = _reply(case, given.text, "submitted", given.attachments)
    reply.due_at = part.due_at
    for name in KEPT:
        setattr(reply, name, getattr(given, name))
    reply.close_kind, reply.contact_method = given.close_kind, given.contact_method
    reply.contact_exception, reply.contact_person = given.contact_exception, given.contact_person or None
    late = [part.unit_id for part in case.role(By.ASSIST) if part.submitted_at is None]
    reply.overdue_assists = [str(unit_id) for unit_id in late]
    reply.gathered = [str(one.id) for one in to_gather(case.of(Reply), case.parts, part)]
    session.add(reply)
    in_time = reply.due_at is None or case.at < reply.due_at
    after: dict[str, Any] = {"reply": str(reply.id), "close_kind": given.close_kind, "in_time": in_time}
    return Told({}, after | {"overdue_assists": reply.overdue_assists}, result=reply)


def _reply(case: Case, text: str, state: str, attachments: tuple[UUID, ...]) -> Reply:
    part = case.part
    return Reply(
        id=new_id(),
        ticket_id=case.ticket.id,
        round_id=case.handling.id,
        assignment_id=part.id,
        role=part.role,
        text=text,
        submitted_at=case.at,
        submitted_by=case.actor.user_id,
        due_at=part.due_at,
        state=state,
        attachments=[str(one) for one in attachments],
    )
