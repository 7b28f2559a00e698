"""Facts into rows: many calls in one transaction, each transition told exactly once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent
from callflow.callbacks import service as callbacks
from callflow.events import CallArrived, CallConnected, CallEnded, MessageLeft
from callflow.facts import Fact
from callflow.fold import Field, Stamp, State, fold
from callflow.models import Call
from callflow.rules import Outcome, View, view
from core.clock import now
from core.db import new_id
from core.events import Event, publish
from core.live import hint
from core.log import call as log_call

Key = tuple[str, str]


async def save(session: AsyncSession, facts: Iterable[Fact]) -> list[Call]:
    """Fold `facts` into their calls' rows; the rows that changed.

    Rows are locked in one order (node, linkedid), so that writers never wait for each other in a circle. Saving
    a fact twice changes nothing and publishes nothing.
    """
    by_call: dict[Key, list[Fact]] = {}
    for fact in facts:
        by_call.setdefault((fact.node, fact.linkedid), []).append(fact)
    if not by_call:
        return []
    rows = await _locked(session, sorted(by_call))
    changed: list[tuple[Call, View]] = []
    for call in rows:
        before = read_state(call)
        state = before
        for fact in by_call[call.node, call.linkedid]:
            state = fold(state, fact)
        if state != before:
            changed.append((call, _write(call, state)))
    await _name_agents(session, [call for call, _ in changed])
    for call, seen in changed:
        await _announce(session, call, seen)
    return [call for call, _ in changed]


async def _locked(session: AsyncSession, keys: Sequence[Key]) -> list[Call]:
    wanted = (
        select(Call)
        .where(tuple_(Call.node, Call.linkedid).in_(keys))
        .order_by(Call.node, Call.linkedid)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = list(await session.scalars(wanted))
    known = {(call.node, call.linkedid) for call in found}
    new = [key for key in keys if key not in known]
    if not new:
        return found
    rows = [
        {"id": new_id(), "node": node, "linkedid": linkedid, "arrived_at": now(), "evidence": {}}
        for node, linkedid in new
    ]
    await session.execute(insert(Call).on_conflict_do_nothing(), rows)
    return list(await session.scalars(wanted))


def read_state(call: Call) -> State:
    """The fold's state as the row keeps it."""
    return {
        Field(name): Stamp(rank, datetime.fromisoformat(at), (call.caller or "") if name == Field.CALLER else value)
        for name, (rank, at, value) in call.evidence.items()
    }


def _write(call: Call, state: State) -> View:
    seen = view(state)
    call.evidence = {
        field: [stamp.rank, stamp.at.isoformat(), "" if field is Field.CALLER else stamp.value]
        for field, stamp in state.items()
    }
    fields: dict[str, Any] = {
        "direction": seen.direction,
        "dialled": seen.dialled,
        "original_hotline": seen.original_hotline,
        "queue": seen.queue,
        "citizen_channel": seen.citizen_channel,
        "agent_channel": seen.agent_channel,
        "arrived_at": seen.arrived_at,
        "answered_at": seen.answered_at,
        "queued_at": seen.queued_at,
        "connected_at": seen.connected_at,
        "ended_at": seen.ended_at,
        "cause": seen.cause,
        "ended_by": seen.ended_by,
        "message_seconds": seen.message_seconds,
        "outcome": seen.outcome,
        "changed_at": now(),
    }
    for name, value in fields.items():
        setattr(call, name, value[: _LONGEST[name]] if isinstance(value, str) and name in _LONGEST else value)
    if seen.caller != call.caller:
        call.caller = seen.caller
    if seen.agent != call.agent_extension:
        call.agent_extension, call.agent_id, call.agent_name = seen.agent, None, None
    if seen.agent is None and seen.connected_at:
        duty = (seen.outside or "").removeprefix("duty/")
        call.agent_name = f"值班手机{duty}" if duty else "外部号码"
    return seen


_LONGEST = {"dialled": 32, "original_hotline": 80, "queue": 64, "citizen_channel": 256, "agent_channel": 256}


async def _name_agents(session: AsyncSession, calls: Sequence[Call]) -> None:
    """Whose telephone it is, asked once per connection: later renames do not rewrite history."""
    unnamed = {call.agent_extension for call in calls if call.agent_extension and call.agent_id is None}
    if not unnamed:
        return
    found = await session.execute(
        select(Agent.extension, Agent.user_id, Agent.name).where(Agent.extension.in_(unnamed))
    )
    people = {extension: (user_id, name) for extension, user_id, name in found}
    for call in calls:
        if call.agent_extension and call.agent_id is None:
            call.agent_id, call.agent_name = people.get(call.agent_extension, (None, f"分机{call.agent_extension}"))


async def _announce(session: AsyncSession, call: Call, seen: View) -> None:
    """Publish each transition that this change made, and write what follows from the call's end."""
    await session.flush()
    for event in _due(call):
        if event.name not in call.announced:
            call.announced = [*call.announced, event.name]
            with log_call(call.id, linkedid=call.linkedid):
                await publish(session, event, lock=str(call.id))
    if call.ended_at:
        await callbacks.after_call(session, call, seen)
    await hint(session, "calls", call.id)
    await hint(session, "call", call.id)
    if call.queue:
        await hint(session, "queue", call.queue)


def _due(call: Call) -> list[Event]:
    events: list[Event] = [CallArrived(call_id=call.id)]
    if call.connected_at:
        events.append(CallConnected(call_id=call.id))
    if call.ended_at and call.outcome:
        events.append(CallEnded(call_id=call.id, outcome=call.outcome))
        if call.outcome == Outcome.MESSAGE:
            events.append(MessageLeft(call_id=call.id))
    return events
