"""What lies in Asterisk's spool: recordings with their files, and whether somebody still writes them."""

import fcntl
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recordings.archive.rules import Take, takes, whole_samples
from recordings.models import RecordingState


@dataclass(frozen=True)
class Mark:
    """A file as it was at one moment: with one more sample it is another."""

    inode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Raw:
    """What lies in the spool of one recording: its files (citizen's side first) as they were, and their last change."""

    take: Take
    files: list[Path | None]
    marks: tuple[Mark | None, ...]
    changed_at: datetime
    being_written: bool

    @property
    def paths(self) -> list[Path]:
        return [path for path in self.files if path]

    @property
    def samples(self) -> int:
        return max(whole_samples(mark.size) if mark else 0 for mark in self.marks)

    @property
    def whole(self) -> bool:
        """Whether none of its files is missing."""
        return all(self.files)

    @property
    def state(self) -> RecordingState:
        if not self.samples:
            return RecordingState.EMPTY
        heard = [mark is not None and whole_samples(mark.size) > 0 for mark in self.marks]
        return RecordingState.STORED if all(heard) else RecordingState.PARTIAL


@dataclass(frozen=True)
class Spooled:
    """What lies in a spool: recordings, the oldest call's first, and the names of whatever is none."""

    raws: list[Raw]
    foreign: list[str]


def spooled(spool: Path) -> Spooled:
    """Whatever lies there. A link is nobody's recording, whatever it is called and wherever it leads."""
    entries = list(os.scandir(spool)) if spool.is_dir() else []
    names = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    raws = [raw for take in takes(names) if (raw := _find(spool, take))]
    ours = {name for raw in raws for name in raw.take.names} & set(names)
    return Spooled(raws, sorted(entry.name for entry in entries if entry.name not in ours))


def _find(spool: Path, take: Take) -> Raw | None:
    marks = [mark_of(spool / name) for name in take.names]
    changed = [mark.mtime_ns for mark in marks if mark]
    if not changed:
        return None
    files = [spool / name if mark else None for name, mark in zip(take.names, marks, strict=True)]
    written = any(_being_written(path) for path in files if path)
    return Raw(take, files, tuple(marks), datetime.fromtimestamp(max(changed) / 1e9, UTC), written)


def mark_of(path: Path) -> Mark | None:
    """A file as it is now; None where there is no regular file of this name."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return Mark(found.st_ino, found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def _being_written(path: Path) -> bool:
    """Whether another process has the file open for writing: only then is a read lease refused (fcntl(2)).

    Where leases are not possible (another owner, a network folder), quiet time alone decides.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
