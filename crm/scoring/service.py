"""Draw, score, look twice, object, decide: each step by another person, each in the ledger."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callflow.models import Call
from callflow.rules import Direction
from core.actor import Actor
from core.clock import midnight, now, today
from core.db import paged
from core.errors import Conflict, Denied, Invalid, NotFound
from core.identity.models import User
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission
from crm.citizens.restrictions import restricted
from crm.clocks import Rules
from crm.installed import installed
from crm.sampling import SEEDS, Period, last_complete, period_of
from crm.scoring.models import Draw, Sample, Scored
from crm.scoring.rules import COUNTS, Marks, State, Step, draw, may_not, needs_second, total, wrong
from crm.scoring_policy import ScoringPolicy
from recordings.models import Recording, RecordingState

TOPIC = "scoring"
SEES_ALL = (Permission.QUALITY_SCORE, Permission.QUALITY_DECIDE)


@dataclass(frozen=True)
class Whole:
    """One drawn call with its draw's rules and the marks so far, in their order."""

    sample: Sample
    draw: Draw
    policy: ScoringPolicy
    marks: Sequence[Scored]

    @property
    def newest(self) -> Scored | None:
        """The marks that count."""
        return self.marks[-1] if self.marks else None

    @property
    def may_object(self) -> bool:
        """Whether its agent still may, once."""
        until = self.sample.objection_until
        return self.sample.state == State.TOLD and until is not None and now() < until


def rules_of(one: Draw) -> ScoringPolicy:
    """The criteria and limits by which a draw is scored, whatever was decided since."""
    return ScoringPolicy.model_validate(one.rules)


def policy() -> ScoringPolicy:
    """What the bureau has decided by now."""
    return installed().policy[ScoringPolicy]


def to_draw() -> Period:
    """The newest period that is over."""
    return last_complete(today(), policy().period)


async def make_draw(session: AsyncSession, actor: Actor, first: date) -> Draw:
    """Draw the sample of the period that begins on `first`."""
    actor.require(Permission.QUALITY_SCORE)
    rules = policy()
    period = period_of(first, rules.period)
    if period.first != first:
        raise Invalid("no-period", "请选择周期的第一天。", fields={"first": "请选择周期的第一天"})
    if period.last >= today():
        raise Invalid("period-runs", "该周期尚未结束，结束后再抽样。", fields={"first": "该周期尚未结束"})
    await lock(session, "scoring-draw")
    overlaps = select(Draw.id).where(Draw.first <= period.last, Draw.last >= period.first)
    if await session.scalar(overlaps.limit(1)):
        raise Conflict("already-drawn", f"{period.label}已经抽样；样本由种子决定，不重新抽取。")
    names, population = await _population(session, period, rules)
    if not population:
        raise Invalid("nothing-to-draw", f"{period.label}没有符合条件、已有录音的通话。")
    row = Draw(
        first=period.first,
        last=period.last,
        seed=secrets.randbelow(SEEDS),
        population=population,
        rules=rules.model_dump(mode="json"),
        drawn_at=now(),
        drawn_by=actor.user_id,
        drawn_by_name=actor.name,
    )
    session.add(row)
    await session.flush()
    for agent, calls in again(row).items():
        session.add_all(
            Sample(draw_id=row.id, call_id=UUID(call), agent_id=UUID(agent), agent_name=names[agent], state=State.DRAWN)
            for call in calls
        )
    told = {"first": str(period.first), "last": str(period.last), "seed": str(row.seed)}
    await record(session, actor, "scoring.draw", "scoring", row.id, **told, calls=sum(map(len, again(row).values())))
    hint(session, TOPIC)
    return row


def again(row: Draw) -> dict[str, list[str]]:
    """The same sample once more, from the seed and the population that were kept."""
    return draw(row.seed, row.population, rules_of(row).per_agent)


async def _population(
    session: AsyncSession, period: Period, rules: ScoringPolicy
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Agents' names, and the calls of each that are long enough, were recorded, lie in no other draw, and whose
    citizen has not asked for 限制处理."""
    begins = midnight(period.first)
    ends = midnight(period.last + timedelta(days=1))
    kept = (RecordingState.STORED, RecordingState.PARTIAL)
    rows = await session.execute(
        select(Call.agent_id, func.coalesce(User.name, Call.agent_name), Call.id)
        .join(User, User.id == Call.agent_id)
        .where(
            Call.direction == Direction.INBOUND,
            Call.connected_at >= begins,
            Call.connected_at < ends,
            Call.ended_at - Call.connected_at >= timedelta(seconds=rules.shortest_s),
            select(Recording.id).where(Recording.call_id == Call.id, Recording.state.in_(kept)).exists(),
            ~select(Sample.id).where(Sample.call_id == Call.id).exists(),
            ~restricted(Call.caller),
        )
        .order_by(Call.connected_at, Call.id)
    )
    names: dict[str, str] = {}
    population: dict[str, list[str]] = {}
    for agent_id, name, call_id in rows:
        names[str(agent_id)] = name
        population.setdefault(str(agent_id), []).append(str(call_id))
    return names, population


async def draw_of(session: AsyncSession, draw_id: UUID | None) -> Draw | None:
    """This draw, or that of the newest period."""
    if draw_id is not None:
        return await session.get(Draw, draw_id)
    newest: Draw | None = await session.scalar(select(Draw).order_by(Draw.first.desc()).limit(1))
    return newest


async def drawn(session: AsyncSession, periods: Sequence[Period]) -> list[Period]:
    """Those of these periods into which a draw reaches."""
    wanted = select(Draw.first, Draw.last).where(Draw.last >= min(one.first for one in periods))
    rows = (await session.execute(wanted)).all()
    return [one for one in periods if any(first <= one.last and last >= one.first for first, last in rows)]


async def samples_of(session: AsyncSession, actor: Actor, draw_id: UUID) -> list[tuple[Sample, Call]]:
    """A draw's calls by agent."""
    require_any(actor)
    wanted = select(Sample, Call).join(Call, Call.id == Sample.call_id).where(Sample.draw_id == draw_id)
    rows = await session.execute(wanted.order_by(Sample.agent_name, Call.connected_at, Sample.id))
    return [(row[0], row[1]) for row in rows]


@dataclass(frozen=True)
class Wanted:
    """Which of an agent's scores; each of `words` stands in what was said of the call, or against its score."""

    words: Sequence[str] = ()
    state: State | None = None
    oldest_first: bool = False


async def record_of(
    session: AsyncSession,
    actor: Actor,
    agent_id: UUID,
    wanted: Wanted,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[tuple[Sample, Call]]:
    """A page of an agent's scores that count, as they were told, from behind `after` on: for the agent, and for who
    sees all."""
    if agent_id != actor.user_id:
        require_any(actor)
    query = select(Sample, Call).join(Call, Call.id == Sample.call_id).where(*_counts(agent_id)).limit(limit)
    for word in wanted.words:
        said = Scored.comment.contains(word, autoescape=True)
        marked = select(Scored.sample_id).where(Scored.sample_id == Sample.id, said).exists()
        query = query.where(or_(Sample.objection.contains(word, autoescape=True), marked))
    if wanted.state:
        query = query.where(Sample.state == wanted.state)
    found = await session.execute(paged(query, Sample.told_at, Sample.id, after, oldest_first=wanted.oldest_first))
    return [(row[0], row[1]) for row in found]


async def average_of(session: AsyncSession, agent_id: UUID) -> tuple[int, float | None]:
    """How many scores of this agent count, and their mean."""
    wanted = select(func.count(), func.avg(Sample.total)).where(*_counts(agent_id))
    count, mean = (await session.execute(wanted)).one()
    return count, float(mean) if mean is not None else None


def _counts(agent_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (Sample.agent_id == agent_id, Sample.state.in_(COUNTS), Sample.told_at.is_not(None))


async def waiting(session: AsyncSession) -> int:
    """How many calls wait for a score, a second look or a decision."""
    open_ = (State.DRAWN, State.SECOND, State.OBJECTED)
    return await session.scalar(select(func.count()).select_from(Sample).where(Sample.state.in_(open_))) or 0


async def unseen(session: AsyncSession, user_id: UUID) -> int:
    """How many of the own scores the agent has yet to look at."""
    wanted = select(func.count()).where(
        Sample.agent_id == user_id, Sample.told_at.is_not(None), Sample.seen_at.is_(None)
    )
    return await session.scalar(wanted) or 0


async def whole(session: AsyncSession, actor: Actor, sample_id: UUID, *, change: bool = False) -> Whole:
    """One drawn call. Its agent, be it a lead, knows of it once it counts. Raises NotFound("no-sample")."""
    row = await session.get(Sample, sample_id, with_for_update=change)
    own = row is not None and row.agent_id == actor.user_id
    if row is None or not (State(row.state) in COUNTS if own else any(map(actor.may, SEES_ALL))):
        raise NotFound("no-sample", "没有这份质检样本。")
    made = await session.get_one(Draw, row.draw_id)
    wanted = select(Scored).where(Scored.sample_id == row.id).order_by(Scored.at, Scored.step)
    return Whole(row, made, rules_of(made), (await session.scalars(wanted)).all())


async def see(session: AsyncSession, actor: Actor, one: Whole) -> None:
    """The agent looked at it."""
    if one.sample.agent_id == actor.user_id and one.sample.seen_at is None:
        one.sample.seen_at = now()
        hint(session, TOPIC)


async def score(session: AsyncSession, actor: Actor, sample_id: UUID, marks: Marks, comment: str) -> Sample:
    """The first marks; they count at once, or after a second look."""
    actor.require(Permission.QUALITY_SCORE)
    one = await whole(session, actor, sample_id, change=True)
    _stands(one, State.DRAWN)
    await _mark(session, actor, one, Step.FIRST, marks, comment)
    if needs_second(one.policy, marks):
        one.sample.state = State.SECOND
    else:
        _tell(one)
    return one.sample


async def look_again(session: AsyncSession, actor: Actor, sample_id: UUID, marks: Marks | None, comment: str) -> Sample:
    """The second look: the same marks (None) or others; then it counts."""
    actor.require(Permission.QUALITY_SCORE)
    one = await whole(session, actor, sample_id, change=True)
    _stands(one, State.SECOND)
    await _mark(session, actor, one, Step.SECOND, marks or _same(one), comment)
    _tell(one)
    return one.sample


async def object_to(session: AsyncSession, actor: Actor, sample_id: UUID, words: str) -> Sample:
    """The agent's one objection, within the policy's time."""
    one = await whole(session, actor, sample_id, change=True)
    if one.sample.agent_id != actor.user_id:
        raise Denied("not-yours", "只能对本人的质检成绩提出异议。")
    if one.sample.objected_at is not None:
        raise Conflict("objected-before", "已提出过异议，每份成绩只能提出一次。")
    _stands(one, State.TOLD)
    if not one.may_object:
        raise Conflict("too-late-to-object", f"提出异议的期限（{one.policy.objection_days} 个工作日）已过。")
    one.sample.state, one.sample.objection, one.sample.objected_at = State.OBJECTED, words, now()
    await record(session, actor, "scoring.object", "scoring", sample_id)
    hint(session, TOPIC)
    return one.sample


async def decide(session: AsyncSession, actor: Actor, sample_id: UUID, marks: Marks | None, comment: str) -> Sample:
    """The lead upholds the score (None) or gives other marks; that is the end of it."""
    actor.require(Permission.QUALITY_DECIDE)
    one = await whole(session, actor, sample_id, change=True)
    _stands(one, State.OBJECTED)
    await _mark(session, actor, one, Step.DECISION, marks or _same(one), comment)
    one.sample.state, one.sample.seen_at = State.FINAL, None
    return one.sample


async def _mark(session: AsyncSession, actor: Actor, one: Whole, step: Step, marks: Marks, comment: str) -> None:
    if why := may_not(step, actor.user_id, one.sample.agent_id, [made.by_id for made in one.marks]):
        raise Denied("not-impartial", why)
    if why := wrong(one.policy, marks):
        raise Invalid("bad-marks", why, fields={"points": why})
    if len(comment.strip()) < 2:
        raise Invalid("no-comment", "请写明评语。", fields={"comment": "请写明评语"})
    before, one.sample.total = one.sample.total, total(marks)
    session.add(
        Scored(
            sample_id=one.sample.id,
            step=step,
            points=list(marks.points),
            fatal=list(marks.fatal),
            total=one.sample.total,
            comment=comment.strip(),
            by_id=actor.user_id,
            by_name=actor.name,
            at=now(),
        )
    )
    changes: dict[str, Any] = {"total": [before, one.sample.total]}
    await record(session, actor, f"scoring.{step}", "scoring", one.sample.id, changes=changes)
    hint(session, TOPIC)


def _tell(one: Whole) -> None:
    at = now()
    clock = Rules(installed().policy, installed().calendar)
    one.sample.state, one.sample.told_at = State.TOLD, at
    one.sample.objection_until = clock.due(at, one.policy.objection_days).at


def _same(one: Whole) -> Marks:
    made = one.newest
    assert made is not None  # only what was scored is looked at again
    return Marks(tuple(made.points), tuple(made.fatal))


def _stands(one: Whole, state: State) -> None:
    if one.sample.state != state:
        raise Conflict("wrong-step", f"这份样本{State(one.sample.state).label}，不能进行这一步。")


def require_any(actor: Actor) -> None:
    """Denied for who neither scores nor decides."""
    if not any(map(actor.may, SEES_ALL)):
        raise Denied("not-permitted", "您没有进行这项操作的权限。")
