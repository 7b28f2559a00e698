"""A set-up is a list of steps; each knows whether it is done and how to do it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hotline.setup.cache import Say

AT_ONCE_S = 0.5


@dataclass(frozen=True)
class Step:
    """One part of the set-up. `done` looks and changes nothing; `run` may be repeated at any time.

    A step that is its own check (`done` always False) must be quick when there is nothing to do.
    """

    name: str
    done: Callable[[], bool]
    run: Callable[[Say], None]


def carry_out(steps: Sequence[Step], say: Say) -> list[str]:
    """Do what is not done, in order; names of the steps that ran. The first error ends it."""
    ran: list[str] = []
    for number, step in enumerate(steps, 1):
        head = f"[{number}/{len(steps)}] {step.name}"
        if step.done():
            say(f"{head}：已就绪")
            continue
        say(f"{head}……")
        began = time.monotonic()
        step.run(lambda line: say(f"      {line}"))
        ran.append(step.name)
        if (took := time.monotonic() - began) > AT_ONCE_S:
            say(f"      完成，用时 {took:.1f} 秒")
    return ran
