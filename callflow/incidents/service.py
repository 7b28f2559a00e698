"""The incident clock's step: once per minute, robust to restarts and repetition."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent, Presence
from callflow.current import line_policy
from callflow.incidents.models import Incident
from callflow.incidents.rules import MINUTE, Desk, minute_of, missed, staffed
from callflow.models import Call, Node
from callflow.numbers.models import DutyMobile
from callflow.numbers.rules import in_turn
from core.actor import Actor
from core.errors import Invalid, NotFound
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission

KIND = "no-agent"
SPOOL_FULL, ARCHIVE_AWAY, ARCHIVE_WRONG, LINE_PROBE = "spool-full", "archive-away", "archive-wrong", "line-probe"
FRESH = timedelta(minutes=2)
"""Older word from Asterisk says nothing about this minute: it stays unobserved."""


async def observe(session: AsyncSession, at: datetime) -> Incident | None:
    """Count the minute of `at`; the open incident, if there is one. Counting a minute twice changes nothing."""
    incident = await _open(session, KIND)
    if not await session.scalar(select(Node.node).where(Node.seen_at > at - FRESH).limit(1)):
        return incident
    desks = await _desks(session)
    on_duty = bool(in_turn(await session.scalars(select(DutyMobile)), at))
    if staffed(desks, on_duty=on_duty, duty_counts=line_policy().duty_counts_as_staffed):
        await _close(session, incident)
        return None
    waiting = await session.scalar(
        select(func.count()).where(Call.queued_at.is_not(None), Call.connected_at.is_(None), Call.ended_at.is_(None))
    )
    if incident is None:
        incident = _opened(session, KIND, at)
        incident.duty_covered = on_duty
    elif minute_of(at) > incident.last_minute_at:
        _extend(incident, at)
        incident.duty_covered = incident.duty_covered and on_duty
    incident.waiting = max(incident.waiting, waiting or 0)
    await session.flush()
    hint(session, "incidents", incident.id)
    return incident


async def note_trouble(session: AsyncSession, kind: str, at: datetime, *, present: bool) -> Incident | None:
    """Count the minute of `at` for a trouble of another kind, or close its incident; the open one, if there is one."""
    incident = await _open(session, kind)
    if not present:
        await _close(session, incident)
        return None
    if incident is None:
        incident = _opened(session, kind, at)
    else:
        _extend(incident, at)
    await session.flush()
    hint(session, "incidents", incident.id)
    return incident


async def _open(session: AsyncSession, kind: str) -> Incident | None:
    """The open incident of this kind; whoever asks is alone until the transaction ends."""
    await lock(session, "incident-clock")
    found: Incident | None = await session.scalar(
        select(Incident).where(Incident.kind == kind, Incident.closed_at.is_(None)).with_for_update()
    )
    return found


def _opened(session: AsyncSession, kind: str, at: datetime) -> Incident:
    minute = minute_of(at)
    incident = Incident(kind=kind, opened_at=minute, last_minute_at=minute, minutes=1, unobserved=0, waiting=0)
    incident.duty_covered = False
    session.add(incident)
    return incident


def _extend(incident: Incident, at: datetime) -> None:
    minute = minute_of(at)
    if minute > incident.last_minute_at:
        gap = missed(incident.last_minute_at, minute)
        incident.minutes += 1 + gap
        incident.unobserved += gap
        incident.last_minute_at = minute


async def _close(session: AsyncSession, incident: Incident | None) -> None:
    """Somebody is here again: the incident ended with the last minute that was counted."""
    if incident:
        incident.closed_at = incident.last_minute_at + MINUTE
        await session.flush()
        hint(session, "incidents", incident.id)


async def _desks(session: AsyncSession) -> list[Desk]:
    rows = await session.execute(
        select(Presence.device, Agent.pause_reason)
        .join(Agent, Agent.extension == Presence.extension)
        .where(Agent.logged_in_at.is_not(None))
    )
    return [Desk(device, reason) for device, reason in rows]


async def explain(session: AsyncSession, actor: Actor, incident_id: UUID, note: str) -> Incident:
    """Write down why it happened (1 to 500 characters)."""
    actor.require(Permission.LINE_LEAD)
    if not 0 < len(note.strip()) <= 500:
        raise Invalid("bad-note", "请填写原因说明。", fields={"note": "请填写原因说明，不超过500字"})
    incident = await session.get(Incident, incident_id, with_for_update=True)
    if incident is None:
        raise NotFound("no-incident", "没有这条记录。")
    incident.note = note.strip()
    await record(session, actor, action="incident.explain", subject="incident", subject_id=incident_id)
    hint(session, "incidents", incident.id)
    return incident
