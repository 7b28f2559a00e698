"""The roster 班表: shifts are planned, checked against every minute of the coming days, and published as a version."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from callflow.agents.models import Agent, AgentQueue
from callflow.current import line_policy
from callflow.numbers.models import DutyMobile
from callflow.queues.models import Queue
from callflow.roster.models import MAIN_CENTRE, PublishedShift, RosterShift, RosterVersion
from callflow.roster.rules import AHEAD, LONGEST, Span, covered_until, duty_spans, fingerprint, gaps, is_night, told
from core.actor import Actor
from core.clock import local, midnight, now
from core.errors import Conflict, Invalid, NotFound
from core.identity.models import User
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission

TOPIC = "roster"
MOST_DAYS = 31
MOST_ROWS = 5_000
"""More than 200 people in two weeks; a plan is never read without a limit."""


@dataclass(frozen=True)
class Coverage:
    """What the plan holds for the days that a publication must cover."""

    first: datetime
    last: datetime
    gaps: list[Span]
    absent: list[str]
    """Names of people with shifts in this time who cannot sit there: account off, or no seat."""
    by_duty: list[Span]
    """Parts in which only a duty mobile answers."""
    may_overflow: bool
    """Whether callers of this centre go on to another queue where nobody is here: gaps are told, and refuse nothing."""

    @property
    def complete(self) -> bool:
        """Whether it may be published."""
        return not self.gaps or self.may_overflow


@dataclass(frozen=True)
class Shown:
    """A shift with its person's name, of the plan (with its id) or of a version."""

    user_id: UUID
    name: str
    starts_at: datetime
    ends_at: datetime
    night: bool
    id: UUID | None = None


@dataclass(frozen=True)
class Difference:
    """What the plan adds to and takes from the version in force, from now on."""

    added: list[Shown] = field(default_factory=list)
    removed: list[Shown] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many shifts differ."""
        return len(self.added) + len(self.removed)


async def shifts(session: AsyncSession, first: datetime, last: datetime, centre: str = MAIN_CENTRE) -> list[Shown]:
    """The plan's shifts that touch the span, in time order."""
    rows = await session.execute(
        select(RosterShift, User.name)
        .join(User, User.id == RosterShift.user_id)
        .where(RosterShift.starts_at < last, RosterShift.ends_at > first, RosterShift.centre == centre)
        .order_by(RosterShift.starts_at, User.name)
        .limit(MOST_ROWS)
    )
    return [Shown(one.user_id, name, one.starts_at, one.ends_at, one.night, one.id) for one, name in rows]


async def published(session: AsyncSession, version_id: UUID, first: datetime, last: datetime) -> list[Shown]:
    """A version's shifts that touch the span, in time order."""
    rows = await session.execute(
        select(PublishedShift, User.name)
        .join(User, User.id == PublishedShift.user_id)
        .where(PublishedShift.version_id == version_id, PublishedShift.starts_at < last, PublishedShift.ends_at > first)
        .order_by(PublishedShift.starts_at, User.name)
        .limit(MOST_ROWS)
    )
    return [Shown(one.user_id, name, one.starts_at, one.ends_at, one.night) for one, name in rows]


async def versions(
    session: AsyncSession, centre: str = MAIN_CENTRE, limit: int = 20, *, below: int | None = None
) -> Sequence[RosterVersion]:
    """Publications, the newest first, of those whose number is below this one; the first of all is in force."""
    wanted = select(RosterVersion).where(RosterVersion.centre == centre)
    if below is not None:
        wanted = wanted.where(RosterVersion.number < below)
    return (await session.scalars(wanted.order_by(RosterVersion.number.desc()).limit(limit))).all()


async def on_shift(session: AsyncSession, at: datetime) -> dict[UUID, Shown]:
    """Who sits at a desk at this instant by the rosters in force, of all centres."""
    same = aliased(RosterVersion)
    last = select(func.max(same.number)).where(same.centre == RosterVersion.centre).scalar_subquery()
    newest = select(RosterVersion.id).where(RosterVersion.number == last)
    found: dict[UUID, Shown] = {}
    for version_id in (await session.scalars(newest)).all():
        for one in await published(session, version_id, at, at + timedelta(microseconds=1)):
            found[one.user_id] = one
    return found


async def coverage(session: AsyncSession, centre: str = MAIN_CENTRE) -> Coverage:
    """A02-1: the plan against every minute of the next 14 days. People whose account is off or who have no seat are
    not there; a duty mobile counts where the bureau reads it so, as it does for incidents."""
    first = now().replace(second=0, microsecond=0)
    last = first + AHEAD
    able = set(await session.scalars(_able(centre)))
    planned = await shifts(session, first, last, centre)
    spans = [Span(one.starts_at, one.ends_at) for one in planned if one.user_id in able]
    by_people = gaps(spans, first, last)
    mobiles = duty_spans(await session.scalars(select(DutyMobile)), first, last)
    with_duty = gaps([*spans, *mobiles], first, last)
    counts = line_policy().duty_counts_as_staffed and centre == MAIN_CENTRE
    return Coverage(
        first,
        last,
        with_duty if counts else by_people,
        sorted({one.name for one in planned if one.user_id not in able}),
        _without(by_people, with_duty) if centre == MAIN_CENTRE else [],
        await _overflows(session, centre),
    )


def _without(wider: Sequence[Span], narrower: Sequence[Span]) -> list[Span]:
    """The parts of `wider` that are not in `narrower`."""
    return [part for one in wider for part in gaps(narrower, one.start, one.end)]


def _able(centre: str) -> Select[UUID]:
    """Who can sit at this centre: account in use, and a seat (at a sub-centre: one that serves its queue)."""
    wanted = select(Agent.user_id).join(User, User.id == Agent.user_id).where(User.active)
    if centre != MAIN_CENTRE:
        wanted = wanted.join(AgentQueue, AgentQueue.user_id == Agent.user_id).where(AgentQueue.queue == centre)
    return wanted


async def people(session: AsyncSession, centre: str = MAIN_CENTRE) -> list[tuple[UUID, str]]:
    """Who may be planned at this centre, by extension."""
    wanted = select(User.id, User.name).join(Agent, Agent.user_id == User.id)
    rows = await session.execute(wanted.where(User.id.in_(_able(centre))).order_by(Agent.extension))
    return [(row[0], row[1]) for row in rows]


async def _overflows(session: AsyncSession, centre: str) -> bool:
    queue = await session.get(Queue, centre) if centre != MAIN_CENTRE else None
    return queue is not None and queue.overflow is not None


async def difference(session: AsyncSession, centre: str = MAIN_CENTRE) -> Difference:
    """What the plan changes against the version in force, among shifts that have not ended."""
    newest = await versions(session, centre, 1)
    far = now() + timedelta(days=400)
    plan = {_key(one): one for one in await shifts(session, now(), far, centre)}
    told_ = await published(session, newest[0].id, now(), far) if newest else []
    before = {_key(one): one for one in told_}
    return Difference(
        [one for key, one in plan.items() if key not in before], [one for key, one in before.items() if key not in plan]
    )


def _key(one: Shown) -> tuple[UUID, datetime, datetime]:
    return one.user_id, one.starts_at, one.ends_at


async def seen(session: AsyncSession, centre: str = MAIN_CENTRE) -> str:
    """What a page shows of the plan, as one word; a publication sends it back."""
    return fingerprint(map(_key, await _whole(session, centre)))


async def _whole(session: AsyncSession, centre: str) -> list[Shown]:
    """All of the plan that a publication takes: what ends after today's midnight."""
    today = midnight(local(now()).date())
    return await shifts(session, today, today + timedelta(days=400), centre)


async def publish(
    session: AsyncSession, actor: Actor, seen: str, note: str = "", centre: str = MAIN_CENTRE
) -> RosterVersion:
    """Publish the plan that the person saw. A02-1: refused while a minute of the next 14 days has no planned agent."""
    actor.require(Permission.ROSTER_EDIT)
    await _known(session, centre)
    await lock(session, f"roster:{centre}")
    plan = await _whole(session, centre)
    if fingerprint(map(_key, plan)) != seen:
        raise Conflict("changed-meanwhile", "班表已被他人修改，没有公布，请核对最新内容后再公布。")
    found = await coverage(session, centre)
    if not found.complete:
        sentence = f"今后 14 天内有 {len(found.gaps)} 段时间无人排班，没有公布：{told(found.gaps)}。"
        if found.absent:
            sentence += f"{'、'.join(found.absent)}账号已停用或没有坐席，其班次不计。"
        raise Invalid("roster-gaps", sentence, fields={"note": "排满后才能公布"})
    if not (await difference(session, centre)).count:
        raise Conflict("roster-published", "班表与已公布的版本相同，无需再次公布。")
    number = await session.scalar(select(func.max(RosterVersion.number)).where(RosterVersion.centre == centre)) or 0
    spans = [Span(one.starts_at, one.ends_at) for one in plan]
    version = RosterVersion(
        centre=centre,
        number=number + 1,
        published_by=actor.user_id,
        published_by_name=actor.name,
        published_at=now(),
        from_at=found.first,
        covered_until=covered_until(spans, found.first),
        note=note,
    )
    session.add(version)
    await session.flush()
    session.add_all(
        PublishedShift(
            version_id=version.id, user_id=o.user_id, starts_at=o.starts_at, ends_at=o.ends_at, night=o.night
        )
        for o in plan
    )
    await session.flush()
    await record(
        session, actor, "roster.publish", "roster", version.id, number=version.number, shifts=len(plan), centre=centre
    )
    hint(session, TOPIC)
    return version


async def add_shift(
    session: AsyncSession,
    actor: Actor,
    user_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    *,
    days: int = 1,
    centre: str = MAIN_CENTRE,
) -> list[RosterShift]:
    """Plan a shift, on `days` days running. Raises `Invalid` for one without length, over 16 hours, or beside another
    of the same person; then none of them is planned."""
    actor.require(Permission.ROSTER_EDIT)
    await _known(session, centre)
    user = await session.get(User, user_id, with_for_update=True)
    if user is None or user_id not in set(await session.scalars(_able(centre))):
        raise _wrong("no-such-user", "user_id", "请选择在用、有坐席的话务员。")
    if not timedelta(0) < ends_at - starts_at <= LONGEST:
        raise _wrong("bad-shift", "end", "一个班次不超过 16 小时。")
    if not 1 <= days <= MOST_DAYS:
        raise _wrong("bad-shift", "days", f"连续天数为 1 至 {MOST_DAYS}。")
    made = []
    for n in range(days):
        made.append(await _add(session, user_id, starts_at + timedelta(days=n), ends_at + timedelta(days=n), centre))
    span = {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat(), "days": str(days), "centre": centre}
    await record(session, actor, "roster.shift.create", "shift", made[0].id, user_id=str(user_id), **span)
    hint(session, TOPIC)
    return made


async def _add(session: AsyncSession, user_id: UUID, starts: datetime, ends: datetime, centre: str) -> RosterShift:
    if await _busy(session, user_id, starts, ends):
        at = local(starts)
        raise _wrong("shift-overlaps", "start", f"该话务员在{at.month}月{at.day}日这段时间已有班次。")
    row = RosterShift(user_id=user_id, starts_at=starts, ends_at=ends, night=is_night(starts, ends), centre=centre)
    session.add(row)
    await session.flush()
    return row


async def _busy(session: AsyncSession, user_id: UUID, starts: datetime, ends: datetime) -> bool:
    other = select(RosterShift.id).where(
        RosterShift.user_id == user_id, RosterShift.starts_at < ends, RosterShift.ends_at > starts
    )
    return await session.scalar(other.limit(1)) is not None


async def copy_days(
    session: AsyncSession, actor: Actor, first: date, onto: date, days: int = 7, centre: str = MAIN_CENTRE
) -> tuple[int, int]:
    """Plan the shifts that begin on `days` days from `first` once more from `onto` -> (planned, left out because the
    person already has a shift then, or sits here no more)."""
    actor.require(Permission.ROSTER_EDIT)
    await _known(session, centre)
    if not 1 <= days <= MOST_DAYS:
        raise _wrong("bad-shift", "days", f"天数为 1 至 {MOST_DAYS}。")
    if onto < first + timedelta(days=days):
        raise _wrong("bad-shift", "onto", "目标日期须在所复制的日期之后。")
    await lock(session, f"roster:{centre}")
    begins = midnight(first)
    able = set(await session.scalars(_able(centre)))
    found = await shifts(session, begins, begins + timedelta(days=days), centre)
    made = left = 0
    for one in found:
        if one.starts_at < begins:
            continue
        starts, ends = one.starts_at + (onto - first), one.ends_at + (onto - first)
        if one.user_id not in able or await _busy(session, one.user_id, starts, ends):
            left += 1
            continue
        await _add(session, one.user_id, starts, ends, centre)
        made += 1
    span = {"first": first.isoformat(), "onto": onto.isoformat(), "shifts": str(made), "centre": centre}
    await record(session, actor, "roster.copy", "roster", onto.isoformat(), **span)
    hint(session, TOPIC)
    return made, left


async def remove_shift(session: AsyncSession, actor: Actor, shift_id: UUID) -> None:
    """Take a shift out of the plan; the ledger keeps that it was planned, and what was published stands."""
    actor.require(Permission.ROSTER_EDIT)
    row = await session.get(RosterShift, shift_id, with_for_update=True)
    if row is None:
        raise NotFound("no-shift", "没有这个班次，可能已被他人删除。")
    span = {"starts_at": row.starts_at.isoformat(), "ends_at": row.ends_at.isoformat(), "centre": row.centre}
    await record(session, actor, "roster.shift.remove", "shift", row.id, user_id=str(row.user_id), **span)
    await session.delete(row)
    hint(session, TOPIC)


async def _known(session: AsyncSession, centre: str) -> None:
    if centre != MAIN_CENTRE and await session.get(Queue, centre) is None:
        raise NotFound("no-queue", "没有这个分中心的队列。")


def _wrong(id: str, field: str, sentence: str) -> Invalid:
    return Invalid(id, sentence, fields={field: sentence})
