"""The register of nuisance callers 恶意骚扰来电登记: the limit that a snapshot carries to the line, and who set it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.limits import Limits
from callflow.models import Call
from callflow.nuisance.models import Ground, NuisanceCaller, Standing
from callflow.numbers.service import TOPIC as LINE
from callflow.rules import Outcome
from core.actor import Actor
from core.clock import now, today
from core.db import paged
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger import record
from core.live import hint
from core.permissions import Permission
from core.personal import blind_index

TOPIC = "nuisance"
MOST_CALLS, LONGEST_WINDOW_MIN, LONGEST_DAYS = 20, 1440, 90
"""A limit is looked at again after a quarter of a year at the latest."""


async def propose(
    session: AsyncSession,
    actor: Actor,
    call_id: UUID,
    ground: Ground,
    reason: str,
    calls: int,
    window_min: int,
    review_on: date,
) -> NuisanceCaller:
    """Propose to limit who made this call. Nothing happens on the line until another person confirms."""
    if not (actor.may(Permission.LINE_AGENT) or actor.may(Permission.LINE_LEAD)):
        raise Denied("not-permitted", "您没有进行这项操作的权限。")
    call = await session.get(Call, call_id)
    if call is None:
        raise NotFound("no-call", "没有这条通话记录。")
    if not call.caller:
        raise Invalid("no-number", "来电没有显示号码，不能登记。")
    if not 1 <= calls <= MOST_CALLS:
        raise _wrong("calls", f"每个时段至少受理 1 次、最多 {MOST_CALLS} 次，不能完全拦截。")
    if not 10 <= window_min <= LONGEST_WINDOW_MIN:
        raise _wrong("window_min", f"时段为 10 至 {LONGEST_WINDOW_MIN} 分钟。")
    if not today() < review_on <= today() + timedelta(days=LONGEST_DAYS):
        raise _wrong("review_on", f"复核日期为明天至 {LONGEST_DAYS} 天以内。")
    standing = await _standing(session, call.caller)
    if standing and standing.review_on >= today():
        raise Conflict("already-registered", "该号码已登记或正等待核准，请在登记簿中查看。")
    if standing:
        standing.ended_at, standing.ended_reason = now(), "复核日期已过，自动解除"
        await session.flush()
    row = NuisanceCaller(
        phone=call.caller,
        call_id=call_id,
        ground=ground,
        reason=reason,
        calls=calls,
        window_min=window_min,
        review_on=review_on,
        proposed_at=now(),
        proposed_by=actor.user_id,
        proposed_by_name=actor.name,
    )
    session.add(row)
    await session.flush()
    what = {"ground": ground.value, "calls": str(calls), "window_min": str(window_min), "review_on": str(review_on)}
    await record(session, actor, "nuisance.propose", "nuisance", row.id, reason=reason, **what)
    hint(session, TOPIC)
    return row


async def confirm(session: AsyncSession, actor: Actor, entry_id: UUID) -> NuisanceCaller:
    """The second person: from now on the limit holds, up to the day of review."""
    row = await _open(session, actor, entry_id)
    if row.confirmed_at:
        raise Conflict("nuisance-confirmed", "这项登记已经核准。")
    if row.proposed_by == actor.user_id:
        raise Conflict("own-proposal", "提出人不能自己核准，须由另一人核准。")
    if row.review_on < today():
        raise Conflict("nuisance-over", "复核日期已过，请重新登记。")
    row.confirmed_at, row.confirmed_by, row.confirmed_by_name = now(), actor.user_id, actor.name
    await record(session, actor, "nuisance.confirm", "nuisance", entry_id)
    _tell(session)
    return row


async def end(session: AsyncSession, actor: Actor, entry_id: UUID, reason: str) -> NuisanceCaller:
    """Lift it, or refuse to confirm it; one person is enough to give a citizen the line back."""
    row = await _open(session, actor, entry_id)
    row.ended_at, row.ended_by, row.ended_by_name, row.ended_reason = now(), actor.user_id, actor.name, reason
    await record(session, actor, "nuisance.end", "nuisance", entry_id, reason=reason)
    _tell(session)
    return row


@dataclass(frozen=True)
class Wanted:
    """Which registrations: those of which `where` holds; each of `words` stands in the reason, or is a ground's or a
    name's."""

    words: Sequence[str] = ()
    where: Sequence[ColumnElement[bool]] = ()
    state: Standing | None = None
    oldest_first: bool = False


async def entries(
    session: AsyncSession, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[tuple[NuisanceCaller, int]]:
    """A page of the register as it was proposed, from behind `after` on; each with how often its caller was asked to
    call later since it holds."""
    of, over = NuisanceCaller, NuisanceCaller.ended_at.is_not(None) | (NuisanceCaller.review_on < today())
    query = select(of, _turned_away()).where(*wanted.where).limit(limit)
    for word in wanted.words:
        grounds = [one for one in Ground if word in one.label]
        said = (of.reason, of.ended_reason, of.proposed_by_name, of.confirmed_by_name, of.ended_by_name)
        written = (one.contains(word, autoescape=True) for one in said)
        query = query.where(or_(of.ground.in_(grounds), *written))
    if wanted.state is Standing.ENDED:
        query = query.where(over)
    elif wanted.state:
        confirmed = of.confirmed_at.is_not(None)
        query = query.where(~over, confirmed if wanted.state is Standing.PRESENT else ~confirmed)
    found = await session.execute(paged(query, of.proposed_at, of.id, after, oldest_first=wanted.oldest_first))
    return [(row[0], row[1]) for row in found]


def _turned_away() -> ScalarSelect[int]:
    same = blind_index(Call.caller) == blind_index(NuisanceCaller.phone)
    calls = select(func.count()).where(same, Call.outcome == Outcome.REFUSED)
    return calls.where(Call.arrived_at >= NuisanceCaller.confirmed_at).correlate(NuisanceCaller).scalar_subquery()


async def of_caller(session: AsyncSession, caller: str | None) -> NuisanceCaller | None:
    """What the desk shows of who calls: an entry that stands, confirmed or not."""
    found = await _standing(session, caller, lock=False) if caller else None
    return found if found and found.review_on >= today() else None


async def limited(session: AsyncSession) -> dict[str, Limits]:
    """E.164 -> limit, of all that holds today; one call at a time."""
    rows = await session.scalars(
        select(NuisanceCaller).where(
            NuisanceCaller.confirmed_at.is_not(None),
            NuisanceCaller.ended_at.is_(None),
            NuisanceCaller.review_on >= today(),
        )
    )
    return {one.phone: Limits(one.calls, one.window_min, 1) for one in rows}


async def _open(session: AsyncSession, actor: Actor, entry_id: UUID) -> NuisanceCaller:
    actor.require(Permission.LINE_LEAD)
    row = await session.get(NuisanceCaller, entry_id, with_for_update=True)
    if row is None:
        raise NotFound("no-nuisance", "没有这项登记。")
    if row.ended_at:
        raise Conflict("nuisance-ended", "这项登记已经解除。")
    return row


async def _standing(session: AsyncSession, caller: str, lock: bool = True) -> NuisanceCaller | None:
    wanted = select(NuisanceCaller).where(NuisanceCaller.phone.matches(caller), NuisanceCaller.ended_at.is_(None))
    found: NuisanceCaller | None = await session.scalar(wanted.with_for_update() if lock else wanted)
    return found


def _tell(session: AsyncSession) -> None:
    hint(session, TOPIC)
    hint(session, LINE)


def _wrong(field: str, sentence: str) -> Invalid:
    return Invalid("bad-limit", sentence, fields={field: sentence})
