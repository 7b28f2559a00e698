"""What lies in Asterisk's spool: recordings with their files, and whether somebody still writes them."""

import fcntl
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recordings.archive.rules import Take, takes, whole_samples
from recordings.models import RecordingState


@dataclass(frozen=True)
class Raw:
    """What lies in the spool of one recording: its files (citizen's side first) and their last change."""

    take: Take
    files: list[Path | None]
    changed_at: datetime
    being_written: bool

    @property
    def paths(self) -> list[Path]:
        return [path for path in self.files if path]

    @property
    def samples(self) -> int:
        return max(whole_samples(path.stat().st_size) if path else 0 for path in self.files)

    @property
    def state(self) -> RecordingState:
        if not self.samples:
            return RecordingState.EMPTY
        heard = [path is not None and whole_samples(path.stat().st_size) > 0 for path in self.files]
        return RecordingState.STORED if all(heard) else RecordingState.PARTIAL


def spooled(spool: Path) -> list[Raw]:
    """All recordings in the spool, the oldest call's first."""
    names = [entry.name for entry in os.scandir(spool) if entry.is_file()] if spool.is_dir() else []
    return [raw for take in takes(names) if (raw := _find(spool, take))]


def _find(spool: Path, take: Take) -> Raw | None:
    files = [path if (path := spool / name).is_file() else None for name in take.names]
    changed = [path.stat().st_mtime for path in files if path]
    if not changed:
        return None
    written = any(_being_written(path) for path in files if path)
    return Raw(take, files, datetime.fromtimestamp(max(changed), UTC), written)


def _being_written(path: Path) -> bool:
    """Whether another process has the file open for writing: only then is a read lease refused (fcntl(2)).

    Where leases are not possible (another owner, a network folder), quiet time alone decides.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
