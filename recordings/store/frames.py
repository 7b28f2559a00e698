"""How an encrypted object lies in the store: a header, then frames that are each encrypted and authenticated.

    header   "HLA1", suite (1 byte), 3 zero bytes, id of the data key (16), bytes of the content (8, big-endian)
    frame n  up to 64 KiB of the content, encrypted, and 16 bytes of tag

A data key serves one content only, so a nonce is the frame's number and whether it is the last (the construction STREAM
of Hoang, Reyhanitabar, Rogaway and Vizár, 2015); the header is authenticated with every frame. Frames can therefore not
be changed, cut off, repeated, exchanged or taken from another object without being found, and each is read alone.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from cryptography.exceptions import InvalidTag

from recordings.store.suite import NONCE, TAG, Aead, Suite, suite_of

MAGIC = b"HLA1"
HEADER = 32
"""Bytes of a header."""
FRAME = 64 * 1024
"""Bytes of content in every frame but the last."""
SEALED = FRAME + TAG
"""Bytes of such a frame in the store."""


class Broken(Exception):
    """The object is not what was written; the text says in what, in Chinese."""


@dataclass(frozen=True)
class Header:
    """What stands before the frames."""

    suite: Suite
    key_id: UUID
    size: int
    """Bytes of the content."""

    @property
    def frames(self) -> int:
        """An empty object has one empty frame, so that its header is authenticated too."""
        return max(1, -(-self.size // FRAME))

    @property
    def stored(self) -> int:
        """Bytes of the whole object."""
        return HEADER + self.size + self.frames * TAG

    def pack(self) -> bytes:
        """As it is stored."""
        return MAGIC + bytes([self.suite.code, 0, 0, 0]) + self.key_id.bytes + self.size.to_bytes(8, "big")

    def nonce(self, number: int) -> bytes:
        """That of frame `number`."""
        return number.to_bytes(NONCE - 1, "big") + bytes([number == self.frames - 1])

    def where(self, start: int, end: int) -> tuple[int, int]:
        """The bytes of the object in which the content `[start, end)` lies; of an empty object all."""
        behind = max(1, -(-end // FRAME))
        return HEADER + start // FRAME * SEALED, min(HEADER + behind * SEALED, self.stored)


def unpack(data: bytes) -> Header:
    """A header that was stored. Raises `Broken`."""
    suite = suite_of(data[4]) if len(data) == HEADER else None
    if suite is None or data[:4] != MAGIC or any(data[5:8]):
        raise Broken("文件头不完整或不可识别")
    return Header(suite, UUID(bytes=data[8:24]), int.from_bytes(data[24:], "big"))


def size_of(stored: int) -> int:
    """Bytes of content of an object of `stored` bytes; 0 for what is too short to be one."""
    body = stored - HEADER
    return max(0, body - -(-body // SEALED) * TAG)


def encrypt(header: Header, aead: Aead, source: BinaryIO, target: BinaryIO) -> str:
    """Write the object of the whole of `source` -> the object's SHA-256. Raises OSError when the disk is full."""
    digest, head = hashlib.sha256(), header.pack()
    source.seek(0)
    for piece in _sealed(header, aead, head, source):
        digest.update(piece)
        target.write(piece)
    target.flush()
    return digest.hexdigest()


def _sealed(header: Header, aead: Aead, head: bytes, source: BinaryIO) -> Iterator[bytes]:
    yield head
    left = header.size
    for number in range(header.frames):
        content = source.read(min(FRAME, left))
        left -= len(content)
        yield aead.encrypt(header.nonce(number), content, head)
    if left or source.read(1):
        raise Broken("写入期间内容发生了变化")


class Opener:
    """Decrypts the frames in which `[start, end)` lies, from the first on, as their bytes arrive in any pieces.

    The range is not empty, or it is `[0, 0)` of an empty object, whose one frame is authenticated as any.
    """

    def __init__(self, header: Header, aead: Aead, start: int, end: int) -> None:
        self._header, self._aead, self._head = header, aead, header.pack()
        self._next = start // FRAME
        self._skip = start - self._next * FRAME
        self._left = end - start
        self._behind = max(self._next, (end - 1) // FRAME) + 1
        self._waiting = b""

    def feed(self, data: bytes) -> bytes:
        """What can be served after these bytes. Raises `Broken`."""
        arrived, at, served = memoryview(data), 0, []
        if self._waiting and self._next < self._behind:
            at = self._length() - len(self._waiting)
            self._waiting += arrived[:at]
            if len(self._waiting) < self._length():
                return b""
            served.append(self._frame(memoryview(self._waiting)))
        while self._next < self._behind and len(arrived) - at >= (length := self._length()):
            served.append(self._frame(arrived[at : at + length]))
            at += length
        self._waiting = bytes(arrived[at:])
        return b"".join(served)

    def finish(self) -> None:
        """Raises `Broken` when bytes are missing."""
        if self._next < self._behind:
            raise Broken(f"第 {self._next + 1} 段缺失")

    def _length(self) -> int:
        """Bytes of the next frame in the store."""
        return min(SEALED, self._header.size - self._next * FRAME + TAG)

    def _frame(self, sealed: memoryview) -> bytes:
        try:
            content = self._aead.decrypt(self._header.nonce(self._next), sealed, self._head)
        except InvalidTag as error:
            raise Broken(f"第 {self._next + 1} 段已损坏或被改动") from error
        part = content[self._skip : self._skip + self._left]
        self._next, self._skip, self._left = self._next + 1, 0, self._left - len(part)
        return part


def open_all(header: Header, aead: Aead, source: BinaryIO) -> Iterator[bytes]:
    """The content of a whole object at hand. Raises `Broken`."""
    source.seek(HEADER)
    opener = Opener(header, aead, 0, header.size)
    while block := source.read(4 * SEALED):
        yield opener.feed(block)
    opener.finish()
