"""How often one number may call: counted in memory, so that a flow decides without a database."""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callflow.policy import LinePolicy
from callflow.variables import Refusal


@dataclass(frozen=True)
class Limits:
    """Calls per caller number; the defaults let everybody through while no policy is known."""

    calls: int = 1000
    window_min: int = 10
    concurrent: int = 100

    @classmethod
    def of(cls, policy: LinePolicy) -> "Limits":
        """What the policy says."""
        return cls(policy.calls_per_number, policy.calls_window_min, policy.concurrent_per_number)


@dataclass
class _Caller:
    began: deque[datetime] = field(default_factory=deque)
    live: dict[str, datetime] = field(default_factory=dict)


class CallerLimits:
    """Who called how often; forgets by itself. A withheld number is nobody's and never limited."""

    LONGEST_CALL = timedelta(hours=4)
    """A call whose end was never seen stops counting after this."""

    def __init__(self) -> None:
        self._callers: dict[str, _Caller] = {}
        self._caller_of: dict[str, str] = {}

    def admit(self, caller: str | None, linkedid: str, at: datetime, limits: Limits) -> Refusal | None:
        """Count a call; the reason why it is refused, or None. Asking twice counts once."""
        if not caller:
            return None
        known = self._callers.setdefault(caller, _Caller())
        if linkedid in known.live:
            return None
        self._forget(known, at, timedelta(minutes=limits.window_min))
        if len(known.live) >= limits.concurrent:
            return Refusal.CONCURRENT
        if len(known.began) >= limits.calls:
            return Refusal.CALLS
        known.began.append(at)
        known.live[linkedid] = at
        self._caller_of[linkedid] = caller
        return None

    def ended(self, linkedid: str) -> None:
        """The call is over."""
        caller = self._caller_of.pop(linkedid, None)
        if caller and (known := self._callers.get(caller)):
            known.live.pop(linkedid, None)

    def only(self, live: Collection[str], at: datetime) -> None:
        """Of the calls admitted before `at` only `live` (linkedids) had a channel then: the others' end was missed."""
        for linkedid, caller in list(self._caller_of.items()):
            if linkedid not in live and self._callers[caller].live[linkedid] < at:
                self.ended(linkedid)

    def tidy(self, at: datetime, limits_of: Callable[[str], Limits]) -> None:
        """Drop callers of whom nothing counts any more."""
        for caller, known in list(self._callers.items()):
            self._forget(known, at, timedelta(minutes=limits_of(caller).window_min))
            if not known.began and not known.live:
                del self._callers[caller]

    def _forget(self, known: _Caller, at: datetime, window: timedelta) -> None:
        while known.began and known.began[0] <= at - window:
            known.began.popleft()
        for linkedid, since in list(known.live.items()):
            if since <= at - self.LONGEST_CALL:
                del known.live[linkedid]
                self._caller_of.pop(linkedid, None)
