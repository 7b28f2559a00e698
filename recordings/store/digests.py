"""Both digests of a content in one pass: SHA-256, and SM3 (GB/T 32905) for those who must have 国密."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.hazmat.primitives import hashes

from recordings.store.port import BLOCK


@dataclass(frozen=True)
class Digests:
    """Hexadecimal."""

    sha256: str
    sm3: str


class Digesting:
    """Takes a content piece by piece."""

    def __init__(self) -> None:
        self._sha256, self._sm3 = hashlib.sha256(), hashes.Hash(hashes.SM3())
        self.size = 0

    def update(self, data: bytes) -> None:
        """The next piece."""
        self._sha256.update(data)
        self._sm3.update(data)
        self.size += len(data)

    def done(self) -> Digests:
        """Those of all pieces; nothing may follow."""
        return Digests(self._sha256.hexdigest(), self._sm3.finalize().hex())


async def digests_while_read(blocks: AsyncIterator[bytes]) -> tuple[Digests, int]:
    """Those of what comes, and its length; a block is digested while the next one is on its way."""
    found, running = Digesting(), None
    try:
        async for block in blocks:
            if running:
                await running
            running = asyncio.create_task(asyncio.to_thread(found.update, block))
    finally:
        if running:
            await running
    return found.done(), found.size


def digests_of(file: BinaryIO) -> Digests:
    """Those of a whole file."""
    file.seek(0)
    found = Digesting()
    while block := file.read(BLOCK):
        found.update(block)
    return found.done()


def sm3(data: bytes) -> bytes:
    """SM3 of a few bytes."""
    found = hashes.Hash(hashes.SM3())
    found.update(data)
    return found.finalize()


def sha256(data: bytes) -> bytes:
    """SHA-256 of a few bytes."""
    return hashlib.sha256(data).digest()
