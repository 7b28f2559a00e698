"""The agent's own state in the top bar, and what can be done about it now."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from callflow.agents.models import Agent
from callflow.models import Call
from core.permissions import Permission

if TYPE_CHECKING:
    from web.context import Context

REASONS = {"break": "休息", "meal": "用餐", "training": "培训", "meeting": "会议", "other": "其他事务"}
LABELS = {"wrap-up": "整理", "no-answer": "未接来电", "agent-lost": "话机断线"} | REASONS


@dataclass(frozen=True)
class AgentBar:
    """State as a word, since when, the colour of its dot, and the call in hand."""

    extension: str
    state: str
    tone: str
    since: datetime | None
    version: int
    logged_in: bool
    paused: bool
    call: Call | None


async def show(ctx: "Context") -> AgentBar | None:
    """The bar of this person, or None for who has no telephone at the line."""
    if not ctx.actor.may(Permission.LINE_AGENT):
        return None
    agent = await ctx.session.get(Agent, ctx.actor.user_id)
    if agent is None:
        return None
    talking = select(Call).where(Call.agent_id == agent.user_id, Call.ended_at.is_(None)).limit(1)
    call = await ctx.session.scalar(talking)
    state, tone, since = describe(agent, call)
    return AgentBar(
        agent.extension,
        state,
        tone,
        since,
        agent.version,
        agent.logged_in_at is not None,
        agent.paused_at is not None,
        call,
    )


def describe(agent: Agent, call: Call | None) -> tuple[str, str, datetime | None]:
    """Word, tone and beginning of an agent's state."""
    if call is not None:
        return "通话中", "act", call.connected_at or call.arrived_at
    if agent.logged_in_at is None:
        return "未签入", "", None
    if agent.paused_at is not None:
        reason = LABELS.get(agent.pause_reason or "", "")
        return ("整理中" if reason == "整理" else f"示忙 {reason}".strip()), "warn", agent.paused_at
    return "示闲", "good", agent.logged_in_at
