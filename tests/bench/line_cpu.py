"""CPU time of processes, from /proc: who spends what on a call."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Spent:
    """Seconds of CPU so far: by the process itself, and by children that it has buried."""

    own: float
    buried: float


def spent(pid: int) -> Spent:
    """One process; nothing where it is gone."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        user, system, buried_user, buried_system = map(int, fields[11:15])
        return Spent((user + system) / _TICKS, (buried_user + buried_system) / _TICKS)
    return Spent(0.0, 0.0)


def tree(pid: int) -> float:
    """A process with all its descendants, living and buried, in seconds."""
    one = spent(pid)
    return one.own + one.buried + sum(tree(child) for child in _children(pid))


def _children(pid: int) -> Iterable[int]:
    with contextlib.suppress(OSError):
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _of(task)]
    return []


def _of(task: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return (task / "children").read_text().split()
    return []


def machine() -> float:
    """Seconds that all cores together were busy since the machine started."""
    with open("/proc/stat") as file:
        fields = [int(word) for word in file.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS


@dataclass(frozen=True)
class Parts:
    """The parties of one measurement. `Asterisk` alone has its buried children apart: classic AGI's processes."""

    asterisk: int
    postgres: int
    roles: Mapping[str, int]
    load: Mapping[str, int]
    """Callers, telephones and the bench itself, whose children all the others are: none with its children."""

    def now(self) -> dict[str, float]:
        """Seconds so far, by party; `machine` is everything that runs here, ours or not."""
        asterisk = spent(self.asterisk)
        return {
            "asterisk": asterisk.own,
            "agi_processes": asterisk.buried,
            "postgres": tree(self.postgres),
            **{name: tree(pid) for name, pid in self.roles.items()},
            **{name: spent(pid).own for name, pid in self.load.items()},
            "machine": machine(),
        }
