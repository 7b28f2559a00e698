"""The agent's own state in the top bar, and what can be done about it now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from callflow.agents.models import Agent
from callflow.agents.rules import BY_HAND, PauseReason
from callflow.models import Call
from core.permissions import Permission
from crm.queries.intake_day import unfinished_of
from crm.search.earlier import known_of

if TYPE_CHECKING:
    from web.context import Context

REASONS = [(reason, reason.label) for reason in PauseReason if reason in BY_HAND]


@dataclass(frozen=True)
class AgentBar:
    """State as a word, since when, the colour of its dot, and the call in hand."""

    extension: str
    in_page: bool
    """Whether the telephone is the one in the page."""
    state: str
    tone: str
    since: datetime | None
    version: int
    logged_in: bool
    paused: bool
    wrapping_up: bool
    reasons: list[tuple[PauseReason, str]]
    call: Call | None
    unfinished: Sequence[UUID]
    """A12.1-2: own calls that are over and have no outcome, the oldest first."""
    known: str = ""
    """F12.1-1: what is known of the number that calls: `王*，3 张工单`."""


async def show(ctx: "Context") -> AgentBar | None:
    """The bar of this person, or None for who has no telephone at the line."""
    if not ctx.actor.may(Permission.LINE_AGENT):
        return None
    agent = await ctx.session.get(Agent, ctx.actor.user_id)
    if agent is None:
        return None
    talking = select(Call).where(Call.agent_id == agent.user_id, Call.ended_at.is_(None))
    call = await ctx.session.scalar(talking.order_by(Call.arrived_at).limit(1))  # whom one asks about it comes later
    known = await known_of(ctx.session, ctx.actor, call.caller) if call and call.caller else ""
    state, tone, since = describe(agent, call)
    return AgentBar(
        agent.extension,
        agent.webrtc,
        state,
        tone,
        since,
        agent.version,
        agent.logged_in_at is not None,
        agent.paused_at is not None,
        agent.pause_reason == PauseReason.WRAP_UP,
        REASONS,
        call,
        await unfinished_of(ctx.session, agent.user_id),
        known,
    )


def describe(agent: Agent, call: Call | None) -> tuple[str, str, datetime | None]:
    """Word, tone and beginning of an agent's state."""
    if call is not None:
        return "通话中", "act", call.connected_at or call.arrived_at
    if agent.logged_in_at is None:
        return "未签入", "", None
    if agent.paused_at is not None:
        reason = PauseReason(agent.pause_reason).label if agent.pause_reason else "示忙"
        return reason, "warn", agent.paused_at
    return "示闲", "good", agent.logged_in_at
