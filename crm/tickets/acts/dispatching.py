"""派单: order to units, clocks, and SMS, all in one transaction (第十二条(二), 第十三条, 第十九条)."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.calendar import CountedDay, Due, Limit, LimitUnit
from core.forms import Clean
from core.identity.models import Unit
from core.locks import lock
from crm.clocks import rules_at
from crm.county.categories import Category
from crm.installed import installed
from crm.policy import LimitsPolicy, SmsPolicy
from crm.procedure import ReturnsPolicy, RetypePolicy
from crm.sms.models import Sms
from crm.sms.rules import SmsState
from crm.sms.service import queue_receipt
from crm.sms.text import fits, receipt
from crm.tickets.acts.copying import copy_departments
from crm.tickets.acts.disputing import settle_dispute
from crm.tickets.acts.intake import remember_caller, summary
from crm.tickets.case import Case
from crm.tickets.citing import Citation, cite
from crm.tickets.dues import held, last_day
from crm.tickets.input import Words
from crm.tickets.limits import in_force
from crm.tickets.models import StatutoryLimit, Ticket
from crm.tickets.numbers import listed
from crm.tickets.parts import Outcome, add_part, continue_round, end_round, open_round
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.states import By, State
from crm.tickets.suggesting import suggest

MAX_ASSIST = 10


class Order(Given):
    """What the dispatcher decides. Why these units (第十九条): `power`, a line of the power list, or `basis`, the
    centre's decision; without both the catalogue's, if it says the same."""

    lead_unit_id: UUID | None = None
    assist_unit_ids: Annotated[tuple[UUID, ...], Field(max_length=MAX_ASSIST)] = ()
    power: Annotated[str, Field(max_length=40), Clean] = ""
    basis: Annotated[str, Field(max_length=200), Clean] = ""
    identity_checked: bool = False
    """A person read a 举报's free text for traces of who reported."""
    hard: bool = False
    """疑难、复杂, a person holds; with its reports it has the longer limit (D14)."""
    incomplete_reason: Annotated[str, Field(max_length=200), Clean] = ""
    """Why it goes to a unit although its profile is incomplete (A08-1)."""

    not_accused: Annotated[str, Field(max_length=200), Clean] = ""
    """Why a unit that the words of a 举报 name is not the accused; only from a second person (F12.2-3)."""

    def units(self) -> dict[str, list[UUID]]:
        """Lead and assisting units."""
        return {"lead_unit": [self.lead_unit_id] if self.lead_unit_id else [], "assist_units": [*self.assist_unit_ids]}


class Settled(Order):
    """再次派发 after the meeting, with its decision."""

    decision: Words


@dataclass(frozen=True)
class Dispatched:
    """What came of it. `say` is what the agent must tell by voice when no SMS can reach the caller."""

    ticket: Ticket
    due: Due
    sms: Sms | None
    say: str | None


def has_lead(case: Case, given: Order) -> Objection | None:
    """第十二条(二): one unit answers for it."""
    return None if given.lead_unit_id else Objection("请选择主办单位", "第十二条(二)", "lead_unit")


def regulation_is_in_force(case: Case) -> Objection | None:
    """A32-1: before the regulation there is no clock."""
    if rules_at(case.at) is not None:
        return None
    return Objection("本办法施行之前不能派发工单", "第三十二条", "", "before-regulation")


def identity_checked(case: Case, given: Order) -> Objection | None:
    """第二十八条(八): a person read a 举报's words before it leaves the centre."""
    if case.category is not Category.REPORT or given.identity_checked:
        return None
    return Objection("请核对举报内容未暴露举报人身份", "第二十八条(八)", "identity_checked")


def hard_is_repeated(case: Case, given: Order) -> Objection | None:
    """第十三条: 来电3次及以上反映 and 疑难、复杂, both (D14)."""
    least = installed().policy[RetypePolicy].repeated_from
    if not given.hard or case.ticket.report_count >= least:
        return None
    return Objection(f"本事项反映{case.ticket.report_count}次，不足{least}次，不适用疑难复杂时限", "第十三条", "hard")


def power_is_listed(case: Case, given: Order) -> Objection | None:
    """F19-1: the line that is cited is there, and makes the lead responsible."""
    if not given.power:
        return None
    power = installed().powers.get(given.power)
    if power is None:
        return Objection("现行权责清单中没有这个编码", "第十九条", "power")
    lead = case.units.get(given.lead_unit_id) if given.lead_unit_id else None
    if lead is None or power.unit == lead.code:
        return None
    name = installed().powers.unit_name(power)
    return Objection(f"该条目的实施主体是{name}，不是所选的主办单位", "第十九条", "power")


def several_units_are_cited(case: Case, given: Order) -> Objection | None:
    """A19-1: the centre names the lead of several units by the power list, or writes down its decision."""
    lead = case.units.get(given.lead_unit_id) if given.lead_unit_id else None
    if lead is None or citation(case, given, lead) is not None:
        return None
    sentence = "派发给多个单位须引用权责清单条目，或写明热线中心的决定；所选单位与派单目录不同"
    return Objection(sentence, "第十九条", "basis")


@effect(Order)
async def dispatch(session: AsyncSession, case: Case, given: Order) -> Told:
    """The order goes to its units; its clock runs from this instant (D5), or on, for the same unit (D10)."""
    ticket, last = case.ticket, case.round
    with session.no_autoflush:  # nothing is written before everything is known: one flush, with the history
        if last is not None and await _keeps_clock(session, case, given):
            continue_round(session, case)
        else:
            await _new_clock(session, case, given, "redispatch" if last else "first")
        basis = await assign(session, case, given)
        ticket.accepted_at = ticket.accepted_at or case.at
        await remember_caller(session, ticket)
        sms = None if last else await _receipt(session, ticket)  # D31: a repeated dispatch sends no second receipt
    say = None
    if sms is not None and sms.state == SmsState.NOT_APPLICABLE:
        say = f"{sms.reason}：{ticket.number}，查询码 {ticket.query_code}。"
    kept = told(case, given, basis)
    why = f"单位资料不完整仍派发：{given.incomplete_reason}" if "incomplete" in kept else ""
    return Told({}, summary(ticket) | kept, why, result=Dispatched(ticket, due_of(case), sms, say))


@effect(Settled)
async def dispatch_after_dispute(session: AsyncSession, case: Case, given: Settled) -> Told:
    """再次派发 as the meeting left it: another unit has its own 派发之日, the same one keeps its clock (D10)."""
    settle_dispute(
        case,
        "dispatch",
        given.decision,
        lead_unit_id=given.lead_unit_id,
        assist_unit_ids=[str(one) for one in given.assist_unit_ids],
    )
    end_round(case, Outcome.RETURNED, "经协调再次派发")
    if await _keeps_clock(session, case, given):
        continue_round(session, case)
    else:
        await _new_clock(session, case, given, "redispatch")
    basis = await assign(session, case, given)
    return Told({}, told(case, given, basis), given.decision)


async def _keeps_clock(session: AsyncSession, case: Case, given: Order) -> bool:
    """D10: by policy, a dispatch to the unit that had it, to any unit, or to none goes on with the old clock."""
    rule = case.policy[ReturnsPolicy].new_clock
    if case.handling.due_at is None or rule == "always":
        return False
    had = {part.unit_id for part in case.parts if part.role == By.LEAD}
    return rule == "never" or given.lead_unit_id in had


async def _new_clock(session: AsyncSession, case: Case, given: Order, kind: str) -> None:
    assert case.category is not None  # the guards have seen to it
    statute = await statutory_limit(session, case)
    limits = installed().policy[LimitsPolicy]
    if statute is not None:
        limit: int | Limit = Limit(statute.n, LimitUnit(statute.unit))
        open_round(session, case, kind, limit, limit_kind="statutory")
        case.handling.statutory_limit_id = statute.id
    elif given.hard:
        case.ticket.hard = True
        open_round(session, case, kind, limits.repeated, limit_kind="repeated")
    else:
        open_round(session, case, kind, limits.of(case.category))


async def statutory_limit(session: AsyncSession, case: Case) -> StatutoryLimit | None:
    """D15: what another law says of this order's matter."""
    return await in_force(session, case.ticket.matter, case.at)


def due_of(case: Case) -> Due:
    """The present round's due with its days, as it was counted."""
    made = case.handling
    assert made.due_at is not None
    days = tuple(CountedDay(date.fromisoformat(one["day"]), one["number"], one["reason"]) for one in made.days)
    return Due(made.due_at, last_day(case), made.provisional, days)


async def assign(session: AsyncSession, case: Case, given: Order) -> str:
    """Lead, assisting units and the competent departments of enterprises -> the basis, as it is kept.

    The round keeps what was suggested and on what the choice rests.
    """
    assert given.lead_unit_id is not None
    lead = case.units[given.lead_unit_id]
    cited = citation(case, given, lead)
    assert cited is not None  # a guard has seen to it
    case.handling.cites, case.handling.power, basis = cited.cites, cited.power, cited.text
    case.handling.suggested = (await suggest(session, case.ticket)).kept
    first = add_part(session, case, lead.id, By.LEAD, basis)
    parts = [(unit, add_part(session, case, unit.id, By.ASSIST, basis)) for unit in _assists(case, given, lead)]
    await copy_departments(session, case, [(lead, first), *parts])
    return basis


def told(case: Case, given: Order, basis: str) -> dict[str, object]:
    """What the history keeps of a dispatch."""
    names = {role: [case.units[part.unit_id].name for part in case.role(role)] for role in (By.ASSIST, By.COPY)}
    lead = case.lead
    return {
        "round": case.handling.n,
        "lead": case.units[lead.unit_id].name if lead else "",
        "assist": names[By.ASSIST],
        "copy": names[By.COPY],
        "basis": basis,
        "cites": case.handling.cites,
        **({"not_accused": given.not_accused} if given.not_accused else {}),
        "limit_days": case.handling.limit_days,
        "limit_kind": case.handling.limit_kind,
        "due_at": due_of(case).at.isoformat(),
        **held(case),
        "provisional": case.handling.provisional,
        "identity_checked": given.identity_checked,
        **_in_spite(case, given),
    }


def _in_spite(case: Case, given: Order) -> dict[str, object]:
    """A08-1: which units were incomplete at the dispatch, and why it went to them all the same."""
    lacking = {case.units[id].name: case.units[id].lacks for ids in given.units().values() for id in ids}
    lacking = {name: lacks for name, lacks in lacking.items() if lacks}
    return {"incomplete": lacking, "incomplete_reason": given.incomplete_reason} if lacking else {}


def citation(case: Case, given: Order, lead: Unit) -> Citation | None:
    """On what the dispatch rests; a meeting's decision is the centre's (第十二条(三))."""
    basis = given.basis or (given.decision[:200] if isinstance(given, Settled) else "")
    return cite(case.ticket, lead, _assists(case, given, lead), power=given.power, basis=basis)


def _assists(case: Case, given: Order, lead: Unit) -> list[Unit]:
    ids = dict.fromkeys(given.assist_unit_ids)
    return [case.units[id] for id in ids if id != lead.id and id in case.units]


async def _receipt(session: AsyncSession, ticket: Ticket) -> Sms:
    """The one receipt of a call: the first dispatched of its orders names them all (A09-2)."""
    root = ticket.split_from or ticket.id
    numbers = [ticket.number]
    further = select(Ticket.id).where(Ticket.split_from == root).limit(1)
    if ticket.split_from is not None or await session.scalar(further):
        family = or_(Ticket.id == root, Ticket.split_from == root)
        named = select(Ticket.number).where(family, Ticket.state != State.VOID).order_by(Ticket.number)
        numbers = list(await session.scalars(named))
        await lock(session, f"receipt:{root}")
    words = receipt(
        installed().policy[SmsPolicy],
        number=_all_or_first(installed().policy[SmsPolicy], numbers, ticket.query_code),
        several=len(numbers) > 1,
        code=ticket.query_code,
        never=tuple(part for part in (ticket.title, ticket.address, ticket.caller_name or "") if part),
    )
    to, anonymous = ticket.caller_phone, ticket.anonymous
    return await queue_receipt(session, ticket_id=root, to=to, anonymous=anonymous, text=words, example=ticket.example)


def _all_or_first(policy: SmsPolicy, numbers: list[str], code: str) -> str:
    """All numbers, or the first and how many, where one message has no room for them."""
    everything = listed(numbers)
    whole = len(numbers) == 1 or fits(policy, policy.receipt_several.format(number=everything, code=code))
    return everything if whole else f"{numbers[0]}等{len(numbers)}件"
