"""What decides about a recording: its name in the spool, its last protected day, when it is finished."""

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from core.clock import local
from recordings.models import Kind

RATE = 8000
SAMPLE_BYTES = 2
LONGEST_S = 24 * 3600
"""Nobody talks longer: a longer file is none of a call, and would take the machine for hours."""

_NAME = re.compile(
    r"(?P<linkedid>[A-Za-z0-9][A-Za-z0-9._-]{0,127})_(?:talk(?P<part>[1-9][0-9]{0,3})_(?P<side>in|out)|message)\.sln"
)


@dataclass(frozen=True)
class Take:
    """Which recording a file in the spool belongs to."""

    linkedid: str
    kind: Kind
    part: int

    @property
    def stem(self) -> str:
        """Its name, as the store shows it."""
        return f"{self.linkedid}_{'message' if self.kind is Kind.MESSAGE else f'talk{self.part}'}"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its files in the spool: the citizen's side first."""
        if self.kind is Kind.MESSAGE:
            return (f"{self.stem}.sln",)
        return (f"{self.stem}_in.sln", f"{self.stem}_out.sln")


def take_of(name: str) -> Take | None:
    """The recording of a file, or None for a name that is not ours."""
    found = _NAME.fullmatch(name)
    if not found:
        return None
    kind = Kind.TALK if found["part"] else Kind.MESSAGE
    return Take(found["linkedid"], kind, int(found["part"] or 1))


def takes(names: Iterable[str]) -> list[Take]:
    """The recordings that a spool's files make, oldest call first."""
    found = {take for name in names if (take := take_of(name))}
    return sorted(found, key=lambda take: (take.linkedid, take.kind, take.part))


def last_protected_day(recorded_at: datetime, years: int) -> date:
    """The day of the same date `years` later; the month's last day where there is none (民法典 第二百零二条)."""
    day = local(recorded_at).date()
    year = day.year + years
    return day.replace(year=year, day=min(day.day, calendar.monthrange(year, day.month)[1]))


def finished(*, ended: bool | None, being_written: bool, empty: bool, quiet_s: float, quiet_after_s: float) -> bool:
    """Whether no sample will follow: nobody writes, and the call ended or the file was quiet long enough.

    `ended` is None for a call that is unknown yet. While a known call goes on, quiet says nothing of an empty file: a
    caller who keeps the place leaves one, and what is said when called back tells that it was no talk.
    """
    if being_written:
        return False
    return ended is True or (quiet_s >= quiet_after_s and not (empty and ended is False))


def whole_samples(size: int) -> int:
    """How many samples a file of `size` bytes holds; half a sample at its end does not count."""
    return max(0, size) // SAMPLE_BYTES


def offset(kind: Kind, part: int, started_at: datetime, connected_at: datetime | None) -> float:
    """Where a recording begins on its call's timeline; the first talk begins it."""
    if kind is Kind.MESSAGE or part == 1 or connected_at is None:
        return 0.0
    return max(0.0, (started_at - connected_at).total_seconds())
