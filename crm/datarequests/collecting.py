"""What is held on a number, as its citizen may have it: his own words in full, what is others' masked or left out.

A telephone may be shared: what was registered under another name, or without one at the caller's wish, is named and not
given. A 举报 stays sealed as it does everywhere; its call with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.callbacks.models import CallbackTask
from callflow.models import Call
from callflow.nuisance.models import Ground, NuisanceCaller
from callflow.rules import Direction
from core import phone
from core.clock import now
from core.db import among
from core.identity.models import Unit
from core.ledger.models import LedgerEntry
from core.personal import mask_name
from crm.citizens.restrictions import is_restricted
from crm.citizens.service import known
from crm.county.categories import LABELS as CATEGORIES
from crm.county.categories import Category
from crm.datarequests.held import calls_of, orders_of
from crm.datarequests.models import DataRequest
from crm.datarequests.rules import Kind
from crm.datarequests.rules import State as Stage
from crm.sms.models import Sms, SmsReply
from crm.sms.rules import SmsState
from crm.tickets.masking import mask_numbers
from crm.tickets.models import Assignment, Reply, Ticket
from crm.tickets.states import By, State
from recordings.models import Recording, Side
from recordings.said import said

SEALED = "举报内容密封，不随复制件提供"
GIVEN = ("passed", "reworked")
"""Replies that the citizen has been told: those that were sent back are none."""
OTHERS = "以其他姓名或匿名登记，不属申请人的内容不提供"
LOOKS = {
    "personal.unmask": "登记原因后查看完整姓名、电话",
    "personal.handle": "承办来电、回拨时查看姓名、电话",
    "recording.open": "登记原因后调听录音",
    "recording.listen": "播放录音",
    "attachment.read": "查看附件",
}
"""Looks at a citizen's data that the ledger keeps, as he reads them."""


@dataclass(frozen=True)
class Order:
    """One order with its replies; `withheld` says why nothing of it is given."""

    ticket: Ticket
    category: str
    state: str
    withheld: str
    content: str
    replies: Sequence[tuple[str, str, datetime]] = ()
    """Unit, text, instant."""


@dataclass(frozen=True)
class Talk:
    """One call with what the citizen said, and its recordings."""

    call: Call
    withheld: str
    said: Sequence[str]
    recordings: Sequence[Recording]

    @property
    def direction(self) -> str:
        """`来电` or `去电`."""
        return "来电" if self.call.direction == Direction.INBOUND else "去电"


@dataclass(frozen=True)
class Held:
    """All of it. Numbers of other people in texts are masked."""

    request: DataRequest
    at: datetime
    phone: str
    profile: Sequence[tuple[str, str]]
    orders: Sequence[Order]
    talks: Sequence[Talk]
    messages: Sequence[tuple[datetime, str, str]]
    """Instant, text, what became of it."""
    registers: Sequence[tuple[datetime, str, str]]
    """What else was registered of the number: instant, register, how it stands."""
    looks: Sequence[tuple[str, int]]
    counts: dict[str, int] = field(default_factory=dict)


async def collect(session: AsyncSession, row: DataRequest) -> Held:
    """What the request's number has, or of the named orders alone."""
    tickets = (await session.scalars(orders_of(row.phone, row.orders))).all()
    closed = {one.call_id: why for one in tickets if one.call_id and (why := withheld(one, row.name))}
    calls = (await session.scalars(calls_of(row.phone))).all()
    if row.orders:
        calls = [one for one in calls if one.id in {ticket.call_id for ticket in tickets}]
    talks = await _talks(session, calls, closed)
    texts = await _messages(session, row, tickets)
    orders = await _orders(session, tickets, row.name)
    recordings = [one for talk in talks for one in talk.recordings]
    subjects = [one.id for one in (*tickets, *calls, *recordings)]
    counts = {"orders": len(orders), "calls": len(talks), "recordings": len(recordings), "messages": len(texts)}
    looks = await _looks(session, [str(one) for one in subjects])
    others = [] if row.orders else await _registers(session, row)
    return Held(
        row, now(), phone.show(row.phone), await _profile(session, row), orders, talks, texts, others, looks, counts
    )


def withheld(ticket: Ticket, name: str) -> str:
    """Why an order of the number is not given to this applicant; empty: it is."""
    if ticket.sealed:
        return SEALED
    return OTHERS if ticket.anonymous or ticket.caller_name not in (None, "", name) else ""


async def _profile(session: AsyncSession, row: DataRequest) -> list[tuple[str, str]]:
    found = (await known(session, row.phone)).get(row.phone)
    restricted = "是" if await is_restricted(session, row.phone) else "否"
    if found is None:
        return [("电话", phone.show(row.phone)), ("档案", "没有建立诉求人档案"), ("限制处理", restricted)]
    own = found.name in (None, "", row.name)
    name = found.name if own else f"{mask_name(found.name or '')}（以其他姓名登记）"
    return [
        ("电话", phone.show(row.phone)),
        ("姓名", name or "未留姓名"),
        ("住址", (found.address if own else None) or "未留住址"),
        ("类型", "企业" if found.kind == "enterprise" else "个人"),
        ("不愿接受回访", "是" if found.no_callback else "否"),
        ("限制处理", restricted),
    ]


async def _orders(session: AsyncSession, tickets: Sequence[Ticket], name: str) -> list[Order]:
    wanted = select(Reply, Unit.name).join(Assignment, Assignment.id == Reply.assignment_id)
    wanted = wanted.join(Unit, Unit.id == Assignment.unit_id).where(Reply.role == By.LEAD, Reply.state.in_(GIVEN))
    told: dict[object, list[tuple[str, str, datetime]]] = {}
    given = [one.id for one in tickets if not withheld(one, name) and one.secrecy == "none"]
    for reply, unit in await session.execute(wanted.where(among(Reply.ticket_id, given)).order_by(Reply.submitted_at)):
        told.setdefault(reply.ticket_id, []).append((unit, mask_numbers(reply.text), reply.submitted_at))
    return [
        Order(
            one,
            CATEGORIES[Category(one.category)] if one.category else "",
            State(one.state).spoken,
            why := withheld(one, name),
            "" if why else mask_others(one.content, one.caller_phone),
            told.get(one.id, ()),
        )
        for one in tickets
    ]


def mask_others(text: str, own: str | None) -> str:
    """The text with every number masked but the citizen's own."""
    mine = phone.show(own) if own else ""
    return mine.join(mask_numbers(part) for part in text.split(mine)) if mine else mask_numbers(text)


async def _talks(session: AsyncSession, calls: Sequence[Call], closed: dict[object, str]) -> list[Talk]:
    open_ = [one.id for one in calls if one.id not in closed]
    own: dict[object, list[str]] = {}
    for line in await said(session, open_, side=Side.CITIZEN):
        own.setdefault(line.call_id, []).append(mask_numbers(line.text))
    recorded: dict[object, list[Recording]] = {}
    wanted = select(Recording).where(among(Recording.call_id, open_))
    for recording in await session.scalars(wanted.order_by(Recording.started_at, Recording.id)):
        recorded.setdefault(recording.call_id, []).append(recording)
    return [Talk(one, closed.get(one.id, ""), own.get(one.id, ()), recorded.get(one.id, ())) for one in calls]


async def _messages(
    session: AsyncSession, row: DataRequest, tickets: Sequence[Ticket]
) -> list[tuple[datetime, str, str]]:
    """What was sent to the number, and what came back from it."""
    hidden: dict[UUID | None, str] = {one.id: why for one in tickets if (why := withheld(one, row.name))}
    sent, back = select(Sms).where(Sms.to.matches(row.phone)), select(SmsReply).where(SmsReply.phone.matches(row.phone))
    if row.orders:
        ids = [one.id for one in tickets]
        sent, back = sent.where(among(Sms.ticket_id, ids)), back.where(among(SmsReply.ticket_id, ids))
    found = [
        (one.created_at, hidden.get(one.ticket_id, one.text), SmsState(one.state).label)
        for one in await session.scalars(sent)
    ]
    found += [
        (one.at, hidden.get(one.ticket_id, mask_others(one.text, row.phone)), "市民回复")
        for one in await session.scalars(back)
    ]
    return sorted(found)


async def _registers(session: AsyncSession, row: DataRequest) -> list[tuple[datetime, str, str]]:
    found: list[tuple[datetime, str, str]] = []
    confirmed = (NuisanceCaller.phone.matches(row.phone), NuisanceCaller.confirmed_at.is_not(None))
    for one in await session.scalars(select(NuisanceCaller).where(*confirmed)):
        stands = "已解除" if one.ended_at else f"复核日期{one.review_on:%Y-%m-%d}"
        words = f"{Ground(one.ground).label}：{mask_numbers(one.reason)}；{stands}"
        found.append((one.proposed_at, "恶意骚扰登记", words))
    for task in await session.scalars(select(CallbackTask).where(CallbackTask.phone.matches(row.phone))):
        found.append((task.created_at, "回拨任务", "已完成" if task.done_at else "待回拨"))
    for other in await session.scalars(select(DataRequest).where(DataRequest.phone.matches(row.phone))):
        if other.name == row.name:
            words = f"{other.number} {Kind(other.kind).label}，{Stage(other.state).label}"
            found.append((other.registered_at, "个人信息申请", words))
    return sorted(found)


async def _looks(session: AsyncSession, subjects: Sequence[str]) -> list[tuple[str, int]]:
    of = LedgerEntry
    counted = select(of.action, func.count()).where(
        of.subject.in_(("order", "call", "recording")), among(of.subject_id, subjects), of.action.in_(LOOKS)
    )
    found = {row[0]: row[1] for row in await session.execute(counted.group_by(of.action))}
    return [(words, found[action]) for action, words in LOOKS.items() if action in found]
