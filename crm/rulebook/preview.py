"""What a change would do, shown before anybody decides: values before and after, and due dates that move (A31-1)."""

from dataclasses import dataclass

from core.calendar import ClockPolicy, Due, WorkCalendar, due
from core.policy import Policy
from core.rules.text import Change, changes
from crm.policy import LimitsPolicy
from crm.rulebook.samples import SAMPLES, Sample
from crm.rulebook.texts import Text, changed


@dataclass(frozen=True)
class Moved:
    """A sample whose due date is another one under the new rules."""

    sample: Sample
    before: Due
    after: Due


@dataclass(frozen=True)
class Preview:
    """`asked` samples were reckoned; those that move are listed. `texts`: messages that read otherwise."""

    changes: tuple[Change, ...]
    moved: tuple[Moved, ...]
    asked: int = len(SAMPLES)
    texts: tuple[tuple[Text | None, Text], ...] = ()


def of_policy(before: Policy, after: Policy, calendar: WorkCalendar) -> Preview:
    """A changed policy, days counted by the present calendar."""
    moved = _moved((before, calendar), (after, calendar))
    return Preview(tuple(changes(before, after)), moved, texts=tuple(changed(before, after)))


def of_calendar(policy: Policy, before: WorkCalendar, after: WorkCalendar) -> Preview:
    """A changed calendar, limits and readings as they are."""
    return Preview((), _moved((policy, before), (policy, after)))


def sample_due(sample: Sample, policy: Policy, calendar: WorkCalendar) -> Due:
    """The due of one sample."""
    limit = int(getattr(policy[LimitsPolicy], sample.limit))
    return due(sample.at, limit, calendar, policy[ClockPolicy].reading)


def _moved(before: tuple[Policy, WorkCalendar], after: tuple[Policy, WorkCalendar]) -> tuple[Moved, ...]:
    pairs = [(sample, sample_due(sample, *before), sample_due(sample, *after)) for sample in SAMPLES]
    return tuple(Moved(*one) for one in pairs if (one[1].at, one[1].provisional) != (one[2].at, one[2].provisional))
