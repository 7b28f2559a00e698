"""What a roster must hold before it is published: somebody at every minute of the coming days (A02-1). Pure."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from callflow.numbers.models import DutyMobile
from core.clock import SHANGHAI, local

LONGEST = timedelta(hours=16)
AHEAD = timedelta(days=14)
"""A02-1: so far ahead no minute may be without a planned agent."""
NIGHT_FROM, NIGHT_TO = 22, 6
"""A shift that touches these hours is a night shift (Asia/Shanghai)."""
DAY = timedelta(days=1)
TOLD = 12
"""So many gaps are told in one sentence; the page lists all."""


@dataclass(frozen=True, order=True)
class Span:
    """From `start` up to, not including, `end`."""

    start: datetime
    end: datetime


def is_night(starts_at: datetime, ends_at: datetime) -> bool:
    """Whether any part of the shift lies between 22:00 and 06:00."""
    at = local(starts_at)
    while at < ends_at:
        if at.hour >= NIGHT_FROM or at.hour < NIGHT_TO:
            return True
        at = at.replace(minute=0) + timedelta(hours=1)
    return False


def gaps(spans: Iterable[Span], first: datetime, last: datetime) -> list[Span]:
    """What of `first` … `last` no span covers, in order."""
    found, reached = [], first
    for span in sorted(spans):
        if span.start >= last or reached >= last:
            break
        if span.start > reached:
            found.append(Span(reached, span.start))
        reached = max(reached, span.end)
    if reached < last:
        found.append(Span(reached, last))
    return found


def covered_until(spans: Iterable[Span], first: datetime) -> datetime:
    """The first instant from `first` on that no span covers."""
    reached = first
    for span in sorted(spans):
        if span.start > reached:
            break
        reached = max(reached, span.end)
    return reached


def fewest(spans: Sequence[Span], on: date) -> list[int]:
    """For each hour of the day (Asia/Shanghai), how many sit there at its emptiest minute."""
    found = []
    for hour in range(24):
        start = _at(on, time(hour))
        end = start + timedelta(hours=1)
        here = [one for one in spans if one.start < end and one.end > start]
        edges = {start, *(edge for one in here for edge in (one.start, one.end) if start < edge < end)}
        found.append(min(sum(one.start <= at < one.end for one in here) for at in edges))
    return found


def duty_spans(mobiles: Iterable[DutyMobile], first: datetime, last: datetime) -> list[Span]:
    """When a duty mobile 值班手机 can be called between `first` and `last`."""
    found = []
    for mobile in mobiles:
        on = local(first).date() - DAY
        while mobile.active and on <= local(last).date():
            if on.isoweekday() in mobile.weekdays:
                ends_on = on if mobile.from_time < mobile.to_time else on + DAY
                start, end = _at(on, mobile.from_time), _at(ends_on, mobile.to_time)
                if start < last and end > first:
                    found.append(Span(max(start, first), min(end, last)))
            on += DAY
    return found


def _at(on: date, clock: time) -> datetime:
    return datetime.combine(on, clock, SHANGHAI)


def fingerprint(shifts: Iterable[tuple[object, datetime, datetime]]) -> str:
    """Which plan somebody saw: equal for equal shifts."""
    lines = sorted(f"{who} {start.timestamp()} {end.timestamp()}" for who, start, end in shifts)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def told(found: Sequence[Span]) -> str:
    """The gaps as a sentence's part: `12月1日 00:00 至 08:00；12月3日 16:00 至 12月4日 08:00`."""
    parts = [told_span(one) for one in found[:TOLD]]
    if len(found) > TOLD:
        parts.append(f"另有 {len(found) - TOLD} 段")
    return "；".join(parts)


def told_span(span: Span) -> str:
    """One gap; an end at midnight is written as 24:00 of the day before."""
    start, end = local(span.start), local(span.end)
    on = f"{start.month}月{start.day}日 {start:%H:%M} 至 "
    if end.time() == time(0) and end.date() - DAY == start.date():
        return f"{on}24:00"
    return on + (f"{end:%H:%M}" if end.date() == start.date() else f"{end.month}月{end.day}日 {end:%H:%M}")
