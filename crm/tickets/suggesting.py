"""Who should get an order (F12.2-2): the catalogue first, then what a returning unit proposed, then what the centre's
own past dispatches of the matter teach. Each candidate says why it stands there; a person decides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import case as sql_case
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import among
from core.identity.models import Unit
from crm.county.data import UnitKind
from crm.county.route import Route
from crm.installed import installed
from crm.tickets.guards import names_unit
from crm.tickets.models import Assignment, ReturnRequest, Ticket
from crm.tickets.states import By

MOST = 3
"""Candidates: the first is the proposal, all are measured (A12.2-3)."""
LOOKS_BACK = 300
"""So many of the matter's latest dispatched orders teach: weeks of a frequent matter, years of a rare one."""


class Source(StrEnum):
    """Where a candidate comes from, best first."""

    CATALOGUE = "catalogue"
    OPINION = "opinion"
    LEARNED = "learned"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"catalogue": "派单目录", "opinion": "改派意见", "learned": "以往派单"}[self.value]


@dataclass(frozen=True)
class Experience:
    """What became of one unit's orders of the matter: `kept`, or returned with consent; those at this place apart."""

    unit_id: UUID
    kept: int
    returned: int
    kept_here: int
    returned_here: int


@dataclass(frozen=True)
class Candidate:
    """A unit that may lead, and why in one sentence."""

    unit: Unit
    source: Source
    reason: str


@dataclass(frozen=True)
class Suggestion:
    """Candidates, best first; `assist`: the catalogue's, where its lead is the first; `left_out`: whom not, and why."""

    candidates: tuple[Candidate, ...]
    assist: tuple[Unit, ...]
    left_out: tuple[str, ...]
    route: Route

    @property
    def lead(self) -> Unit | None:
        """The proposal."""
        return self.candidates[0].unit if self.candidates else None

    @property
    def reason(self) -> str:
        """Why it, or why nobody."""
        return self.candidates[0].reason if self.candidates else self.route.reason

    @property
    def kept(self) -> list[dict[str, Any]]:
        """As a round keeps it, so that it can be measured by what came of it."""
        return [{"unit": str(one.unit.id), "by": one.source.value, "why": one.reason} for one in self.candidates]


async def suggest(session: AsyncSession, ticket: Ticket) -> Suggestion:
    """The suggestion for the order as it stands."""
    route = installed().catalogue.route(ticket.matter, ticket.area)
    learned = await experience(session, ticket)
    returns = await _returns(session, ticket)
    ids = {one.unit_id for one in learned} | {one.suggested_unit_id for one in returns if one.suggested_unit_id}
    codes = [code for code in (route.lead, *route.assist) if code]
    wanted = select(Unit).where(
        Unit.active, Unit.parent_unit_id.is_(None), or_(Unit.code.in_(codes), among(Unit.id, ids))
    )
    units = list(await session.scalars(wanted))
    returned = {one.unit_id for one in returns}
    asked = next((one.suggested_unit_id for one in returns if one.suggested_unit_id), None)
    return rank(ticket, route, learned, units, returned, asked)


async def experience(session: AsyncSession, ticket: Ticket) -> list[Experience]:
    """The latest dispatched orders of the matter by the units that led them; 举报 learn from 举报 only."""
    if not ticket.matter:
        return []
    last = (
        select(Ticket.id, Ticket.area)
        .where(Ticket.matter == ticket.matter, Ticket.first_dispatched_at.is_not(None))
        .where(Ticket.sealed == ticket.sealed, Ticket.id != ticket.id)
        .order_by(Ticket.id.desc())
        .limit(LOOKS_BACK)
        .subquery()
    )
    away = Assignment.outcome.is_not_distinct_from("returned")
    here = last.c.area.is_not_distinct_from(ticket.area) if ticket.area else last.c.area.is_(None)

    def count(*conditions: Any) -> Any:
        return func.count(sql_case((conditions[0] if len(conditions) == 1 else conditions[0] & conditions[1], 1)))

    rows = await session.execute(
        select(Assignment.unit_id, count(~away), count(away), count(~away, here), count(away, here))
        .join(last, last.c.id == Assignment.ticket_id)
        .where(Assignment.role == By.LEAD)
        .group_by(Assignment.unit_id)
    )
    return [Experience(*row) for row in rows]


async def _returns(session: AsyncSession, ticket: Ticket) -> Sequence[ReturnRequest]:
    """Returns of this order that were granted, the newest first."""
    if not ticket.returns:
        return []
    granted = select(ReturnRequest).where(ReturnRequest.ticket_id == ticket.id, ReturnRequest.state == "accepted")
    return (await session.scalars(granted.order_by(ReturnRequest.id.desc()))).all()


def rank(
    ticket: Ticket,
    route: Route,
    learned: Iterable[Experience],
    units: Iterable[Unit],
    returned: set[UUID],
    asked: UUID | None,
) -> Suggestion:
    """Catalogue, opinion, experience, in this order. Pure.

    Nobody stands there who returned this order with consent, nor whom a 举报 names (F12.2-3).
    """
    units = list(units)
    by_code, by_id = {unit.code: unit for unit in units}, {unit.id: unit for unit in units}
    matter = installed().county.matters.get(ticket.matter or "")
    proposed: list[Candidate] = []
    if lead := by_code.get(route.lead or ""):
        proposed.append(Candidate(lead, Source.CATALOGUE, route.reason))
    if asked in by_id and asked is not None:
        proposed.append(Candidate(by_id[asked], Source.OPINION, "退回单位的改派意见"))
    history = list(learned)
    total = sum(one.kept + one.returned for one in history)
    for one in _best(history, by_id):
        here = f"，其中本地 {one.kept_here} 件" if ticket.area and one.kept_here else ""
        back = f"，被退回 {one.returned} 件" if one.returned else "，无退回"
        name = matter.name if matter else "同类"
        why = f"近期“{name}”派发 {total} 件，该单位承办 {one.kept} 件{here}{back}"
        proposed.append(Candidate(by_id[one.unit_id], Source.LEARNED, why))
    left_out: dict[UUID, str] = {}
    kept: dict[UUID, Candidate] = {}
    for candidate in proposed:
        unit = candidate.unit
        if unit.id in returned:
            left_out[unit.id] = f"{unit.name}已退回本工单并获同意"
        elif names_unit(ticket, unit):
            left_out[unit.id] = f"举报涉及{unit.name}，不得由其承办"
        elif unit.kind == UnitKind.ENTERPRISE and unit.competent_unit_id is None:
            left_out[unit.id] = f"{unit.name}未登记主管部门"
        else:
            kept.setdefault(unit.id, candidate)
    candidates = tuple(kept.values())[:MOST]
    follows = bool(candidates) and candidates[0].source is Source.CATALOGUE
    assist = [by_code[code] for code in route.assist if code in by_code] if follows else []
    free = tuple(unit for unit in assist if not names_unit(ticket, unit))
    return Suggestion(candidates, free, tuple(left_out.values()), route)


def _best(history: Iterable[Experience], units: Mapping[UUID, Unit]) -> list[Experience]:
    """More kept than returned, at this place first; a township's orders elsewhere say nothing about this place."""
    scored = []
    for one in history:
        unit = units.get(one.unit_id)
        if unit is None:
            continue
        here, anywhere = one.kept_here - one.returned_here, one.kept - one.returned
        territorial = unit.kind in {kind.value for kind in UnitKind if kind.territorial}
        score = (here, 0 if territorial else anywhere)
        if max(score) > 0:
            scored.append((score, one))
    return [one for _, one in sorted(scored, key=lambda pair: (pair[0], str(pair[1].unit_id)), reverse=True)]
