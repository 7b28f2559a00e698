"""`hotline due`: until when an order must be closed, for whoever only wants to check a date (F13-1)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.calendar import ClockPolicy, Due, WorkCalendar, due
from core.clock import SHANGHAI, local, now
from core.errors import Invalid
from core.policy import Policy
from core.rules.book import Rulebook
from crm.clocks import days_as_json
from crm.county.categories import LABELS
from crm.policy import LimitsPolicy

LIMITS = {label: category.value for category, label in LABELS.items()} | {"疑难复杂": "repeated", "签收": "sign"}
"""What the terminal says -> the limit's name in the policy."""
WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class Answer:
    """One answer: what was asked, by which rules, and what came of it."""

    category: str
    dispatched_at: datetime
    limit: int
    basis: str
    due: Due
    policy: Policy
    calendar: WorkCalendar


def reckon(category: str, from_: str, book: Rulebook) -> Answer:
    """By the policy in force at the dispatch. Raises `Invalid` with what cannot be read, or before the regulation."""
    name = LIMITS.get(category.strip())
    if name is None:
        known = "、".join(LIMITS)
        raise Invalid("no-such-category", f"没有“{category}”这一类诉求。可以写：{known}。")
    dispatched_at = instant(from_)
    policy, calendar = book.policy_at(dispatched_at), book.calendar
    if policy is None:
        first = chinese(book.policies[0].since)
        raise Invalid("before-regulation", f"{first}之前办法尚未施行，不计算时限（第三十二条）。")
    limits = policy[LimitsPolicy]
    limit = int(getattr(limits, name))
    found = due(dispatched_at, limit, calendar, policy[ClockPolicy].reading)
    return Answer(category.strip(), dispatched_at, limit, limits.basis[name], found, policy, calendar)


def instant(text: str, called: str = "派发时间") -> datetime:
    """`2026-02-13T10:00`, with or without an offset, or a date; empty: now. Raises `Invalid("bad-time")`."""
    if not text.strip():
        return now()
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("bad-time", f"无法识别{called}“{text}”。请按 2026-02-13T10:00 的样式填写。") from error
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


def as_json(answer: Answer) -> dict[str, Any]:
    """`due` is the first instant that is too late, with its offset; `due_date` the last day."""
    return {
        "category": answer.category,
        "from": local(answer.dispatched_at).isoformat(),
        "limit": answer.limit,
        "basis": answer.basis,
        "due": answer.due.at.isoformat(),
        "due_date": answer.due.last_day.isoformat(),
        "provisional": answer.due.provisional,
        "days": days_as_json(answer.due),
        "policy": answer.policy.version,
        "calendar": answer.calendar.version,
    }


def as_text(answer: Answer, *, explain: bool) -> list[str]:
    """The same for a person."""
    ends = answer.due
    until = "24:00" if local(ends.at).date() > ends.last_day else f"{local(ends.at):%H:%M}"
    maybe = "（暂定：当年节假日安排尚未公布）" if ends.provisional else ""
    lines = [
        f"{answer.category}，{chinese(answer.dispatched_at)}派发，限{answer.limit}个工作日。",
        f"到期：{_day(ends.last_day)} {until}{maybe}",
        f"依据：{answer.basis}",
    ]
    if explain:
        lines += ["", *(f"  {_day(one.day)}  {_number(one.number)}  {one.reason}" for one in ends.days)]
    return lines


def chinese(at: datetime) -> str:
    """`2026年2月13日 10:00`."""
    there = local(at)
    return f"{there.year}年{there.month}月{there.day}日 {there:%H:%M}"


def _day(day: Any) -> str:
    return f"{day.year}年{day.month}月{day.day}日（周{WEEKDAYS[day.weekday()]}）"


def _number(number: int | None) -> str:
    return f"第{number}日" if number else "不计"
