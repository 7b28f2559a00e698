"""Asterisk's journals on disk, read from where the last reading ended, across rotation."""

import contextlib
import itertools
import os
from dataclasses import dataclass
from pathlib import Path

LONGEST_LINE = 64 * 1024


@dataclass(frozen=True)
class Position:
    """A place in one journal: the file's inode and how many bytes of it were read."""

    inode: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Chunk:
    """Complete lines, where the next ones begin, and whether there are such already."""

    lines: list[str]
    end: Position
    more: bool = False


def unread(path: Path, position: Position) -> int:
    """How many bytes of `path` lie behind `position`: a look that costs one call of the system.

    Of a file that began anew all are unread; what a file set aside still holds counts with its successor's.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return 0
    at = position.offset if found.st_ino == position.inode else 0
    return found.st_size - at if at <= found.st_size else found.st_size


def read(path: Path, position: Position, limit: int) -> Chunk:
    """At most about `limit` bytes of complete lines after `position`; no lines when there is nothing new.

    A rotated file is found again by its inode among its neighbours and read to its end first; it has ended once its
    successor was there before it was read. A line still being written waits for its end, unless it is longer than
    any line can be; what a file that has ended ends with is a line, cut or whole.
    """
    source = _file_of(path, position.inode)
    ended = source not in (None, path) and path.exists()
    if source is None:
        if not path.exists():
            return Chunk([], position)
        source, position = path, Position(path.stat().st_ino, 0)
    try:
        with source.open("rb") as file:
            found = os.fstat(file.fileno())
            start = position.offset if position.offset <= found.st_size else 0  # truncated in place: from its beginning
            file.seek(start)
            data = file.read(limit)
    except FileNotFoundError:
        return read(path, position, limit)
    if found.st_ino != position.inode:  # set aside between the look and the opening
        return read(path, position, limit)
    if not data and ended:
        return read(path, Position(path.stat().st_ino, 0), limit)
    complete = data.rfind(b"\n") + 1
    if not complete and (ended or len(data) >= min(limit, LONGEST_LINE)):
        complete = len(data)
    text = data[:complete].decode("utf-8", "replace")
    lines = [line for line in text.split("\n") if line.strip()]
    return Chunk(lines, Position(position.inode, start + complete), more=source != path or len(data) == limit)


def _file_of(path: Path, inode: int) -> Path | None:
    for one in itertools.chain((path,), path.parent.glob(f"{path.name}.*")) if inode else ():
        with contextlib.suppress(FileNotFoundError):
            if one.stat().st_ino == inode:
                return one
    return None
