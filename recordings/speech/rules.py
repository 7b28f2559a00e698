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
"""A shorter stretch without live decoding is the time that a tap needs to open, and holds no utterance."""

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
