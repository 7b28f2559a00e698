"""受理: correct, confirm, drop (第十二条(一))."""

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now
from core.forms import Clean
from crm.citizens.service import remember
from crm.county.categories import Category
from crm.installed import installed
from crm.procedure import Element, EndingsPolicy, IntakePolicy
from crm.tickets.acts.refusing import drop_waiting
from crm.tickets.case import Case
from crm.tickets.input import Correction, Words
from crm.tickets.models import Ticket
from crm.tickets.rules import Condition, Given, Nothing, Objection, Told, effect

FILLED = (
    *("category", "matter", "title", "content", "address", "area", "occurred", "subject", "demand"),
    *("caller_name", "confidential"),
)
"""Fields that the machine may fill while no person has decided them."""


class Void(Given):
    """无效呼叫: one of the bureau's grounds, and what else is worth keeping."""

    void_ground: Annotated[str, Field(max_length=40), Clean]
    note: Annotated[str, Field(max_length=200), Clean] = ""


def ground_is_listed(case: Case, given: Void) -> Objection | None:
    """An order is not dropped without saying why (A12.1-2)."""
    if given.void_ground in installed().policy[EndingsPolicy].void_grounds:
        return None
    return Objection("请从列出的原因中选择作废原因", "第十二条(一)", "void_ground")


class Withdraw(Given):
    """撤回: the citizen no longer asks for it."""

    reason: Words


def matter_is_known(case: Case | None, given: Correction) -> Objection | None:
    """A matter is one of the county's."""
    if given.matter and given.matter not in installed().county.matters:
        return Objection("请从诉求事项目录中选择", "派单目录", "matter")
    return None


def area_is_known(case: Case | None, given: Correction) -> Objection | None:
    """An area is a township or street."""
    area = installed().county.units.get(given.area) if given.area else None
    if given.area and (area is None or not area.kind.territorial):
        return Objection("请选择所属乡镇（街道）", "属地管理", "area")
    return None


def element_is_told(element: Element) -> Condition:
    """F09-1: the condition that the order tells this element where the bureau asks for it in its category.

    Asked once: not of an order that the centre has accepted already, nor of one that the city has.
    """

    def told(case: Case) -> Objection | None:
        ticket = case.ticket
        if case.category is None or ticket.accepted_at is not None or ticket.upstream_number is not None:
            return None
        if element not in case.policy[IntakePolicy].of(case.category) or getattr(ticket, element).strip():
            return None
        return Objection(f"请填写{element.label}，问明后仍不清楚的写“不详”", "第九条", element)

    told.__name__ = f"{element}_is_told"
    told.__doc__ = f"{element.label}."
    return told


ELEMENTS = tuple(element_is_told(element) for element in Element)


def is_decided(field: str) -> Condition:
    """F12.1-3: the condition that a person decided this field, if a machine has filled it."""

    def decided(case: Case) -> Objection | None:
        ticket = case.ticket
        if field in ticket.accepted or field not in ticket.proposals or not getattr(ticket, field):
            return None
        return Objection("系统填写，尚未核对：请采用或改正", "第十二条(一)", field)

    decided.__name__ = f"{field}_is_decided"
    decided.__doc__ = "A person has decided it."
    return decided


DECIDED = tuple(is_decided(field) for field in FILLED)


@effect(Correction)
async def correct(session: AsyncSession, case: Case, given: Correction) -> Told | None:
    """What is given counts as accepted even where it equals the proposal."""
    ticket, values = case.ticket, given.given()
    changed = {name: value for name, value in values.items() if getattr(ticket, name) != value}
    fresh = set(values) - set(ticket.accepted)
    if not changed and not fresh:
        return None
    before = {name: getattr(ticket, name) for name in changed}
    for name, value in changed.items():
        setattr(ticket, name, value)
    decided = {"by": str(case.actor.user_id), "name": case.actor.name, "at": now().isoformat()}
    ticket.accepted = ticket.accepted | dict.fromkeys(values, decided)
    ticket.sealed = ticket.category == Category.REPORT
    return Told(before, changed | {"accepted": sorted(fresh - set(changed))})


@effect(Nothing)
async def confirm(session: AsyncSession, case: Case, given: Nothing) -> Told:
    """The agent stands for the order's words: 受理."""
    case.ticket.accepted_at = case.at
    await remember_caller(session, case.ticket)
    return Told({}, summary(case.ticket))


@effect(Void)
async def void(session: AsyncSession, case: Case, given: Void) -> Told:
    """The call asked nothing."""
    ticket = case.ticket
    reason = f"{given.void_ground}：{given.note}" if given.note else given.void_ground
    ticket.closed_at, ticket.close_kind, ticket.close_reason = case.at, "void", reason
    drop_waiting(case, "工单已作废")
    return Told({}, {"void_ground": given.void_ground}, reason)


@effect(Withdraw)
async def withdraw(session: AsyncSession, case: Case, given: Withdraw) -> Told:
    """The citizen takes it back before it went to a unit; afterwards the unit closes it with the proof."""
    ticket = case.ticket
    ticket.closed_at, ticket.close_kind, ticket.close_reason = case.at, "withdrawn", given.reason
    drop_waiting(case, "诉求已撤回")
    return Told({}, {}, given.reason)


def summary(ticket: Ticket) -> dict[str, Any]:
    """The fields that a person stood for, and where each came from."""
    values = {name: getattr(ticket, name) for name in FILLED}
    return values | {
        "accepted": sorted(ticket.accepted),
        "proposed": sorted(set(ticket.proposals) - set(ticket.accepted)),
    }


async def remember_caller(session: AsyncSession, ticket: Ticket) -> None:
    """Link the order to the citizen of its number; a 举报 or an anonymous caller leaves no name behind."""
    if ticket.caller_phone is None or ticket.anonymous:
        return
    name = None if ticket.sealed or ticket.confidential else ticket.caller_name
    ticket.citizen_id = await remember(session, ticket.caller_phone, name=name)
