"""派单: order to units, clocks, and SMS, all in one transaction (第十二条(二), 第十三条, 第十九条)."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.calendar import Due
from core.identity.models import Unit
from crm.clocks import rules_at
from crm.county.categories import Category
from crm.installed import installed
from crm.policy import LimitsPolicy, SmsPolicy
from crm.sms.models import Sms
from crm.sms.rules import SmsState
from crm.sms.service import queue_receipt
from crm.sms.text import receipt
from crm.tickets.acts.intake import remember_caller, summary
from crm.tickets.case import Case
from crm.tickets.guards import accused
from crm.tickets.input import Clean
from crm.tickets.models import Ticket
from crm.tickets.parts import add_part, open_round
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.states import By

MAX_ASSIST = 10


class Order(Given):
    """What the dispatcher decides. `basis`: why these units; empty takes the catalogue's, if it says the same."""

    lead_unit_id: UUID | None = None
    assist_unit_ids: Annotated[tuple[UUID, ...], Field(max_length=MAX_ASSIST)] = ()
    basis: Annotated[str, Field(max_length=200), Clean] = ""
    identity_checked: bool = False
    """A person read a 举报's free text for traces of who reported."""

    def units(self) -> dict[str, list[UUID]]:
        """Lead and assisting units."""
        return {"lead_unit": [self.lead_unit_id] if self.lead_unit_id else [], "assist_units": [*self.assist_unit_ids]}


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


@effect(Order)
async def dispatch(session: AsyncSession, case: Case, given: Order) -> Told:
    """The order goes to its units; its clock runs from this instant (D5)."""
    ticket, again = case.ticket, case.round is not None
    assert case.category is not None  # the guards have seen to it
    limit = installed().policy[LimitsPolicy].of(case.category)
    ends = await open_round(session, case, "redispatch" if again else "first", limit)
    basis = assign(session, case, given)
    ticket.accepted_at = ticket.accepted_at or case.at
    await remember_caller(session, ticket)
    await session.flush()
    sms = None if again else await _receipt(session, ticket)  # D31: a repeated dispatch sends no second receipt
    after = summary(ticket) | told(case, given, ends, basis)
    say = None
    if sms is not None and sms.state == SmsState.NOT_APPLICABLE:
        say = f"{sms.reason}：{ticket.number}，查询码 {ticket.query_code}。"
    return Told({}, after, result=Dispatched(ticket, ends, sms, say))


def assign(session: AsyncSession, case: Case, given: Order) -> str:
    """Lead, assisting units and the competent departments of enterprises -> the basis, as it is kept."""
    assert given.lead_unit_id is not None
    lead = case.units[given.lead_unit_id]
    basis = _basis(case.ticket, lead, given.basis)
    add_part(session, case, lead.id, By.LEAD, basis)
    assists = [case.units[id] for id in dict.fromkeys(given.assist_unit_ids) if id != lead.id]
    for unit in assists:
        add_part(session, case, unit.id, By.ASSIST, basis)
    taken = {lead.id, *(unit.id for unit in assists)}
    for unit in (lead, *assists):
        department = case.units.get(unit.competent_unit_id) if unit.competent_unit_id else None
        if department is not None and department.id not in taken and not accused(case, department):
            taken.add(department.id)
            add_part(session, case, department.id, By.COPY, "第五条：主管部门应切实履行管理职责")
    return basis


def told(case: Case, given: Order, ends: Due, basis: str) -> dict[str, object]:
    """What the history keeps of a dispatch."""
    names = {role: [case.units[part.unit_id].name for part in case.role(role)] for role in (By.ASSIST, By.COPY)}
    lead = case.lead
    return {
        "round": case.handling.n,
        "lead": case.units[lead.unit_id].name if lead else "",
        "assist": names[By.ASSIST],
        "copy": names[By.COPY],
        "basis": basis,
        "limit_days": case.handling.limit_days,
        "due_at": ends.at.isoformat(),
        "provisional": ends.provisional,
        "identity_checked": given.identity_checked,
    }


def _basis(ticket: Ticket, lead: Unit, given: str) -> str:
    """第十九条: every dispatch cites the catalogue's line or the centre's decision."""
    if given:
        return given
    route = installed().catalogue.route(ticket.matter, ticket.area)
    return route.basis if route.lead == lead.code else "热线中心指定（第十九条）"


async def _receipt(session: AsyncSession, ticket: Ticket) -> Sms:
    words = receipt(
        installed().policy[SmsPolicy],
        number=ticket.number,
        code=ticket.query_code,
        never=tuple(part for part in (ticket.title, ticket.address, ticket.caller_name or "") if part),
    )
    return await queue_receipt(
        session, ticket_id=ticket.id, to=ticket.caller_phone, anonymous=ticket.anonymous, text=words
    )
