"""Samples that anybody can draw again (docs/decisions/0031-sample-by-ranking.md): periods, ranking by seed. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

SEEDS = 2**63
MONTHS = {"month": 1, "quarter": 3}


@dataclass(frozen=True)
class Period:
    """Days in Shanghai, both included."""

    first: date
    last: date

    @property
    def label(self) -> str:
        """`2026年11月`, `2026年第4季度`, `2026年11月16日至22日`, `2026年12月28日至2027年1月3日`."""
        if self == period_of(self.first, "month"):
            return f"{self.first.year}年{self.first.month}月"
        if self == period_of(self.first, "quarter"):
            return f"{self.first.year}年第{self.last.month // 3}季度"
        year = f"{self.last.year}年" if self.first.year != self.last.year else ""
        month = f"{self.last.month}月" if self.first.month != self.last.month else ""
        return f"{self.first.year}年{self.first.month}月{self.first.day}日至{year}{month}{self.last.day}日"


def period_of(day: date, kind: str) -> Period:
    """The week, Monday to Sunday, the month or the quarter in which a day lies."""
    if kind == "week":
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=6))
    months = MONTHS[kind]
    first = day.replace(month=(day.month - 1) // months * months + 1, day=1)
    return Period(first, (first + timedelta(days=31 * months)).replace(day=1) - timedelta(days=1))


def last_complete(today: date, kind: str) -> Period:
    """The newest period that is over."""
    return period_of(period_of(today, kind).first - timedelta(days=1), kind)


def newest(today: date, kind: str, count: int) -> list[Period]:
    """The newest periods that are over, the last first."""
    period, over = period_of(today, kind), []
    for _ in range(count):
        period = last_complete(period.first, kind)
        over.append(period)
    return over


def ranked(seed: int, names: Iterable[str], count: int) -> list[str]:
    """The first `count` in the order of SHA-256(seed:name), whatever order they come in; of fewer all."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())[:count]
