"""知会: what is none of the six kinds goes to its unit for information, without a clock (第十三条, D12)."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import new_id
from core.forms import Clean
from crm.tickets.case import Case
from crm.tickets.models import Assignment
from crm.tickets.rules import Given, Objection, Told, effect
from crm.tickets.states import By, Stage

MAX_READERS = 5


class Kind(StrEnum):
    """What it is, if none of the six kinds."""

    PRAISE = "praise"
    THANKS = "thanks"
    OTHER = "other"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"praise": "表扬", "thanks": "感谢", "other": "其他"}[self.value]


class Share(Given):
    """知会: which units, what it is, and what they may need to know besides."""

    unit_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MAX_READERS)]
    kind: Kind
    note: Annotated[str, Field(max_length=200), Clean] = ""

    def units(self) -> dict[str, list[UUID]]:
        """Who is to know."""
        return {"unit_ids": [*self.unit_ids]}


def is_none_of_the_six_kinds(case: Case) -> Objection | None:
    """第九条: what is one of them is dispatched and has its limit; nobody gets around it by 知会."""
    if case.category is None:
        return None
    return Objection(
        f"{case.category.label}类诉求应派发办理；表扬、感谢等不属于六类的才知会单位", "第十三条", "category"
    )


def was_never_dispatched(case: Case) -> Objection | None:
    """What units had to handle does not end by 知会."""
    if case.round is None:
        return None
    return Objection("工单曾派发办理，不能改为知会", "第十三条", "", "was-dispatched")


@effect(Share)
async def share(session: AsyncSession, case: Case, given: Share) -> Told:
    """Each unit has it among its 知会 until it has read it, the centre archives it. No receipt, no follow-up."""
    ticket = case.ticket
    ticket.accepted_at = ticket.accepted_at or case.at
    ticket.closed_at, ticket.close_kind, ticket.close_reason = case.at, "shared", given.kind.label
    readers = [case.units[one] for one in dict.fromkeys(given.unit_ids)]
    for unit in readers:
        part = Assignment(id=new_id(), ticket_id=ticket.id, round_id=None, unit_id=unit.id, role=By.READER)
        part.basis, part.stage = given.note or given.kind.label, Stage.HANDLING
        part.dispatched_at, part.dispatched_by = case.at, case.actor.user_id
        session.add(part)
        case.parts.append(part)
    return Told({}, {"kind": given.kind, "readers": [unit.name for unit in readers]}, given.note)
