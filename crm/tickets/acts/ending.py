"""即时办结, 并单, 转接, 拆分, 重复件: other ways in which intake ends (第十一条, 第十三条, D28, F09-1)."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import local
from core.db import new_id
from core.events import publish
from core.forms import Clean
from core.phone import is_mobile
from crm.county.categories import Category
from crm.installed import installed
from crm.knowledge.uses import note
from crm.policy import OrdersPolicy, SmsPolicy
from crm.procedure import TargetsPolicy
from crm.sms import service as sms
from crm.sms.text import answer as answer_words
from crm.tickets.acts.refusing import drop_waiting
from crm.tickets.case import Case
from crm.tickets.events import TicketActed
from crm.tickets.history import append, entry, write
from crm.tickets.input import Correction, Text, Words
from crm.tickets.models import Ticket
from crm.tickets.numbers import new_code, next_numbers
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.states import WITH_UNITS, Act, State

MAX_PARTS = 5
NO_MOBILE = "来电人匿名或来电号码不能接收短信，答复已口头告知"
COPIED = (
    "source",
    "example",
    "original_hotline",
    "citizen_id",
    "caller_phone",
    "caller_name",
    "anonymous",
    "confidential",
)
"""What the orders of one call share."""


class Answer(Given):
    """即时答复: what was said; where it follows an item of the knowledge base, the item and its version (F13-4)."""

    text: Text
    knowledge_item: Annotated[str, Field(max_length=40, pattern=r"^([A-Za-z0-9][A-Za-z0-9-]*)?$"), Clean] = ""
    knowledge_version: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    by_sms: bool = False
    """Whether the item's own text goes to the caller as well, who asked for it."""


class Merge(Given):
    """并单: the order that has the same matter and is being handled."""

    master_id: UUID
    reason: Words

    def orders(self) -> list[UUID]:
        """The master."""
        return [self.master_id]


class Transfer(Given):
    """转接: the caller was put through to whom the matter belongs, an entry of the directory; and what came of it."""

    referral_id: UUID
    note: Annotated[str, Field(max_length=200), Clean] = ""

    def referrals(self) -> list[UUID]:
        """Where the caller was put through to."""
        return [self.referral_id]


class Repeat(Given):
    """重复反映: the earlier order of the same matter, which has ended."""

    earlier_id: UUID

    def orders(self) -> list[UUID]:
        """The earlier one."""
        return [self.earlier_id]


class Split(Given):
    """拆分: one call, several matters; each further one with its own fields."""

    parts: Annotated[tuple[Correction, ...], Field(min_length=1, max_length=MAX_PARTS)]


def item_has_its_version(case: Case, given: Answer) -> Objection | None:
    """F13-4: which version was read out can be told later (第二十八条(六)): item and version, or neither."""
    if bool(given.knowledge_item) == (given.knowledge_version is not None):
        return None
    missing = "knowledge_version" if given.knowledge_item else "knowledge_item"
    return Objection("依据知识库条目答复的，请填写条目编号和版本", "第十三条", missing)


def sms_tells_an_item(case: Case, given: Answer) -> Objection | None:
    """What leaves by SMS was reviewed and is about nobody: an item's text, and nothing of a 举报 (D31)."""
    if not given.by_sms:
        return None
    if case.ticket.sealed:
        return Objection("举报工单不发送答复短信", "第二十八条(八)", "by_sms")
    if not given.knowledge_item:
        return Objection("短信只发送知识库条目的答复，请先选用条目", "D31", "by_sms")
    return None


def came_by_call(case: Case) -> Objection | None:
    """Only who calls can be put through; a letter is refused or shared."""
    if case.ticket.call_id is not None:
        return None
    return Objection("不是来电形成的工单，不能登记转接", "第十一条", "", "no-call")


def target_is_listed(case: Case, given: Transfer) -> Objection | None:
    """第十一条: where the caller was put through to can be told later."""
    if given.referral_id in case.referrals:
        return None
    return Objection("请从在用的转接去向中选择", "第十一条", "referral_id")


def master_is_open(case: Case, given: Merge) -> Objection | None:
    """Only an order that units have, and not the order itself."""
    master = case.orders.get(given.master_id)
    if master is not None and master.id != case.ticket.id and State(master.state) in WITH_UNITS:
        return None
    return Objection("请选择正在办理的同一事项工单", "D28", "master_id")


def master_is_no_secret(case: Case, given: Merge) -> Objection | None:
    """A 举报 is merged with a 举报 only: else its citizen would be told of it, or its identity lie open."""
    master = case.orders.get(given.master_id)
    if master is None or master.sealed == case.ticket.sealed:
        return None
    return Objection("举报工单只能与举报工单并单", "第二十八条(八)", "master_id")


def earlier_has_ended(case: Case, given: Repeat) -> Objection | None:
    """While the earlier one is open, the new one is merged into it."""
    earlier = case.orders.get(given.earlier_id)
    ended = {State.CLOSED, State.FOLLOWING, State.VERIFYING, State.RATED, State.ARCHIVED, State.ANSWERED}
    if earlier is not None and earlier.id != case.ticket.id and State(earlier.state) in ended:
        return None
    return Objection("请选择已办结的同一事项工单；正在办理的请并单", "D28", "earlier_id")


def every_part_is_whole(case: Case, given: Split) -> Objection | None:
    """A part has its category, title and words; its caller is the call's."""
    for number, part in enumerate(given.parts, 1):
        if part.category is None or not part.title or not part.content:
            return Objection(f"第{number}项请填写类别、标题和内容", "第九条", "parts")
        if part.caller_name is not None or part.caller_phone is not None:
            return Objection("拆分的工单与原工单为同一诉求人", "第九条", "parts")
    return None


def earlier_is_no_secret(case: Case, given: Repeat) -> Objection | None:
    """A 举报 repeats only a 举报: the caller of the one would be known from the other."""
    earlier = case.orders.get(given.earlier_id)
    if earlier is None or earlier.sealed == case.ticket.sealed:
        return None
    return Objection("举报工单只能与举报工单关联", "第二十八条(八)", "earlier_id")


@effect(Answer)
async def answer(session: AsyncSession, case: Case, given: Answer) -> Told:
    """对能根据知识库进行答复的来电，即时答复办结."""
    ticket = case.ticket
    ticket.accepted_at = ticket.accepted_at or case.at
    ticket.closed_at, ticket.close_kind, ticket.close_reason = case.at, "answered", given.text
    item, version = given.knowledge_item.upper(), given.knowledge_version
    if item and version:
        told = await note(session, case.actor, ticket.id, ticket.call_id, item, version)
        if given.by_sms:
            await _send(session, ticket, told.answer)
    ticket.knowledge_item, ticket.knowledge_version = item or None, version
    after = {"knowledge_item": ticket.knowledge_item, "knowledge_version": ticket.knowledge_version}
    return Told({}, after | ({"by_sms": True} if given.by_sms else {}), given.text)


async def _send(session: AsyncSession, ticket: Ticket, text: str) -> None:
    to = None if ticket.anonymous else ticket.caller_phone
    why_not = sms.EXAMPLE if ticket.example else "" if to and is_mobile(to) else NO_MOBILE
    words = answer_words(installed().policy[SmsPolicy], text)
    key = f"answer:{ticket.id}"
    await sms.queue(session, key=key, ticket_id=ticket.id, to=to, text=words, why="随即时答复生成", why_not=why_not)


@effect(Merge)
async def merge(session: AsyncSession, case: Case, given: Merge) -> Told:
    """The master counts one report more; no second clock runs (D28)."""
    ticket, master = case.ticket, case.orders[given.master_id]
    ticket.master_id, ticket.closed_at, ticket.close_kind = master.id, case.at, "merged"
    ticket.close_reason = given.reason
    drop_waiting(case, "工单已并单")
    master.report_count = await reports(session, master)
    master.version += 1
    after = {"number": ticket.number, "report_count": master.report_count}
    what: dict[str, Any] = {"article": "第十二条(一)", "reason": given.reason}
    await append(session, master, case.actor, Act.JOINED, origin="desk", after=after, **what)
    await publish(session, TicketActed(ticket_id=master.id, seq=master.version, act=Act.JOINED))
    return Told({}, {"master": master.number, "report_count": master.report_count}, given.reason)


@effect(Transfer)
async def transfer(session: AsyncSession, case: Case, given: Transfer) -> Told:
    """帮助转接，并将转接去向告知诉求人: the call went on elsewhere, no unit of the platform has anything to do."""
    ticket = case.ticket
    to = case.referrals[given.referral_id].said
    reason = f"{to}：{given.note}" if given.note else to
    ticket.closed_at, ticket.close_kind, ticket.close_reason = case.at, "transferred", reason
    return Told({}, {"transferred_to": to}, reason)


@effect(Repeat)
async def repeat(session: AsyncSession, case: Case, given: Repeat) -> Told:
    """The same matter again, after it was closed: counted on, with a clock of its own."""
    earlier = case.orders[given.earlier_id]
    before = {"report_count": case.ticket.report_count}
    case.ticket.repeat_of = earlier.id
    case.ticket.report_count = await reports(session, case.ticket)
    return Told(before, {"repeat_of": earlier.number, "report_count": case.ticket.report_count})


async def reports(session: AsyncSession, ticket: Ticket) -> int:
    """How often an order's matter was reported (D14): by itself, by what was merged into it and by what it repeats, and
    by what those stand for; each order once, however they are linked."""
    linked = select(Ticket.id, Ticket.repeat_of).where(Ticket.id == ticket.id).cte("linked", recursive=True)
    further = select(Ticket.id, Ticket.repeat_of).join(
        linked, or_(Ticket.master_id == linked.c.id, Ticket.id == linked.c.repeat_of)
    )
    count: int = (await session.execute(select(func.count()).select_from(linked.union(further)))).scalar_one()
    return count


@effect(Split)
async def split(session: AsyncSession, case: Case, given: Split) -> Told:
    """Orders of their own for the further matters, with one query code; the call is counted once (A09-2).

    A 举报 is linked with nothing: whoever reads it must not find its caller in an order beside it.
    """
    first = case.ticket
    numbers = await next_numbers(session, installed().policy[OrdersPolicy], [local(case.at).date()] * len(given.parts))
    made = []
    for number, part in zip(numbers, given.parts, strict=True):
        values = part.given()
        decided = {"by": str(case.actor.user_id), "name": case.actor.name, "at": case.at.isoformat()}
        sealed = part.category is Category.REPORT
        linked = not sealed and not first.sealed
        ticket = Ticket(
            id=new_id(),
            number=number,
            query_code=first.query_code if linked else new_code(installed().policy[OrdersPolicy]),
            state=State.DRAFT,
            version=1,
            opened_at=case.at,
            opened_by=case.actor.user_id,
            state_since=case.at,
            state_due_at=case.at + timedelta(minutes=case.policy[TargetsPolicy].draft_minutes),
            split_from=(first.split_from or first.id) if linked else None,
            sealed=sealed,
            accepted=dict.fromkeys(values, decided),
            **{name: getattr(first, name) for name in COPIED} | values,
        )
        session.add(ticket)
        made.append(ticket)
    await session.flush()
    stories = []
    for ticket in made:
        after = {"number": ticket.number, "category": ticket.category}
        after |= {"split_from": first.number} if ticket.split_from else {}
        stories.append(entry(ticket.id, 1, case.actor, Act.OPEN, origin="desk", article="第九条", after=after))
    await write(session, stories)
    return Told({}, {"parts": [ticket.number for ticket in made if ticket.split_from]}, result=made)
