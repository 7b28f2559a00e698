"""Limits of other laws 特别时限 by matter: proposed by one person, in force once another approved it (D15)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, case, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from core import ledger
from core.actor import Actor
from core.calendar import Limit, LimitUnit
from core.clock import local, now, today
from core.db import among, paged
from core.errors import Conflict, Invalid, NotFound
from core.forms import Clean
from core.permissions import Permission
from crm.installed import installed
from crm.tickets.models import StatutoryLimit
from crm.tickets.rules import Given


class Standing(StrEnum):
    """How a limit stands on a day."""

    WAITING = "waiting"
    COMING = "coming"
    PRESENT = "present"
    OVER = "over"
    REJECTED = "rejected"

    @property
    def label(self) -> str:
        """As people read it."""
        labels = ("待核准", "待生效", "现行", "已失效", "未核准")
        return dict(zip(Standing, labels, strict=True))[self]


def standing(day: date) -> ColumnElement[str]:
    """How each limit stands on `day`."""
    row = StatutoryLimit
    return case(
        (row.rejected_at.is_not(None), Standing.REJECTED),
        (row.approved_at.is_(None), Standing.WAITING),
        (row.effective_to < day, Standing.OVER),
        (row.effective_from > day, Standing.COMING),
        else_=Standing.PRESENT,
    )


@dataclass(frozen=True)
class Wanted:
    """What narrows the list; each of `words` stands in the document or in the name of the matter."""

    words: Sequence[str] = ()
    state: Standing | None = None
    oldest_first: bool = False


class Proposal(Given):
    """What the law says, and where."""

    matter: Annotated[str, Field(max_length=40)]
    n: Annotated[int, Field(ge=1, le=1000)]
    unit: LimitUnit
    citation: Annotated[str, Field(min_length=4, max_length=300), Clean]
    effective_from: date
    effective_to: date | None = None


async def propose_limit(session: AsyncSession, actor: Actor, given: Proposal) -> StatutoryLimit:
    """Write it down; it does nothing until it is approved. Raises Invalid with its fields."""
    actor.require(Permission.ORDER_REVIEW)
    if given.matter not in installed().county.matters:
        raise Invalid("unknown-code", "请从诉求事项目录中选择。", fields={"matter": "请从诉求事项目录中选择"})
    if given.effective_to is not None and given.effective_to < given.effective_from:
        raise Invalid("bad-span", "失效日期早于生效日期。", fields={"effective_to": "不能早于生效日期"})
    limit = StatutoryLimit(**given.model_dump(), proposed_by=actor.user_id)
    session.add(limit)
    await session.flush()
    what = {"matter": given.matter, "limit": str(Limit(given.n, given.unit)), "citation": given.citation}
    await ledger.record(session, actor, "limit.propose", "statutory-limit", limit.id, **what)
    return limit


async def limits(
    session: AsyncSession, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> list[tuple[StatutoryLimit, Standing]]:
    """Those that are wanted and how each stands today, as they were proposed, from behind `after` on."""
    stands = standing(today())
    query = select(StatutoryLimit, stands).limit(limit)
    matters = installed().county.matters.values()
    for word in wanted.words:
        named = [one.code for one in matters if word in f"{one.group} {one.name}"]
        cited = StatutoryLimit.citation.icontains(word, autoescape=True)
        query = query.where(or_(cited, among(StatutoryLimit.matter, named)))
    if wanted.state:
        query = query.where(stands == wanted.state)
    ordered = paged(query, StatutoryLimit.proposed_at, StatutoryLimit.id, after, oldest_first=wanted.oldest_first)
    return [(limit, Standing(state)) for limit, state in await session.execute(ordered)]


async def approve_limit(session: AsyncSession, actor: Actor, limit_id: UUID) -> StatutoryLimit:
    """The second person; from now on dispatches of the matter run by it. Raises Conflict, NotFound."""
    limit = await _waiting(session, actor, limit_id)
    limit.approved_at, limit.approved_by = now(), actor.user_id
    await ledger.record(session, actor, "limit.approve", "statutory-limit", limit.id, citation=limit.citation)
    return limit


async def reject_limit(session: AsyncSession, actor: Actor, limit_id: UUID, reason: str) -> StatutoryLimit:
    """The second person does not approve it, with the reason. Raises Conflict, Invalid, NotFound."""
    if len(reason.strip()) < 2:
        raise Invalid("no-reason", "请填写不予核准的原因。", fields={"reason": "请填写不予核准的原因"})
    limit = await _waiting(session, actor, limit_id)
    limit.rejected_at, limit.rejected_by, limit.rejected_reason = now(), actor.user_id, reason.strip()
    await ledger.record(session, actor, "limit.reject", "statutory-limit", limit.id, reason=reason.strip())
    return limit


async def end_limit(session: AsyncSession, actor: Actor, limit_id: UUID, last: date, reason: str) -> StatutoryLimit:
    """The law was changed: dispatches after `last` run by the regulation again; who was dispatched keeps his clock.

    Raises Invalid with its fields, Conflict, NotFound.
    """
    actor.require(Permission.ORDER_SECOND)
    if len(reason.strip()) < 2:
        raise Invalid("no-reason", "请填写停用的依据。", fields={"reason": "请填写停用的依据"})
    limit = await _locked(session, limit_id)
    if limit.approved_at is None:
        raise Conflict("not-approved", "这条特别时限没有核准，不必停用。")
    if last < max(today(), limit.effective_from):
        raise Invalid("bad-span", "失效日期不能早于今天和生效日期。", fields={"effective_to": "不能早于今天和生效日期"})
    limit.effective_to = last
    what = {"reason": reason.strip(), "last": last.isoformat()}
    await ledger.record(session, actor, "limit.end", "statutory-limit", limit.id, **what)
    return limit


async def _waiting(session: AsyncSession, actor: Actor, limit_id: UUID) -> StatutoryLimit:
    """The proposal, for a second person to decide."""
    actor.require(Permission.ORDER_SECOND)
    limit = await _locked(session, limit_id)
    if limit.approved_at is not None:
        raise Conflict("already-approved", "这条特别时限已核准。")
    if limit.rejected_at is not None:
        raise Conflict("already-rejected", "这条特别时限未予核准；可以重新提出。")
    if actor.user_id is not None and actor.user_id == limit.proposed_by:
        raise Conflict("four-eyes", "须由提出人以外的第二人核准（D15）。")
    return limit


async def _locked(session: AsyncSession, limit_id: UUID) -> StatutoryLimit:
    limit = await session.get(StatutoryLimit, limit_id, with_for_update=True, populate_existing=True)
    if limit is None:
        raise NotFound("no-such-limit", "没有这条特别时限。")
    return limit


async def in_force(session: AsyncSession, matter: str | None, at: datetime) -> StatutoryLimit | None:
    """D15: what another law says of a matter, approved and in force on the day; the newest."""
    if not matter:
        return None
    today = local(at).date()
    wanted = select(StatutoryLimit).where(
        StatutoryLimit.matter == matter,
        StatutoryLimit.approved_at.is_not(None),
        StatutoryLimit.effective_from <= today,
        or_(StatutoryLimit.effective_to.is_(None), StatutoryLimit.effective_to >= today),
    )
    found: StatutoryLimit | None = await session.scalar(wanted.order_by(StatutoryLimit.id.desc()).limit(1))
    return found
