"""What has become of an order, by kind: replies, checks, returns, extensions, due changes, follow-ups, and links."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.db import Base
from core.identity.models import User
from core.permissions import Permission
from crm.members.names import UnitNames, names_of
from crm.queries import story_words as words
from crm.queries.behind import Page, behind
from crm.tickets.acts.refusing import ITEMS
from crm.tickets.case import rows_by_table
from crm.tickets.models import (
    Assignment,
    Dispute,
    DueChange,
    Extension,
    FollowUp,
    IdentityRequest,
    InternalStep,
    QualityCheck,
    Rating,
    Refusal,
    Reply,
    ReturnRequest,
    Retype,
    SupervisionCandidate,
    Ticket,
    Verification,
)
from crm.tickets.said import said


@dataclass(frozen=True)
class Entry:
    """One thing that happened: `head` says what, `text` the words, `facts` the rest as label and value."""

    at: datetime
    head: str
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    waits: bool = False
    files: tuple[str, ...] = ()
    """Ids of the attachments that belong to it."""


@dataclass(frozen=True)
class Section:
    """The entries of one kind, oldest first; a kind of which nothing happened has no section."""

    title: str
    entries: tuple[Entry, ...]

    @property
    def waits(self) -> bool:
        """Whether somebody has to decide on something in it."""
        return any(entry.waits for entry in self.entries)


@dataclass(frozen=True)
class Link:
    """Another order that belongs to this one, and how."""

    how: str
    ticket: Ticket


class Names:
    """Names of units, of people, and of the units of parts, as far as the order's rows speak of them."""

    def __init__(self, units: UnitNames, people: dict[UUID, str], parts: dict[UUID, UUID]) -> None:
        self._units, self._people, self.parts = units, people, parts
        self.replies: dict[str, UUID] = {}
        """Whose part each reply is."""

    def unit(self, id: UUID | None, at: datetime) -> str:
        """The unit's name at the time."""
        return self._units.at(id, at)

    def person(self, id: UUID | None) -> str:
        """The person's name; 系统 where nobody acted."""
        return self._people.get(id, "系统") if id else "系统"

    def gathered(self, reply: Reply) -> str:
        """The units whose opinions an answer gathers."""
        parts = [self.replies[one] for one in reply.gathered if one in self.replies]
        return "、".join(dict.fromkeys(self.of_part(part, reply.submitted_at) for part in parts))

    def of_part(self, id: UUID, at: datetime) -> str:
        """The name of the unit whose part it is."""
        return self.unit(self.parts.get(id), at)


async def story(session: AsyncSession, actor: Actor, ticket: Ticket) -> list[Section]:
    """Everything that happened, as this actor may know it: units see no follow-ups and only their own inner steps."""
    centre = actor.may(Permission.ORDER_VIEW)
    kinds = [kind for kind in KINDS if centre or not kind.centre]
    rows = await rows_by_table(session, ticket.id, [kind.table for kind in kinds])
    if not any(rows.values()):
        return []
    names = await _names(session, ticket)
    names.replies = {str(one.id): one.assignment_id for one in rows.get(Reply, ())}
    if InternalStep in rows:
        mine = {id for id, unit in names.parts.items() if unit == actor.unit_id}
        rows[InternalStep] = [one for one in rows[InternalStep] if one.assignment_id in mine]
    if not centre:
        rows[IdentityRequest] = [one for one in rows[IdentityRequest] if one.unit_id == actor.unit_id]
    return [
        Section(kind.title, tuple(kind.read(one, names) for one in rows[kind.table]))
        for kind in kinds
        if rows[kind.table]
    ]


async def _names(session: AsyncSession, ticket: Ticket) -> Names:
    wanted = select(Assignment.id, Assignment.unit_id).where(Assignment.ticket_id == ticket.id)
    parts = {row.id: row.unit_id for row in await session.execute(wanted)}
    people = {row.id: row.name for row in await session.execute(select(User.id, User.name))}
    return Names(await names_of(session), people, parts)


async def links(session: AsyncSession, actor: Actor, ticket: Ticket, page: Page) -> list[Link]:
    """Orders that were merged into it or split from it, that it repeats or belongs to, by the time of their intake.

    Raises Denied("no-phone-search").
    """
    ups = {ticket.master_id: "并入", ticket.repeat_of: "重复反映自", ticket.split_from: "拆分自"}
    near = or_(
        Ticket.id.in_([id for id in ups if id]),
        Ticket.master_id == ticket.id,
        Ticket.repeat_of == ticket.id,
        Ticket.split_from == ticket.id,
    )
    found = await behind(session, actor, select(Ticket).where(near), Ticket.opened_at, Ticket.id, page)
    return [Link(ups.get(one.id) or _how(one, ticket), one) for (one,) in found]


def _how(one: Ticket, ticket: Ticket) -> str:
    if one.master_id == ticket.id:
        return "并入本单"
    return "再次反映" if one.repeat_of == ticket.id else "由本单拆分"


@dataclass(frozen=True)
class Kind:
    """One kind of thing that happens to orders. `centre`: only for staff of the centre and the bureau."""

    title: str
    table: type[Base]
    read: Callable[[Any, Names], Entry]
    centre: bool = False


def _facts(*pairs: tuple[str, str | None]) -> tuple[tuple[str, str], ...]:
    return tuple((label, value) for label, value in pairs if value)


def _reply(one: Reply, names: Names) -> Entry:
    kind = f"，{words.CLOSE[one.close_kind]}" if one.close_kind else ""
    contact = ""
    if one.contact_exception:
        contact = f"未联系：{words.NO_CONTACT[one.contact_exception]} {one.contact_note}".strip()
    elif one.contact_at:
        contact = f"{said(one.contact_at)}{words.CONTACT[one.contact_method or '']}，经办人{one.contact_person or ''}"
    in_time = one.in_time if one.in_time is not None else one.due_at is None or one.submitted_at < one.due_at
    late = "按期" if in_time else "逾期"
    explained = one.explanation or ("已解释" if one.explained else "")
    facts = _facts(
        ("诉求", words.SOLVED.get(one.solved)),
        ("佐证", one.evidence),
        ("依据", one.citation),
        ("解释回访", explained),
        ("答复诉求人", contact),
        ("凭证", one.contact_reference or ("热线通话记录" if one.contact_call_id else "")),
        ("单位意见", "适宜公开" if one.publish_ok else ""),
        ("时效", late),
        ("汇总", names.gathered(one)),
    )
    unit = names.of_part(one.assignment_id, one.submitted_at)
    head = f"{unit}{words.REPLY[one.role]}{kind}（{words.REPLY_STATE[one.state]}）"
    return Entry(one.submitted_at, head, one.text, facts, one.state == "submitted", tuple(one.attachments))


def _check(one: QualityCheck, names: Names) -> Entry:
    head = f"{names.person(one.checked_by)}{'审核通过' if one.verdict == 'pass' else '发回重办'}"
    given_back = f"{one.compensation_days}个工作日" if one.compensation_days else ""
    return Entry(one.checked_at, head, one.text, _facts(("问题", "、".join(one.reasons)), ("补回", given_back)))


def _return(one: ReturnRequest, names: Names) -> Entry:
    unit, late = names.unit(one.unit_id, one.requested_at), "（超时退单）" if one.late else ""
    head = f"{unit}申请退回{late}：{words.ground(one.ground)}"
    decided = f"{words.RETURN_STATE[one.state]} {one.reason}".strip()
    extra = f"{one.compensation_days}个工作日" if one.compensation_days else ""
    until = said(one.review_due_at) if one.review_due_at and one.state == "open" else ""
    facts = _facts(
        ("改派意见", names.unit(one.suggested_unit_id, one.requested_at)),
        ("结论", decided),
        ("补回", extra),
        ("文号", one.document),
        ("应审核至", until),
    )
    return Entry(one.requested_at, head, one.basis, facts, one.state == "open", tuple(one.attachments))


def _dispute(one: Dispute, names: Names) -> Entry:
    held = f"{said(one.held_at)}召开" if one.held_at else f"应于{said(one.convene_due_at)}前召集"
    outcome = {"refuse": "不予受理", "same": "由原单位承办", "dispatch": "再次派发"}.get(one.outcome or "", "")
    signed = f"{names.person(one.closed_by)}，{said(one.closed_at)}" if one.closed_at else ""
    facts = _facts(("协调会", held), ("主持人", one.chair), ("纪要", one.minutes), ("决定", outcome), ("签发", signed))
    facts += _facts(("文号", one.document))
    head, files = f"争议协调（{words.TRIGGER[one.trigger]}）", tuple(one.attachments)
    return Entry(one.opened_at, head, one.decision, facts, one.closed_at is None, files)


def _extension(one: Extension, names: Names) -> Entry:
    unit = names.of_part(one.assignment_id, one.applied_at)
    head = f"{unit}{'特批' if one.exceptional else '申请'}延期{one.days}个工作日"
    asked = f"{said(one.due_before)} → {said(one.due_asked)}"
    decided = f"{words.EXTENSION_STATE[one.state]} {one.reason}".strip()
    facts = _facts(("理由", words.EXTENSION[one.ground]), ("到期日", asked), ("结论", decided), ("文号", one.document))
    return Entry(one.applied_at, head, one.explanation, facts, one.state == "open")


def _retype(one: Retype, names: Names) -> Entry:
    head = f"{words.category(one.category_before)}改为{words.category(one.category_after)}"
    facts = _facts(("结论", words.RETYPE_STATE[one.state]), ("复核", one.second_reason))
    return Entry(one.proposed_at, head, one.reason, facts, one.state == "proposed")


def _due(one: DueChange, names: Names) -> Entry:
    before = said(one.before) if one.before else "未定"
    return Entry(one.at, f"{words.CAUSE[one.cause]}：{before} → {said(one.after)}", one.basis)


def _follow_up(one: FollowUp, names: Names) -> Entry:
    head = f"第{one.n}次回访：{words.RESULT[one.result]}"
    return Entry(one.at, head, one.words, _facts(("回访员", names.person(one.by))))


def _rating(one: Rating, names: Names) -> Entry:
    solved = words.SOLVED.get(one.solved)
    excluded = "第二十六条，不计入考核" if one.excluded else None
    changed = f"已于{said(one.superseded_at)}更改" if one.superseded_at else None
    facts = _facts(("诉求", solved), ("原因", words.WHY.get(one.reason or "")), ("剔除", excluded), ("更改", changed))
    return Entry(one.at, f"评价：{words.GRADE[one.grade]}", "", facts)


def _verification(one: Verification, names: Names) -> Entry:
    return Entry(one.at, f"责任核实：{words.VERDICT[one.verdict]}", one.basis, _facts(("核实人", names.person(one.by))))


def _candidate(one: SupervisionCandidate, names: Names) -> Entry:
    head = f"{'一二'[one.level - 1]}级督办：{words.SUPERVISION[one.ground]}（{words.CANDIDATE_STATE[one.state]}）"
    return Entry(
        one.opened_at, head, one.reason, _facts(("单位", names.unit(one.unit_id, one.opened_at))), one.state == "open"
    )


def _refusal(one: Refusal, names: Names) -> Entry:
    told = "已告知" if one.told else f"未告知：{one.not_told_reason}"
    facts = _facts(("依据", one.basis), ("转接去向", f"{one.referral}（{told}）"), ("复核", one.second_reason))
    head = f"第十条（{'一二三四五六七'[one.item - 1]}）{ITEMS[one.item]}（{words.REFUSAL_STATE[one.state]}）"
    return Entry(one.proposed_at, head, one.explanation, facts, one.state == "proposed")


def _identity(one: IdentityRequest, names: Names) -> Entry:
    until = said(one.until) if one.until and one.state == "granted" else None
    facts = _facts(("结论", words.IDENTITY_STATE[one.state]), ("意见", one.reason), ("有效至", until))
    head = f"{names.unit(one.unit_id, one.requested_at)}申请查看身份"
    return Entry(one.requested_at, head, one.purpose, facts, one.state == "open")


def _step(one: InternalStep, names: Names) -> Entry:
    done = f"{said(one.done_at)} {names.person(one.done_by)}" if one.done_at else "进行中"
    facts = _facts(("结果", one.result), ("完成", done), ("批示", "分管领导" if one.needs_leader else ""))
    return Entry(one.opened_at, one.name, one.note, facts, one.done_at is None)


KINDS = (
    Kind("答复", Reply, _reply),
    Kind("答复审核", QualityCheck, _check),
    Kind("退回", ReturnRequest, _return),
    Kind("争议协调", Dispute, _dispute),
    Kind("延期", Extension, _extension),
    Kind("改类", Retype, _retype),
    Kind("时限变动", DueChange, _due),
    Kind("内部流转", InternalStep, _step),
    Kind("身份查看", IdentityRequest, _identity),
    Kind("不予受理", Refusal, _refusal, centre=True),
    Kind("回访", FollowUp, _follow_up, centre=True),
    Kind("评价", Rating, _rating, centre=True),
    Kind("责任核实", Verification, _verification, centre=True),
    Kind("督办", SupervisionCandidate, _candidate, centre=True),
)
