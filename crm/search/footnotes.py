"""What the deadlines in a list rest on: one footnote for each rule that they were counted by (A01-1)."""

from collections.abc import Collection, Iterator
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.calendar import ClockPolicy
from core.clock import local
from core.db import among
from core.policy import Policy
from crm.county.categories import LABELS, Category
from crm.installed import installed
from crm.policy import LimitsPolicy
from crm.tickets.models import Round, StatutoryLimit, Ticket


async def footnotes(session: AsyncSession, orders: Collection[UUID]) -> list[str]:
    """For the newest rounds of these orders: each limit with its citation, its version and since when that is in force.

    Orders of one rule share a footnote; none where no order was dispatched.
    """
    if not orders:
        return []
    newest = (
        select(Round.ticket_id, func.max(Round.n).label("n"))
        .where(among(Round.ticket_id, orders))
        .group_by(Round.ticket_id)
        .subquery()
    )
    used = (
        select(Round.policy_version, Round.limit_kind, Ticket.category, Round.statutory_limit_id)
        .join(newest, (newest.c.ticket_id == Round.ticket_id) & (newest.c.n == Round.n))
        .join(Ticket, Ticket.id == Round.ticket_id)
        .distinct()
    )
    rows = (await session.execute(used)).all()
    ids = {row.statutory_limit_id for row in rows if row.statutory_limit_id}
    wanted = select(StatutoryLimit).where(StatutoryLimit.id.in_(ids))
    statutes = {one.id: one for one in await session.scalars(wanted)} if ids else {}
    lines: dict[str, None] = {}
    for row in sorted(rows, key=lambda one: (one.policy_version, one.limit_kind, one.category or "")):
        statute = statutes.get(row.statutory_limit_id)
        lines |= dict.fromkeys(_lines(row.policy_version, row.limit_kind, row.category, statute))
    return [f"办理时限依据（{n}）{line}" for n, line in enumerate(lines, 1)]


def _lines(version: str, kind: str, category: str | None, statute: StatutoryLimit | None) -> Iterator[str]:
    policy = installed().rules.policy_of(version)
    if policy is None:
        yield f"规则版本 {version} 不在本系统中"
        return
    limits, stands = policy[LimitsPolicy], _stands(policy)
    if kind == "statutory" and statute is not None:
        yield f"特别时限：{statute.citation}（第十三条：法律法规另有规定的，从其规定）；{stands}"
    elif kind == "repeated":
        yield f"疑难复杂{limits.repeated}个工作日：{limits.basis['repeated']}；{stands}"
    elif category:
        one = Category(category)
        set_shorter = "；重办时另定较短时限的，以责成重办时所定为准" if kind == "ordered" else ""
        yield f"{LABELS[one]}类{limits.of(one)}个工作日：{limits.basis[one.value]}{set_shorter}；{stands}"
    for name in ("count_start_day", "due_time"):
        yield f"期限计算：{policy[ClockPolicy].basis[name]}；{stands}"


def _stands(policy: Policy) -> str:
    since = next(one.since for one in installed().rules.policies if one.policy.version == policy.version)
    day = local(since).date()
    return f"规则版本 {policy.version}，自{day.year}年{day.month}月{day.day}日起施行"
