"""What decides about live and batch words: who is admitted, what is still missing."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from recordings.models import Side

HEADROOM = 0.7
"""Share of the decoding threads that live streams may fill; the rest is for batch and for bursts."""
MIN_GAP_S = 1.0
"""A shorter stretch without live decoding, as a tap needs to open, does not keep words from being final."""
LEAST_GAP_S = 0.1
"""The recording later gives what was said in any gap as long as this."""
MARGIN_S = 0.4
"""Silence on both sides of what is asked of the recording; an utterance closer to a gap was cut by it."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Voice:
    """One side of a connected call."""

    call_id: UUID
    side: Side
    channel: str
    connected_at: datetime = field(compare=False)
    """A later fact may tell it more exactly; the voice stays the same."""


def capacity(threads: int, realtime_factor: float) -> int:
    """How many live streams `threads` carry when a second of speech costs `realtime_factor` seconds."""
    return math.floor(threads * HEADROOM / max(realtime_factor, 1e-4))


def admit(wanted: Iterable[Voice], active: set[Voice], room: int) -> list[Voice]:
    """Who shall be decoded live: citizens before others, whoever is live already before newcomers, then by time."""
    ranked = sorted(wanted, key=lambda voice: (voice.side is not Side.CITIZEN, voice not in active, voice.connected_at))
    return ranked[: max(0, room)]


def gaps(within: Span, covered: Sequence[Span], least: float = MIN_GAP_S) -> list[Span]:
    """The stretches of `within` of at least `least` seconds that no covered span contains."""
    found, reached = [], within[0]
    for start, end in sorted(covered):
        if start - reached >= least:
            found.append((reached, min(start, within[1])))
        reached = max(reached, end)
        if reached >= within[1]:
            return found
    if within[1] - reached >= least:
        found.append((reached, within[1]))
    return found


def unheard(within: Span, covered: Sequence[Span]) -> list[Span]:
    """What of a recording live words left out: every gap, except the moment between the last sample and its end."""
    return [gap for gap in gaps(within, covered, LEAST_GAP_S) if gap[1] < within[1] or gap[1] - gap[0] >= MIN_GAP_S]


def stretches(gaps: Iterable[Span], utterances: Sequence[Span], within: Span) -> list[Span]:
    """Each gap together with the live utterances that it cut: they are heard anew from end to end.

    No utterance reaches into a stretch without lying in it; stretches that touch are one.
    """
    joined: list[Span] = []
    for gap in sorted(gaps):
        start, end = _grown(gap, utterances)
        wide = max(within[0], start - MARGIN_S), min(within[1], end + MARGIN_S)
        if joined and wide[0] <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], wide[1])
        else:
            joined.append(wide)
    return joined


def _grown(span: Span, utterances: Sequence[Span]) -> Span:
    start, end = span
    near = [one for one in utterances if one[0] < end + MARGIN_S and one[1] > start - MARGIN_S]
    wider = min([start, *(one[0] for one in near)]), max([end, *(one[1] for one in near)])
    return span if wider == span else _grown(wider, utterances)
