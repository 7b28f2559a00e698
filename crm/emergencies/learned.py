"""What a county's own cases teach: how much each character and each pair of characters speaks for an emergency. Pure.

Compositions of words miss what nobody thought of; a linear model over the cases of the county's file finds more of it,
and its weights still say by which words (docs/decisions/0035).
"""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

EPOCHS = 30
RATE = 0.2
SHRINK = 1e-4
"""Engineering of the fit; of no meaning to the bureau."""
SHOWN = 3
Case = tuple[str, str]
"""A text, and the code of its kind; empty: none."""


@dataclass(frozen=True)
class Judged:
    """`score` above zero: rather an emergency; `kind`: which it is most like; `words`: what spoke for it most."""

    score: float
    kind: str
    words: tuple[tuple[int, int], ...]


def pieces(text: str) -> list[str]:
    """Characters and pairs, each once."""
    return list(dict.fromkeys([*text, *(text[at : at + 2] for at in range(len(text) - 1))]))


class Learned:
    """Weights learnt from cases."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._weights: dict[str, float] = defaultdict(float)
        self._bias = 0.0
        self._kinds: dict[str, Counter[str]] = defaultdict(Counter)
        read = [(pieces(text), kind) for text, kind in cases]
        order = random.Random(1)  # the same weights after every start
        for epoch in range(EPOCHS):
            order.shuffle(read)
            for found, kind in read:
                self._step(found, 1.0 if kind else 0.0, RATE / (1 + epoch / 4))
        for found, kind in read:
            if kind:
                self._kinds[kind].update(found)

    def _step(self, found: Sequence[str], want: float, rate: float) -> None:
        error = want - 1 / (1 + math.exp(-max(-30.0, min(30.0, self.score(found)))))
        self._bias += rate * error * 0.1
        for one in found:
            self._weights[one] += rate * (error - SHRINK * self._weights[one])

    def score(self, found: Sequence[str]) -> float:
        """How much speaks for an emergency, the logarithm of its odds."""
        return self._bias + sum(self._weights.get(one, 0.0) for one in found)

    def judge(self, text: str) -> Judged:
        """How it reads."""
        found = pieces(text)
        pairs = (
            (self._weights.get(text[at : at + 2], 0.0), at)
            for at in range(len(text) - 1)
            if text[at : at + 2].isalpha()
        )
        best = sorted(at for weight, at in sorted(pairs, reverse=True)[:SHOWN] if weight > 0)
        return Judged(self.score(found), self._kind(found), tuple(_joined(best)))

    def _kind(self, found: Sequence[str]) -> str:
        def like(kind: str) -> float:
            counts = self._kinds[kind]
            whole = sum(counts.values()) + len(self._weights) * 0.2
            return sum(math.log((counts[one] + 0.2) / whole) for one in found)

        return max(sorted(self._kinds), key=like, default="")


def _joined(starts: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs that touch are one word."""
    found: list[tuple[int, int]] = []
    for at in starts:
        if found and at <= found[-1][1]:
            found[-1] = (found[-1][0], at + 2)
        else:
            found.append((at, at + 2))
    return found


@lru_cache(maxsize=4)
def learned(cases: tuple[Case, ...]) -> Learned:
    """What these cases teach, learnt once per process; some hundred milliseconds: make it off the event loop."""
    return Learned(cases)
