"""The port to where recordings lie: whole files under keys, written once, read in ranges."""

import errno
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from core.errors import HotlineError, Invalid, NotFound, Unavailable

FULL = {errno.ENOSPC, errno.EDQUOT}
"""What a full disk says."""
BLOCK = 1024 * 1024
"""Bytes read or written at a time."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
LONGEST_KEY = 512
SUFFIX = ".hla1"
"""Behind the names of encrypted objects; it names the form that they are in (`recordings.store.frames`)."""


@dataclass(frozen=True)
class Stat:
    """One stored file."""

    key: str
    size: int


class Damaged(HotlineError):
    """The stored file is not what was stored; `why` says in what, in Chinese. Nothing of a wrong part was given out."""

    status = 500

    def __init__(self, key: str, why: str) -> None:
        super().__init__("recording-damaged", f"存储的文件已损坏或被改动：{why}。")
        self.key, self.why = key, why


class Store(Protocol):
    """Keeps files for years. Every method raises `Unavailable` while the storage is away or full."""

    async def put(self, key: str, source: BinaryIO, digest: str) -> None:
        """Store the whole file `source`, whose SHA-256 is `digest`, durably under `key`, and read it back.

        The same content again changes nothing. Raises `Invalid("digest-mismatch")` when `source`, and then nothing
        is stored, or what was read back is not what `digest` says.
        """

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes `[start, end)`; to the end of the file without `end`. Raises `NotFound`."""

    async def stat(self, key: str) -> Stat:
        """Size of a file. Raises `NotFound`."""

    async def delete(self, key: str) -> None:
        """Remove a file; one that is not there is no error.

        Of the store that an instance opens (`recordings.store.choose.open_store`) this is *the* way to destroy what is
        stored: it ends the data key, so that no copy anywhere can be read, removes the file from the primary, and notes
        durably that every replica loses it, those that are away as soon as they are back.
        """

    def list(self, prefix: str = "") -> AsyncIterator[Stat]:
        """Files whose key begins with `prefix`, in the order of keys."""


def digest_of(file: BinaryIO) -> str:
    """SHA-256 of a whole file, hexadecimal."""
    file.seek(0)
    found = hashlib.sha256()
    while block := file.read(BLOCK):
        found.update(block)
    return found.hexdigest()


def check_key(key: str) -> str:
    """The key itself. Raises `Invalid("bad-store-key")` for anything that could leave the store."""
    if not is_key(key):
        raise Invalid("bad-store-key", "存储键名不正确。")
    return key


def is_key(name: str) -> bool:
    """Whether a name that lies in a store can be a file's: what else lies there is nobody's."""
    return len(name) <= LONGEST_KEY and bool(_KEY.fullmatch(name))


def missing(key: str) -> NotFound:
    """There is no such file."""
    return NotFound("recording-file-missing", "存储中没有这份录音文件。")


def mismatch() -> Invalid:
    """The content is not what its digest says."""
    return Invalid("digest-mismatch", "文件内容与校验值不一致。")


def unavailable(full: bool = False) -> Unavailable:
    """The storage is away, or full."""
    if full:
        return Unavailable("archive-full", "录音存储空间已满，请扩充存储空间。")
    return Unavailable("archive-unavailable", "录音存储暂时不可用。")
