"""Who should get an order (F12.2-2): the catalogue first, then what a returning unit proposed, then what the centre's
own past dispatches of the matter teach. Each candidate says why it stands there; a person decides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, any_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

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
    returns = await _returns(session, ticket)
    asked_of = {
        "matter": ticket.matter or "",
        "area": ticket.area or None,
        "sealed": ticket.sealed,
        "order": ticket.id,
        "codes": [code for code in (route.lead, *route.assist) if code],
        "units": [one.suggested_unit_id for one in returns if one.suggested_unit_id],
    }
    rows = (await session.execute(_UNITS, asked_of)).all()
    learned = [Experience(*counted) for _, *counted in rows if counted[0] is not None]
    units = [unit for unit, *_ in rows if unit.active and unit.parent_unit_id is None]
    returned = {one.unit_id for one in returns}
    asked = next((one.suggested_unit_id for one in returns if one.suggested_unit_id), None)
    return rank(ticket, route, learned, units, returned, asked)


def _experience() -> Select[Any]:
    """The latest dispatched orders of the matter by the units that led them, as rows of `Experience`; 举报 learn from
    举报 only, and an order without a matter from none."""
    last = (
        select(Ticket.id, Ticket.area)
        .where(Ticket.matter == bindparam("matter"), Ticket.first_dispatched_at.is_not(None))
        .where(Ticket.sealed == bindparam("sealed"), Ticket.id != bindparam("order"))
        .order_by(Ticket.id.desc())
        .limit(LOOKS_BACK)
        .subquery()
    )
    away = Assignment.outcome.is_not_distinct_from("returned")
    here = last.c.area.is_not_distinct_from(bindparam("area", type_=last.c.area.type))

    def count(name: str, *conditions: Any) -> Any:
        return func.count().filter(*conditions).label(name)

    counts = (
        count("kept", ~away),
        count("returned", away),
        count("kept_here", ~away, here),
        count("returned_here", away, here),
    )
    led = select(Assignment.unit_id, *counts).join(last, last.c.id == Assignment.ticket_id)
    return led.where(Assignment.role == By.LEAD).group_by(Assignment.unit_id)


def _candidates() -> Select[Any]:
    """Units that are named or have led such orders, each beside its experience."""
    led = _experience().subquery()
    named = Unit.code == any_(bindparam("codes", type_=ARRAY(Unit.code.type)))
    proposed = Unit.id == any_(bindparam("units", type_=ARRAY(Unit.id.type)))
    wanted = select(Unit, led).outerjoin(led, led.c.unit_id == Unit.id)
    return wanted.where(or_(led.c.unit_id.is_not(None), named, proposed))


_UNITS = _candidates()
"""Made once: to put the statement together took as long as to ask it."""


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
