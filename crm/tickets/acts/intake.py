"""受理: correct, confirm, drop (第十二条(一))."""

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import now
from crm.citizens.service import remember
from crm.county.categories import Category
from crm.installed import installed
from crm.tickets.case import Case
from crm.tickets.input import Clean, Correction
from crm.tickets.models import Ticket
from crm.tickets.rules import Given, Nothing, Objection, Told, effect

FILLED = ("category", "matter", "title", "content", "address", "area", "occurred", "caller_name", "confidential")
"""Fields that the machine may fill while no person has decided them."""


class Void(Given):
    """无效呼叫: wrong number, silence, nothing asked."""

    reason: Annotated[str, Field(max_length=200), Clean]


def has_reason(case: Case, given: Void) -> Objection | None:
    """An order is not dropped without saying why."""
    return None if given.reason else Objection("请填写作废原因", "第十二条(一)", "reason")


def matter_is_known(case: Case, given: Correction) -> Objection | None:
    """A matter is one of the county's."""
    if given.matter and given.matter not in installed().county.matters:
        return Objection("请从诉求事项目录中选择", "派单目录", "matter")
    return None


def area_is_known(case: Case, given: Correction) -> Objection | None:
    """An area is a township or street."""
    area = installed().county.units.get(given.area) if given.area else None
    if given.area and (area is None or not area.kind.territorial):
        return Objection("请选择所属乡镇（街道）", "属地管理", "area")
    return None


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
    ticket.closed_at, ticket.close_kind, ticket.close_reason = case.at, "void", given.reason
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
    ticket.citizen_id = (await remember(session, ticket.caller_phone, name=name)).id
