"""Reading the alarms of an event or of an order: each unit, whom it was told through, and what became of each call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.spoken import service as spoken
from callflow.spoken.models import SpokenCall
from callflow.spoken.rules import Outcome
from core.db import among
from core.identity.models import Unit
from crm.alarms.models import Alarm, AlarmRung
from crm.alarms.rules import How
from crm.alarms.service import SUBJECT
from crm.emergencies.models import EmergencyOrder
from crm.tickets.models import Assignment

MOST_CALLS = 500


@dataclass(frozen=True)
class Told:
    """A contact who was told, with the calls that were placed, the first one first."""

    rung: AlarmRung
    calls: Sequence[SpokenCall]

    @property
    def said(self) -> str:
        """`2 次：无人接听；接听后未确认`; what the last ones became."""
        told = [Outcome(one.outcome).label for one in self.calls if one.outcome]
        going = any(one.outcome is None and one.placed_at for one in self.calls)
        return "；".join([*told[-3:], *(["正在拨打"] if going else [])]) or "等待拨打"


@dataclass(frozen=True)
class Row:
    """An alarm with its unit and whom it was told through."""

    alarm: Alarm
    unit: Unit
    told: Sequence[Told]

    @property
    def how(self) -> How | None:
        """How it ended; None while it goes on."""
        return How(self.alarm.how) if self.alarm.how else None


async def of_event(session: AsyncSession, event_id: UUID) -> Sequence[Row]:
    """All alarms of an event, those that go on first."""
    return await _where(session, Alarm.event_id == event_id)


async def of_order(session: AsyncSession, ticket_id: UUID) -> Sequence[Row]:
    """The alarms by which the units of this order were told of it: of the order's event, one for each of its units,
    whichever order of the event came to the unit first."""
    events = select(EmergencyOrder.event_id).where(
        EmergencyOrder.ticket_id == ticket_id, EmergencyOrder.state != "removed"
    )
    units = select(Assignment.unit_id).where(Assignment.ticket_id == ticket_id)
    shared = and_(Alarm.event_id.in_(events), Alarm.unit_id.in_(units))
    return await _where(session, or_(Alarm.ticket_id == ticket_id, shared))


async def _where(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[Row]:
    wanted = select(Alarm, Unit).join(Unit, Unit.id == Alarm.unit_id).where(which)
    rows = [(alarm, unit) for alarm, unit in await session.execute(wanted.order_by(Alarm.began_at, Alarm.id))]
    rungs = await _rungs(session, [alarm.id for alarm, _ in rows])
    found = [Row(alarm, unit, rungs.get(alarm.id, [])) for alarm, unit in rows]
    return sorted(found, key=lambda one: one.alarm.done_at is not None)


async def _rungs(session: AsyncSession, alarms: Sequence[UUID]) -> Mapping[UUID, list[Told]]:
    wanted = select(AlarmRung).where(among(AlarmRung.alarm_id, set(alarms))).order_by(AlarmRung.alarm_id, AlarmRung.n)
    rungs = (await session.scalars(wanted)).all() if alarms else []
    calls: dict[UUID, list[SpokenCall]] = {}
    for call in await spoken.about(session, SUBJECT, [one.id for one in rungs], MOST_CALLS) if rungs else []:
        calls.setdefault(call.subject_id, []).insert(0, call)
    found: dict[UUID, list[Told]] = {}
    for rung in rungs:
        found.setdefault(rung.alarm_id, []).append(Told(rung, calls.get(rung.id, [])))
    return found
