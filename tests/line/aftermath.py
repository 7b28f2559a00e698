"""What must be true after a fault: each call one complete record, its recording, its draft, its call-back."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from instance import Instance
from ringing import until
from sqlalchemy import select

from callflow.callbacks.models import CallbackTask
from callflow.models import Call
from callflow.rules import Outcome
from core.actor import Actor
from core.secrets import Secrets
from crm.tickets.models import Ticket
from recordings.archive.ingest import fetch
from recordings.models import Recording
from recordings.settings import RecordingSettings
from recordings.store.choose import open_store

PATIENCE_S = 90.0
WORDS = "我要投诉小区门口占道经营"


async def served(instance: Instance, number: str, *actors: Actor) -> Call:
    """This citizen talked with one of these agents: one complete record, its recording, a draft from the words."""
    call = await instance.call(number, "ended_at", "outcome", "queued_at", "connected_at", "agent_id", within_s=60)
    assert call.outcome == Outcome.ANSWERED
    assert call.agent_id in {actor.user_id for actor in actors}
    assert call.ended_at
    assert call.queued_at
    assert call.connected_at
    assert call.arrived_at <= call.queued_at <= call.connected_at <= call.ended_at
    assert (await recording(instance, call.id)).seconds > 3
    await draft(instance, call.id)
    return call


async def recording(instance: Instance, call_id: UUID) -> Recording:
    """The call's one recording, once it is archived."""

    async def archived() -> Sequence[Recording]:
        async with instance.db.session() as session:
            return (await session.scalars(select(Recording).where(Recording.call_id == call_id))).all()

    found = await until(archived, "the recording in the archive", PATIENCE_S)
    assert isinstance(found, Sequence)
    assert len(found) == 1, [(one.kind, one.part, one.state, one.seconds, one.started_at) for one in found]
    only = found[0]
    assert isinstance(only, Recording)
    return only


async def sound(instance: Instance, kept: Recording) -> Path:
    """The recording's file, read from the archive."""
    copy = instance.home / f"{kept.id}.flac"
    store = open_store(RecordingSettings(), instance.home, instance.db, Secrets(instance.home / "secrets"))
    await fetch(store, kept.store_key, copy)
    return copy


async def draft(instance: Instance, call_id: UUID) -> Ticket:
    """The call's draft order, once its words have filled it."""

    async def filled() -> Ticket | None:
        async with instance.db.session() as session:
            found: Ticket | None = await session.scalar(select(Ticket).where(Ticket.call_id == call_id))
            return found if found and found.proposals.get("category") else None

    found = await until(filled, "the draft filled from the words", PATIENCE_S)
    assert isinstance(found, Ticket)
    assert found.proposals["category"]["value"] == "complaint"
    return found


async def callback(instance: Instance, call_id: UUID) -> CallbackTask:
    """The call's one call-back task."""

    async def owed() -> Sequence[CallbackTask]:
        async with instance.db.session() as session:
            return (await session.scalars(select(CallbackTask).where(CallbackTask.call_id == call_id))).all()

    found = await until(owed, "the call-back task")
    assert isinstance(found, Sequence)
    [only] = found
    assert isinstance(only, CallbackTask)
    return only
