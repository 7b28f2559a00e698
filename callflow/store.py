"""Facts into rows: many calls in one transaction, each transition told exactly once.

The work is done for all calls of a transaction at once, in a number of statements that does not grow with them.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.agents.models import Agent
from callflow.callbacks import service as callbacks
from callflow.events import CallArrived, CallConnected, CallEnded, MessageLeft
from callflow.facts import Fact
from callflow.fold import EMPTY, Field, Stamp, State, fold_all
from callflow.models import Call
from callflow.places import service as places
from callflow.rules import Outcome, View, view
from core.clock import now
from core.db import among, new_id
from core.events import Event, publish
from core.live import DESK, hint
from core.log import get
from core.rows import insert_rows, update_rows

log = get(__name__)
Key = tuple[str, str]
"""Node and linkedid."""
CALLS, AGENTS = cast(Table, Call.__table__), cast(Table, Agent.__table__)
AT_ONCE = 3
"""Calls folded in one go: about a millisecond, in which no flow is answered."""
ENDED = "call-ended"
"""Topic of the hint that a call is over, beside `calls` and `call`, which tell of every change."""


@dataclass
class _Change:
    """One call's row before (None: there is none yet) and after."""

    id: UUID
    key: Key
    state: State
    view: View
    row: Row[Any] | None
    agent: tuple[UUID | None, str | None]
    events: list[Event]
    announced: list[str]


async def save(session: AsyncSession, facts: Iterable[Fact]) -> dict[Key, State]:
    """Fold `facts` into their calls' rows -> the states that these calls have now.

    Rows are locked in one order (node, linkedid), so that writers never wait for each other in a circle. Saving
    a fact twice changes nothing and publishes nothing.
    """
    by_call: dict[Key, list[Fact]] = {}
    for fact in facts:
        by_call.setdefault((fact.node, fact.linkedid), []).append(fact)
    if not by_call:
        return {}
    rows = await _locked(session, sorted(by_call))
    states: dict[Key, State] = {}
    changes: list[_Change] = []
    for n, (key, told) in enumerate(sorted(by_call.items()), 1):
        if n % AT_ONCE == 0:
            await asyncio.sleep(0)
        row = rows.get(key)
        before = read_state(row) if row else EMPTY
        states[key] = state = fold_all(told, before)
        if state != before:
            changes.append(_change(key, state, row))
    if changes:
        await _name_agents(session, changes)
        taken = await _insert(session, [one for one in changes if one.row is None])
        changes = [one for one in changes if one.key not in taken]
        await _update(session, [one for one in changes if one.row is not None])
        await _announce(session, changes)
        if taken:  # somebody else made these rows meanwhile: fold into theirs
            states |= await save(session, [fact for key in taken for fact in by_call[key]])
    return states


_KEPT = [
    CALLS.c[name]
    for name in (
        "id", "node", "linkedid", "caller", "evidence", "announced", "agent_id", "agent_name", "agent_extension"
    )
]  # fmt: skip


async def _locked(session: AsyncSession, keys: Sequence[Key]) -> dict[Key, Row[Any]]:
    of_nodes: dict[str, list[str]] = {}
    for node, linkedid in keys:
        of_nodes.setdefault(node, []).append(linkedid)
    found: dict[Key, Row[Any]] = {}
    for node, linkedids in of_nodes.items():
        wanted = select(*_KEPT).where(CALLS.c.node == node, among(CALLS.c.linkedid, linkedids))
        rows = await session.execute(wanted.order_by(CALLS.c.linkedid).with_for_update())
        found |= {(row.node, row.linkedid): row for row in rows}
    return found


def read_state(call: Call | Row[Any]) -> State:
    """The fold's state as the row keeps it."""
    return {
        Field(name): Stamp(rank, datetime.fromisoformat(at), (call.caller or "") if name == Field.CALLER else value)
        for name, (rank, at, value) in call.evidence.items()
    }


def _change(key: Key, state: State, row: Row[Any] | None) -> _Change:
    seen = view(state)
    call_id = row.id if row else new_id()
    announced: list[str] = list(row.announced) if row else []
    events = [event for event in _due(call_id, seen) if event.name not in announced]
    announced += [event.name for event in events]
    agent: tuple[UUID | None, str | None] = (None, None)
    if row and row.agent_extension == seen.agent:
        agent = (row.agent_id, row.agent_name)
    if seen.agent is None and seen.connected_at:
        duty = (seen.outside or "").removeprefix("duty/")
        agent = (agent[0], f"值班手机{duty}" if duty else "外部号码")
    return _Change(call_id, key, state, seen, row, agent, events, announced)


def _due(call_id: UUID, seen: View) -> list[Event]:
    events: list[Event] = [CallArrived(call_id=call_id)]
    if seen.connected_at:
        events.append(CallConnected(call_id=call_id))
    if seen.ended_at and seen.outcome:
        events.append(CallEnded(call_id=call_id, outcome=seen.outcome))
        if seen.outcome == Outcome.MESSAGE:
            events.append(MessageLeft(call_id=call_id))
    return events


async def _name_agents(session: AsyncSession, changes: Sequence[_Change]) -> None:
    """Whose telephone it is, asked once per connection: later renames do not rewrite history."""
    unnamed = [one for one in changes if one.view.agent and one.agent[0] is None]
    if not unnamed:
        return
    found = await session.execute(
        select(AGENTS.c.extension, AGENTS.c.user_id, AGENTS.c.name).where(
            among(AGENTS.c.extension, {one.view.agent for one in unnamed})
        )
    )
    people = {extension: (user_id, name) for extension, user_id, name in found}
    for one in unnamed:
        if one.view.agent:
            one.agent = people.get(one.view.agent, (None, f"分机{one.view.agent}"))


_LONGEST = {"dialled": 32, "original_hotline": 80, "queue": 64, "citizen_channel": 256, "agent_channel": 256}


def _columns(one: _Change) -> dict[str, Any]:
    seen = one.view
    values: dict[str, Any] = {
        "direction": seen.direction,
        "dialled": seen.dialled,
        "original_hotline": seen.original_hotline,
        "queue": seen.queue,
        "agent_id": one.agent[0],
        "agent_name": one.agent[1],
        "agent_extension": seen.agent,
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
        "rating": seen.rating,
        "outcome": seen.outcome,
        "evidence": {
            field: [stamp.rank, stamp.at.isoformat(), "" if field is Field.CALLER else stamp.value]
            for field, stamp in one.state.items()
        },
        "announced": one.announced,
        "changed_at": now(),
    }
    for name, longest in _LONGEST.items():
        if values[name]:
            values[name] = values[name][:longest]
    return values


async def _insert(session: AsyncSession, changes: Sequence[_Change]) -> set[Key]:
    """Write new rows -> the keys of those that somebody else has written meanwhile."""
    if not changes:
        return set()
    rows = [
        {"id": one.id, "node": one.key[0], "linkedid": one.key[1], "caller": one.view.caller} | _columns(one)
        for one in changes
    ]
    made = set((await insert_rows(session, CALLS, rows, then="ON CONFLICT DO NOTHING RETURNING id")).scalars())
    return {one.key for one in changes if one.id not in made}


async def _update(session: AsyncSession, changes: Sequence[_Change]) -> None:
    """Write known rows; the caller apart, since sealing it anew would touch its index at every change."""
    if not changes:
        return
    await update_rows(session, CALLS, [{"id": one.id} | _columns(one) for one in changes])
    callers = [one for one in changes if one.row is not None and one.row.caller != one.view.caller]
    if callers:
        await update_rows(session, CALLS, [{"id": one.id, "caller": one.view.caller} for one in callers])


async def _announce(session: AsyncSession, changes: Sequence[_Change]) -> None:
    """Publish each transition that these changes made, and write what follows from a call's end."""
    await publish(session, *(event for one in changes for event in one.events))
    ended = [callbacks.Ended(one.id, one.view) for one in changes if one.view.ended_at]
    await callbacks.after_calls(session, ended)
    await places.close(session, [one.key for one in changes if one.view.ended_at])
    for one in changes:
        if one.row is None:
            log.info("call.recorded", call=str(one.id), linkedid=one.key[1])  # the two names of one call, once together
        for user_id in {one.agent[0], one.row.agent_id if one.row else None} - {None}:
            hint(session, DESK, user_id)
        hint(session, "calls", one.id)
        hint(session, "call", one.id)
        if one.view.ended_at:
            hint(session, ENDED, one.id)
        if one.view.queue:
            hint(session, "queue", one.view.queue)


def unchanged(state: State | None, facts: Iterable[Fact]) -> bool:
    """Whether a call in this state would learn nothing from `facts`: a state only grows, so what a row once held
    it still holds."""
    return state is not None and fold_all(facts, state) == state
