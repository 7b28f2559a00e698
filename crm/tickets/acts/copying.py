"""抄送: the competent department of an enterprise watches what the enterprise handles (第五条)."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from core.identity.models import Unit
from crm.tickets.case import Case
from crm.tickets.guards import names_unit
from crm.tickets.models import Assignment
from crm.tickets.parts import add_part
from crm.tickets.states import By

BASIS = "第五条：主管部门应切实履行管理职责"


async def copy_departments(session: AsyncSession, case: Case, parts: Iterable[tuple[Unit, Assignment]]) -> None:
    """F05-2: each enterprise's department has a part of its own, once, unless it handles the order itself or a 举报
    names it."""
    given = list(parts)
    taken = {unit.id for unit, _ in given}
    for unit, part in given:
        if unit.competent_unit_id is None or unit.competent_unit_id in taken:
            continue
        department = await session.get_one(Unit, unit.competent_unit_id)
        if not names_unit(case.ticket, department):
            taken.add(department.id)
            case.units[department.id] = department
            add_part(session, case, department.id, By.COPY, BASIS).parent_id = part.id
