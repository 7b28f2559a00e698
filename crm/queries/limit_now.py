"""A09-1: the limit that a category sets, with the due instant if the order were dispatched at this moment."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from core.calendar import Limit, LimitUnit
from core.clock import now
from crm.clocks import days_as_json, rules_at
from crm.county.categories import Category
from crm.installed import installed
from crm.policy import LimitsPolicy
from crm.queries.clocks import Clock, clock
from crm.tickets.limits import in_force


@dataclass(frozen=True)
class LimitNow:
    """`words`: `投诉类，10 个工作日`; the clock is None where nothing is reckoned yet, and `words` say why."""

    words: str
    clock: Clock | None = None


async def limit_now(session: AsyncSession, category: str | None, matter: str | None) -> LimitNow:
    """What is shown beside the category while it is chosen; nothing is kept of it."""
    if not category:
        return LimitNow("选择诉求类别后显示办理时限")
    at, rules = now(), rules_at(now())
    if rules is None:
        return LimitNow("办法施行前不计算时限")
    one = Category(category)
    statute = await in_force(session, matter, at)
    if statute is not None:
        limit: int | Limit = Limit(statute.n, LimitUnit(statute.unit))
        words = f"{one.label}类，特别时限 {limit}（{statute.citation}）"
    else:
        limit = rules.policy[LimitsPolicy].of(one)
        words = f"{one.label}类，{limit} 个工作日"
    due = rules.due(at, limit)
    days: Any = days_as_json(due)
    return LimitNow(words, clock(due.at, at, installed().calendar, provisional=due.provisional, days=days))
