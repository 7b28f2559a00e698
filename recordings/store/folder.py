"""The archive as a folder: written aside, synced, verified, renamed, and the folder synced."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from recordings.store.port import BLOCK, FULL, Stat, check_key, digest_of, is_key, mismatch, missing, unavailable

INCOMING = ".incoming"
"""Where files are written until they are whole; its leftovers mean nothing."""
LEFT_OVER_S = 24 * 3600
"""Nobody writes a file for so long."""


class FolderStore:
    """Files below `root`, readable by the service's account only.

    `given`: somebody else makes the root; while it is absent the disk that it lies on is away, and nothing is written
    to where that disk would be.
    """

    def __init__(self, root: Path, *, given: bool = False) -> None:
        self._root, self._given, self._cleared = root, given, False

    async def put(self, key: str, source: BinaryIO, digest: str) -> None:
        """See `Store.put`."""
        await asyncio.to_thread(self._put, self._path(key), source, digest)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See `Store.read`."""
        path = self._path(key)
        with self._there():
            try:
                file, last = await asyncio.to_thread(_opened, path, start, end)
            except (FileNotFoundError, IsADirectoryError) as error:
                raise missing(key) from error
            with file:
                at = start
                while at < last:
                    block = await asyncio.to_thread(file.read, min(BLOCK, last - at))
                    if not block:
                        return
                    at += len(block)
                    yield block

    async def stat(self, key: str) -> Stat:
        """See `Store.stat`."""
        path = self._path(key)
        with self._there():
            try:
                found = await asyncio.to_thread(path.stat)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise missing(key) from error
            if not S_ISREG(found.st_mode):
                raise missing(key)
            return Stat(key, found.st_size)

    async def delete(self, key: str) -> None:
        """See `Store.delete`."""
        path = self._path(key)
        with self._there():
            await asyncio.to_thread(path.unlink, missing_ok=True)
            if path.parent.is_dir():
                await asyncio.to_thread(_sync_folder, path.parent)

    async def list(self, prefix: str = "") -> AsyncIterator[Stat]:
        """See `Store.list`."""
        with self._there():
            found = await asyncio.to_thread(self._found, prefix)
        for stat in found:
            yield stat

    @contextmanager
    def _there(self) -> Iterator[None]:
        with _translated():
            if self._given and not self._root.is_dir():
                raise unavailable()
            yield

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _put(self, target: Path, source: BinaryIO, digest: str) -> None:
        with self._there():
            if target.is_file() and _digest_at(target) == digest:
                return
            incoming = self._root / INCOMING / uuid.uuid4().hex
            _make_folder(incoming.parent)
            self._clear_leftovers()
            try:
                _copy(source, incoming)
                if _digest_at(incoming) != digest:
                    raise mismatch()
                _make_folder(target.parent)
                incoming.rename(target)
                _sync_folder(target.parent)
            finally:
                incoming.unlink(missing_ok=True)

    def _clear_leftovers(self) -> None:
        """Once a process: what killed ones had half written."""
        if not self._cleared:
            self._cleared, before = True, time.time() - LEFT_OVER_S
            for path in (self._root / INCOMING).iterdir():
                if path.stat().st_mtime < before:
                    path.unlink(missing_ok=True)

    def _found(self, prefix: str) -> Sequence[Stat]:
        found = []
        for path in (self._root / prefix.rpartition("/")[0]).rglob("*"):
            key = path.relative_to(self._root).as_posix()
            if key.startswith(prefix) and is_key(key) and path.is_file():
                found.append(Stat(key, path.stat().st_size))
        return sorted(found, key=lambda stat: stat.key)


def _opened(path: Path, start: int, end: int | None) -> tuple[BinaryIO, int]:
    """The file at `start`, and where reading ends."""
    file = path.open("rb")
    size = os.fstat(file.fileno()).st_size
    file.seek(start)
    return file, size if end is None else min(end, size)


def _digest_at(path: Path) -> str:
    with path.open("rb", buffering=0) as file:
        return digest_of(file)


def _copy(source: BinaryIO, target: Path) -> None:
    source.seek(0)
    with _private(target) as writer:
        while block := source.read(BLOCK):
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, each durable in the one above."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unavailable(full=error.errno in FULL) from error
