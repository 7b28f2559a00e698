"""An agent's day as it was: what the agent meant to do and what the telephone did, as one line without gaps. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callflow.agents.rules import PauseReason
from callflow.sources.ami import Device


class Side(StrEnum):
    """Who says what an agent does: the agent (intent), or the telephone (fact)."""

    INTENT = "intent"
    DEVICE = "device"


OUT, READY = "out", "ready"
"""Intents beside the reasons of a pause."""
QUIET, RINGING, TALKING, OFFLINE = "quiet", "ringing", "talking", "offline"
"""What a telephone does."""
LABELS = {
    READY: "示闲",
    RINGING: "振铃",
    TALKING: "通话",
    PauseReason.WRAP_UP.value: PauseReason.WRAP_UP.label,
    PauseReason.WORK.value: PauseReason.WORK.label,
    PauseReason.BREAK.value: PauseReason.BREAK.label,
    PauseReason.MEAL.value: PauseReason.MEAL.label,
    PauseReason.TRAINING.value: PauseReason.TRAINING.label,
    PauseReason.NO_ANSWER.value: PauseReason.NO_ANSWER.label,
    OFFLINE: "话机离线",
}
"""States of a day in the order of its columns; OUT 未签入 is no part of it."""
_OF_DEVICE = {
    Device.IDLE: QUIET,
    Device.RINGING: RINGING,
    Device.TALKING: TALKING,
    Device.ON_HOLD: TALKING,
    Device.UNAVAILABLE: OFFLINE,
    Device.UNKNOWN: OFFLINE,
}


def of_device(device: Device) -> str:
    """What a telephone in this state does, as a day counts it."""
    return _OF_DEVICE[device]


@dataclass(frozen=True)
class Point:
    """From `at` on, this side is in `state`."""

    side: Side
    state: str
    at: datetime


@dataclass(frozen=True)
class Span:
    """One state, from `start` up to `end`."""

    state: str
    start: datetime
    end: datetime

    @property
    def label(self) -> str:
        """As staff read it."""
        return LABELS.get(self.state, self.state)

    @property
    def seconds(self) -> float:
        """How long."""
        return (self.end - self.start).total_seconds()


def shown(intent: str, device: str) -> str:
    """What somebody does who means `intent` while the telephone does `device`: who talks talks, also while paused; a
    telephone that is not there matters to whoever means to be ready."""
    if intent == OUT:
        return OUT
    if device in (TALKING, RINGING):
        return device
    return OFFLINE if device == OFFLINE and intent == READY else intent


def current(intent: Point | None, device: Point | None) -> tuple[str, datetime | None]:
    """What is shown now, and since when."""
    if intent is None or intent.state == OUT:
        return OUT, intent.at if intent else None
    if device is None:
        return intent.state, intent.at
    state = shown(intent.state, device.state)
    if state in (TALKING, RINGING):
        return state, device.at
    if device.state == OFFLINE and state != OFFLINE:
        return state, intent.at
    return state, max(intent.at, device.at)


def timeline(points: Iterable[Point], first: datetime, last: datetime) -> list[Span]:
    """The states between `first` and `last`, in order, without gap or overlap, OUT left out. `points` in time order; of
    those before `first` the last of each side counts."""
    now = {Side.INTENT: OUT, Side.DEVICE: QUIET}
    spans: list[Span] = []
    state, since = OUT, first
    for point in points:
        if point.at >= last:
            break
        now[point.side] = point.state
        after = shown(now[Side.INTENT], now[Side.DEVICE])
        if after == state:
            continue
        at = max(point.at, first)
        _add(spans, state, since, at)
        state, since = after, at
    _add(spans, state, since, last)
    return spans


def _add(spans: list[Span], state: str, start: datetime, end: datetime) -> None:
    if state == OUT or end <= start:
        return
    if spans and (spans[-1].state, spans[-1].end) == (state, start):  # it was left for no time at all
        start = spans.pop().start
    spans.append(Span(state, start, end))


def totals(spans: Sequence[Span]) -> dict[str, timedelta]:
    """How long in each state; every state is there."""
    found = dict.fromkeys(LABELS, timedelta(0))
    for one in spans:
        found[one.state] = found.get(one.state, timedelta(0)) + (one.end - one.start)
    return found
