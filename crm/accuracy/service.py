"""Draw by plan, hold what was drawn against its basis, and tell the unit what is wrong: each step in the ledger."""

import secrets
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.clock import midnight, now, today
from core.db import among
from core.edits import require_seen
from core.errors import Conflict, Denied, Invalid, NotFound
from core.ledger import record
from core.live import hint
from core.locks import lock
from core.permissions import Permission
from crm.accuracy.models import AccuracyDraw, AccuracyFinding, AccuracySample
from crm.accuracy.rules import FAULTY, Drawn, Verdict, draw, final
from crm.accuracy_policy import AccuracyPolicy
from crm.citizens.restrictions import restricted
from crm.installed import installed
from crm.knowledge import corrections
from crm.knowledge.models import KnowledgeCorrection, KnowledgeItem, KnowledgeUse, KnowledgeVersion
from crm.knowledge.queries import in_use
from crm.knowledge.service import TOPIC
from crm.knowledge.states import ANSWERS
from crm.knowledge.table import state_of
from crm.sampling import SEEDS, Period, period_of
from crm.tickets.models import Ticket

NEEDS = Permission.KNOWLEDGE_PUBLISH
SHORTEST_NOTE = 4


def policy() -> AccuracyPolicy:
    """What the bureau has decided by now."""
    return installed().policy[AccuracyPolicy]


def rules_of(one: AccuracyDraw) -> AccuracyPolicy:
    """The plan by which it was drawn, whatever was decided since."""
    return AccuracyPolicy.model_validate(one.rules)


async def make_draw(session: AsyncSession, actor: Actor, first: date, seed: int | None = None) -> AccuracyDraw:
    """Draw the sample of the period that begins on `first`; `seed` where the bureau wants it given by a person.

    Raises Denied, Invalid, Conflict("already-drawn").
    """
    actor.require(NEEDS)
    plan = policy()
    period = _period(first, plan)
    seed = _seed(seed, plan)
    await lock(session, "accuracy-draw")
    overlaps = select(AccuracyDraw.id).where(AccuracyDraw.first <= period.last, AccuracyDraw.last >= period.first)
    if await session.scalar(overlaps.limit(1)):
        raise Conflict("already-drawn", f"{period.label}已经抽样；样本由种子决定，不重新抽取。")
    items, answers = await in_use(session), await _answers(session, period)
    if not items and not answers:
        raise Invalid("nothing-to-draw", "知识库没有现行有效的条目，该周期也没有用知识库作出的答复。")
    row = AccuracyDraw(first=period.first, last=period.last, seed=seed, items=items, answers=answers)
    row.rules, row.drawn_at = plan.model_dump(mode="json"), now()
    row.drawn_by, row.drawn_by_name = actor.user_id, actor.name
    session.add(row)
    await session.flush()
    drawn = again(row)
    await _add(session, row, drawn)
    told: dict[str, Any] = {"first": str(period.first), "last": str(period.last), "seed": str(seed)}
    told |= {"items": len(drawn.items), "answers": len(drawn.answers)}
    await record(session, actor, "accuracy.draw", "accuracy", row.id, **told)
    hint(session, TOPIC)
    return row


def again(row: AccuracyDraw) -> Drawn:
    """The same sample once more, from the seed and the population that were kept."""
    return draw(row.seed, row.items, row.answers, rules_of(row))


def _period(first: date, plan: AccuracyPolicy) -> Period:
    period = period_of(first, plan.period)
    if period.first != first:
        raise Invalid("no-period", "请选择周期的第一天。", fields={"first": "请选择周期的第一天"})
    if period.last >= today():
        raise Invalid("period-runs", "该周期尚未结束，结束后再抽样。", fields={"first": "该周期尚未结束"})
    return period


def _seed(given: int | None, plan: AccuracyPolicy) -> int:
    if plan.seed == "system":
        if given is not None:
            raise Invalid("seed-not-asked", "种子由系统随机产生，不能给定。", fields={"seed": "种子由系统随机产生"})
        return secrets.randbelow(SEEDS)
    if given is None:
        raise Invalid("no-seed", "请填写现场给定的种子。", fields={"seed": "请填写现场给定的种子"})
    return given


async def _answers(session: AsyncSession, period: Period) -> list[str]:
    begins, ends = midnight(period.first), midnight(period.last + timedelta(days=1))
    wanted = select(KnowledgeUse.id).join(Ticket, Ticket.id == KnowledgeUse.ticket_id)
    wanted = wanted.where(KnowledgeUse.at >= begins, KnowledgeUse.at < ends, ~restricted(Ticket.caller_phone))
    return [str(one) for one in await session.scalars(wanted.order_by(KnowledgeUse.at, KnowledgeUse.id))]


async def _add(session: AsyncSession, row: AccuracyDraw, drawn: Drawn) -> None:
    of_item = KnowledgeVersion.item_id == KnowledgeUse.item_id
    versions = select(KnowledgeUse.id, KnowledgeVersion.id).join(
        KnowledgeVersion, of_item & (KnowledgeVersion.n == KnowledgeUse.n)
    )
    uses = [UUID(one) for one in drawn.answers]
    rows = await session.execute(versions.where(among(KnowledgeUse.id, uses)))
    of_use: dict[UUID, UUID] = {row[0]: row[1] for row in rows}
    pairs: list[tuple[UUID, UUID | None]] = [(UUID(one), None) for one in drawn.items]
    pairs += [(of_use[use], use) for use in uses]
    session.add_all(
        AccuracySample(draw_id=row.id, n=n, version_id=version, use_id=use) for n, (version, use) in enumerate(pairs, 1)
    )
    await session.flush()


async def check(
    session: AsyncSession, actor: Actor, sample_id: UUID, seen: int, verdict: Verdict, note: str
) -> AccuracySample:
    """What the reviewer finds; what is wrong or outdated becomes a report of an error for the unit at once, unless
    nobody is answered from that version any more. Raises Denied, NotFound, Conflict, Invalid."""
    actor.require(NEEDS)
    row = await session.get(AccuracySample, sample_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("no-sample", "没有这份抽查样本。")
    version = await session.get_one(KnowledgeVersion, row.version_id)
    item = await session.get_one(KnowledgeItem, version.item_id)
    if why := may_not(actor, item):
        raise Denied("not-impartial", why)
    require_seen(row, seen)
    report = await session.get(KnowledgeCorrection, row.correction_id) if row.correction_id else None
    if why := final(row.verdict, report.verdict if report else None):
        raise Conflict("finding-stands", why)
    note = note.strip()
    if len(note) < SHORTEST_NOTE and (verdict is not Verdict.ACCURATE or row.verdict):
        sentence = f"请写明认定的理由（不少于 {SHORTEST_NOTE} 个字）"
        raise Invalid("no-note", f"{sentence}。", fields={"note": sentence})
    before, row.verdict, row.note = row.verdict, verdict, note
    row.checked_at, row.checked_name, row.version = now(), actor.name, row.version + 1
    session.add(AccuracyFinding(sample_id=row.id, verdict=verdict, note=note, by_id=actor.user_id, by_name=actor.name))
    row.correction_id = await _report(session, actor, item, version, verdict, note)
    changes = {"verdict": [before, verdict.value]}
    await record(session, actor, "accuracy.check", "accuracy", row.id, number=item.number, changes=changes)
    hint(session, TOPIC, item.id)
    return row


def may_not(actor: Actor, item: KnowledgeItem) -> str:
    """Why this person may not check an item; empty: he may. Nobody checks what his own unit provides."""
    if actor.unit_id is not None and actor.unit_id == item.unit_id:
        return "抽查由提供单位以外的人员进行（谁提供、谁负责，第十八条）。"
    return ""


async def _report(
    session: AsyncSession, actor: Actor, item: KnowledgeItem, version: KnowledgeVersion, verdict: Verdict, note: str
) -> UUID | None:
    if verdict not in FAULTY or state_of(version, today()) not in ANSWERS:
        return None
    words = f"准确率抽查认定{verdict.label}：{note}"
    made = await corrections.report_once(session, actor, item.id, version.n, words)
    await session.flush()  # before the row that refers to it
    return made.id
