"""Whose words stand on which side of a call: on the first who the agent talks with, on the second everybody else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.phones.models import CallLeg
from callflow.phones.passing import OUTSIDE
from callflow.phones.rules import Became, Way
from callflow.rules import Direction

CITIZEN, AGENT, CALLED = "市民", "话务员", "对方"
OF_THREE = 2
"""The part of a consultation's recording in which who was asked talks with the citizen and the agent."""


@dataclass(frozen=True)
class Stretch:
    """From `start` on, up to `end`, the second side is `who`; `mixed`: the recording has the agent there, too, whom the
    live words tell apart."""

    start: datetime
    end: datetime | None
    who: str
    mixed: bool = False


@dataclass(frozen=True)
class Voices:
    """The names of both sides, and where the second side is somebody else."""

    first: str = CITIZEN
    second: str = AGENT
    stretches: tuple[Stretch, ...] = ()
    asked: bool = False
    """Whether this is the call in which somebody is asked about a citizen's."""

    def beneath(self, part: int) -> str:
        """Whose the second channel of this part of the recording is."""
        if self.asked and part >= OF_THREE:
            return f"{CITIZEN}和{AGENT}"
        return self.second if self.asked else f"{self.second}及其他"

    def second_at(self, at: datetime, part: int | None) -> str:
        """Who speaks on the second side at this moment, in this part of a recording; None: in live words."""
        if self.asked:
            return self.beneath(part or 1)
        who = self.second
        for one in self.stretches:
            if one.start <= at and (one.end is None or at < one.end) and not (one.mixed and part is None):
                who = one.who
        return who


def voices(call: Call, legs: Iterable[CallLeg], asked: CallLeg | None) -> Voices:
    """Of a call, who was brought into it in order, and where it is a consultation itself, what for. Pure."""
    if asked:
        return Voices(asked.shown, AGENT, asked=True)
    first = CITIZEN if call.direction == Direction.INBOUND else CALLED
    nobody_of_ours = call.agent_name and not call.agent_extension
    return Voices(first, (nobody_of_ours and call.agent_name) or AGENT, tuple(s for leg in legs for s in _of(leg)))


def _of(leg: CallLeg) -> Iterable[Stretch]:
    over = leg.done_at if leg.result in (Became.DROPPED, Became.HANDED_OVER, Became.BACK) else None
    if leg.joined_at:
        yield Stretch(leg.joined_at, over, f"{AGENT}和{leg.shown}", mixed=True)
    got = leg.done_at if leg.result == Became.HANDED_OVER else leg.asked_at if leg.kind != Way.CONSULT else None
    if got:
        back = over if leg.result == Became.BACK else None
        yield Stretch(got, back, leg.shown if leg.how == OUTSIDE else AGENT)


async def of_call(session: AsyncSession, call: Call) -> Voices:
    """The same, asked of the database."""
    legs = select(CallLeg).where(CallLeg.node == call.node, CallLeg.linkedid == call.linkedid)
    asked = select(CallLeg).where(CallLeg.node == call.node, CallLeg.leg == call.linkedid)
    return voices(
        call,
        (await session.scalars(legs.order_by(CallLeg.asked_at, CallLeg.id))).all(),
        await session.scalar(asked),
    )
