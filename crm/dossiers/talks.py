"""The calls of an order in its package: how each belongs to it, who spoke to whom, and the words of each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.callbacks.models import CallbackTask
from callflow.models import Call
from callflow.phones.models import CallLeg
from callflow.phones.voices import Voices, of_call
from core.db import among
from crm.dossiers.rows import plain, row, rows
from crm.tickets.belonging import How, of_order, orders_of
from crm.tickets.models import Ticket
from recordings.layers.whole import whole
from recordings.models import Recording, Side


@dataclass(frozen=True)
class Talk:
    """A call of the order."""

    call: Call
    how: How
    voices: Voices
    apart: bool
    """Belongs to a 举报 too, this one or another: sound and words tell who made it, and stand apart."""

    def told(self) -> dict[str, Any]:
        """As the package says it, beside the call's row."""
        told = {"call_id": self.call.id, "belongs": self.how.value, "said": self.how.label}
        told |= {"first": self.voices.first, "second": self.voices.second}
        joined = [{"since": one.start, "until": one.end, "who": one.who} for one in self.voices.stretches]
        return {name: plain(value) for name, value in (told | {"joined": joined}).items()}

    def who(self, side: Side, start_s: float, part: int | None) -> str:
        """Who said a line, in this part of the recordings."""
        if side is Side.CITIZEN:
            return self.voices.first
        if self.call.connected_at is None:
            return self.voices.second
        return self.voices.second_at(self.call.connected_at + timedelta(seconds=start_s), part)


async def talks_of(session: AsyncSession, ticket_id: UUID) -> list[Talk]:
    """All of them, as they came."""
    found = await of_order(session, ticket_id)
    apart = await orders_of(session, [one.call.id for one in found], Ticket.sealed.is_(True))
    return [Talk(one.call, one.how, await of_call(session, one.call), one.call.id in apart) for one in found]


async def calls_document(session: AsyncSession, talks: Sequence[Talk]) -> dict[str, Any]:
    """The calls' rows, who spoke in each, who was brought in, and the calls back that were owed."""
    calls = [one.call for one in talks]
    asking = or_(false(), *(and_(CallLeg.node == call.node, CallLeg.linkedid == call.linkedid) for call in calls))
    legs = select(CallLeg).where(asking).order_by(CallLeg.asked_at, CallLeg.id)
    owed = select(CallbackTask).where(among(CallbackTask.call_id, [call.id for call in calls]))
    return {
        "calls": rows(calls),
        "belonging": [one.told() for one in talks],
        "legs": rows(await session.scalars(legs)),
        "callbacks": rows(await session.scalars(owed.order_by(CallbackTask.id))),
    }


async def words_of(session: AsyncSession, talk: Talk, sounds: Collection[Recording]) -> dict[str, Any] | None:
    """A call's words in all layers, each line with who said it; None where nothing was ever heard of it."""
    said = await whole(session, talk.call.id)
    if said.state is None and not said.segments:
        return None
    parts: dict[UUID | None, int] = {one.id: one.part for one in sounds}
    value: dict[str, Any] = {"call_id": str(talk.call.id), "transcript": row(said.state) if said.state else None}
    lines = [row(one) | {"who": talk.who(one.side, one.start_s, parts.get(one.recording_id))} for one in said.segments]
    return value | {"segments": lines, "corrections": rows(said.corrections), "runs": rows(said.runs)}
