"""How a clock reads: what is left, until when, and why. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from core.calendar import WorkCalendar
from core.clock import local

_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class Clock:
    """One running clock. `text`: `剩 2 个工作日 · 11月26日(周四)24:00 到期`; `days` explain the count."""

    due_at: datetime
    overdue: bool
    working_days_left: int
    provisional: bool
    text: str
    days: tuple[dict[str, Any], ...] = ()


def clock(
    due_at: datetime, at: datetime, calendar: WorkCalendar, *, provisional: bool = False, days: Any = ()
) -> Clock:
    """The clock as it reads at `at`; `due_at` is exclusive (D3)."""
    last_day = local(due_at - timedelta(microseconds=1)).date()
    today = local(at).date()
    left = _working_days(today, last_day, calendar)
    ends = f"{last_day.month}月{last_day.day}日(周{_WEEKDAYS[last_day.weekday()]}){_time(due_at)}"
    maybe = "（暂定）" if provisional else ""
    if at >= due_at:
        text = f"已逾期 · {ends} 到期{maybe}"
    elif left == 0:
        text = f"今日到期 · {ends}{maybe}"
    else:
        text = f"剩 {left} 个工作日 · {ends} 到期{maybe}"
    return Clock(due_at, at >= due_at, left, provisional, text, tuple(days))


def _time(due_at: datetime) -> str:
    """24:00, or when the offices close (D3)."""
    there = local(due_at)
    return "24:00" if there.time() == time(0) else f"{there:%H:%M}"


def _working_days(today: date, last_day: date, calendar: WorkCalendar) -> int:
    """Working days after today up to the last one."""
    span = (last_day - today).days
    return sum(calendar.kind(today + timedelta(days=n)).works for n in range(1, span + 1))
