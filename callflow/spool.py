"""Facts on disk while PostgreSQL is away: appended, fsynced, replayed, and what nobody can read set aside.

One line is one fact, sealed like every other personal datum at rest. The file being written belongs to this
process; all others are complete and may be replayed. Replaying twice changes nothing.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from pydantic import ValidationError

from callflow.facts import Fact
from core.personal import seal, unseal

POISON = "poison.txt"


class Spool:
    """A folder of facts, 0700. Blocking: call it from a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current: Path | None = None
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def append(self, facts: Iterable[Fact]) -> None:
        """Keep facts; returns once they are on the disk. Raises OSError when they are not."""
        if self._current is None:
            self._current = self._folder / f"{time.time_ns():020d}-{os.getpid()}.facts"
        self._write(self._current, [seal(fact.model_dump_json()) for fact in facts])

    def set_aside(self, lines: Sequence[str]) -> None:
        """Keep what could not be understood or stored, for a person to look at."""
        self._write(self._folder / POISON, [line.replace("\n", " ") for line in lines])

    def rotate(self) -> list[Path]:
        """Files that are complete, the oldest first; the next fact begins a new one."""
        self._current = None
        return sorted(self._folder.glob("*.facts"))

    def read(self, path: Path) -> tuple[list[Fact], list[str]]:
        """A file's facts, and the lines that are none (torn by a crash, or of another key)."""
        facts: list[Fact] = []
        bad: list[str] = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                facts.append(Fact.model_validate_json(unseal(line)))
            except (ValueError, ValidationError, InvalidTag):
                bad.append(line)
        return facts, bad

    def forget(self, path: Path) -> None:
        """Remove a replayed file."""
        path.unlink(missing_ok=True)

    @property
    def waiting(self) -> int:
        """Files that hold facts."""
        return sum(1 for _ in self._folder.glob("*.facts"))

    @property
    def poisoned(self) -> int:
        """Lines set aside."""
        with contextlib.suppress(FileNotFoundError):
            return sum(1 for _ in (self._folder / POISON).open("rb"))
        return 0

    def _write(self, path: Path, lines: Sequence[str]) -> None:
        new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            data = memoryview("".join(f"{line}\n" for line in lines).encode())
            while data:
                data = data[os.write(descriptor, data) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
