"""Service level as GB/T 33358 means it: connected for at least 95 %, answered within 15 s. Pure."""

from dataclasses import dataclass

from core.rates import per_cent

WITHIN_S = 15
"""GB/T 33358: a person answers within 15 s."""
CONNECTED_PER_CENT = 95
"""GB/T 33358: 接通率 of every 24 h."""


@dataclass(frozen=True)
class Level:
    """Calls of one measure: how many asked for a person, how many reached one, how many of these within 15 s."""

    asked: int
    connected: int
    within: int

    @property
    def connected_rate(self) -> str:
        """接通率: `97.3%`, not rounded up to the standard; `—` without calls."""
        return per_cent(self.connected, self.asked, CONNECTED_PER_CENT)

    @property
    def within_rate(self) -> str:
        """15秒接通率: of those who asked, who was answered within 15 s."""
        return per_cent(self.within, self.asked)

    @property
    def met(self) -> bool:
        """Whether the connection rate is what the standard asks; true without calls."""
        return self.connected * 100 >= self.asked * CONNECTED_PER_CENT


@dataclass(frozen=True)
class ServiceLevel:
    """One span's calls by both measures. Seconds to the agent's audio; None where nobody was connected."""

    by_invite: Level
    """From the INVITE that reached us, greeting and menu included."""
    by_queue: Level
    """From where the caller entered a queue; who never did is not counted."""
    average_s: float | None
    """平均应答时长, from the INVITE, of those connected."""
    average_queue_s: float | None
    limited: int
    """Asked to call later (a limit applied), in neither measure."""
    self_served: int
    """Served by keypad alone, in neither measure."""
