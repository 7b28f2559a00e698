"""A store whose objects are encrypted: it stands before any other store, and whoever uses it notices nothing.

An encrypted object lies under its name and `.hla1`. What was stored before, or while encryption was off, lies under its
plain name and stays readable; a plain object in the place of one that was encrypted is refused.
"""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from secrets import token_bytes
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from uuid import UUID

from core.errors import HotlineError, Invalid, NotFound
from core.log import get
from recordings.store.datakeys import DataKeys, WrappedKey
from recordings.store.frames import HEADER, Broken, Header, Opener, encrypt, open_all, size_of, unpack
from recordings.store.masters import CannotUnwrap, MasterKeys
from recordings.store.port import SUFFIX, Damaged, Stat, Store, check_key, digest_of, mismatch, unavailable
from recordings.store.suite import Aead, Suite

log = get(__name__)
PLAIN = "disposals/"
"""What lies below is signed and never encrypted: it must be readable where the database, and its keys, are lost."""
IN_MEMORY = 16 * 1024 * 1024
"""Bytes of an object on its way to the store; a larger one goes through a file without a name in `work`."""


class VaultStore:
    """Encrypts with `suite` into `inner`; with None new objects are plain, and encrypted ones stay readable."""

    def __init__(
        self, inner: Store, keys: DataKeys, masters: MasterKeys, suite: Suite | None, *, work: Path | None = None
    ) -> None:
        if suite:
            suite.aead(bytes(suite.key_bytes))
        self._inner, self._keys, self._masters, self._suite, self._work = inner, keys, masters, suite, work

    async def put(self, key: str, source: BinaryIO, digest: str) -> None:
        """See `Store.put`."""
        _check(key)
        if await asyncio.to_thread(digest_of, source) != digest:
            raise mismatch()
        if await self._holds(key, digest):
            return
        if self._suite is None or key.startswith(PLAIN):
            await self._inner.put(key, source, digest)
            await self._keys.destroy(key)
            await self._clear(key + SUFFIX)
            return
        with _told(key):
            await self._put_sealed(key, source, digest, self._suite)
        await self._clear(key)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See `Store.read`. Raises `Damaged`; what came before is right."""
        with _told(key):
            header = await self._header(key)
            if header is None:
                async for block in self._inner.read(key, start, end):
                    yield block
                return
            last = header.size if end is None else min(end, header.size)
            if start >= last and header.size:
                return
            start = min(start, last)
            opener = Opener(header, await self._aead(key, header), start, last)
            first, behind = header.where(start, last)
            quick = header.suite.quick
            async for block in self._inner.read(key + SUFFIX, first, behind):
                content = opener.feed(block) if quick else await asyncio.to_thread(opener.feed, block)
                if content:
                    yield content
            opener.finish()

    async def stat(self, key: str) -> Stat:
        """See `Store.stat`. Raises `Damaged`."""
        with _told(key):
            header = await self._header(key)
            return Stat(key, header.size) if header else await self._inner.stat(key)

    async def delete(self, key: str) -> None:
        """See `Store.delete`. The data key goes first: from then on no copy of the object can be read."""
        _check(key)
        await self._keys.destroy(key)
        await self._inner.delete(key + SUFFIX)
        await self._inner.delete(key)

    async def list(self, prefix: str = "") -> AsyncIterator[Stat]:
        """See `Store.list`. Sizes are reckoned from the objects' lengths."""
        found: dict[str, Stat] = {}
        async for stat in self._inner.list(prefix):
            key = stat.key.removesuffix(SUFFIX)
            if key != stat.key:
                found[key] = Stat(key, size_of(stat.size))
            else:
                found.setdefault(key, stat)
        for key in sorted(found):
            if key.startswith(prefix):
                yield found[key]

    async def assay(self, key: str, sealed: BinaryIO) -> None:
        """Whether these bytes of an object are what was stored as `key`. Raises `Damaged`."""
        with _told(key):
            await asyncio.to_thread(sealed.seek, 0)
            header = unpack(await asyncio.to_thread(sealed.read, HEADER))
            stored = await asyncio.to_thread(sealed.seek, 0, os.SEEK_END)
            if header.stored != stored:
                raise Broken(f"长度应为 {header.stored} 字节，实为 {stored} 字节")
            kept = await self._kept(key, header)
            aead = await self._unwrapped(kept, header)
            if await asyncio.to_thread(_content_digest, header, aead, sealed) != kept.digest:
                raise Broken("内容与入档时的摘要不一致")
            await asyncio.to_thread(sealed.seek, 0, os.SEEK_END)

    async def _clear(self, name: str) -> None:
        """Remove what lies under the file's other name."""
        with contextlib.suppress(NotFound):
            await self._inner.stat(name)
            await self._inner.delete(name)

    async def _holds(self, key: str, digest: str) -> bool:
        """Whether this content lies there, whole and readable."""
        found = hashlib.sha256()
        try:
            async for block in self.read(key):
                await asyncio.to_thread(found.update, block)
        except (NotFound, Damaged):
            return False
        return found.hexdigest() == digest

    async def _put_sealed(self, key: str, source: BinaryIO, digest: str, suite: Suite) -> None:
        """The key is durable before the object is; the object is opened again, with the key as it was stored, before
        it goes to the store, which compares what it stored with what it was given."""
        kept = await self._keys.keep(key, digest, suite, lambda id: self._wrapped(id, key, suite))
        header = Header(suite, kept.id, await asyncio.to_thread(source.seek, 0, os.SEEK_END))
        aead = await self._unwrapped(kept, header)
        work = str(self._work) if self._work else None
        with disk_trouble_told(), SpooledTemporaryFile(IN_MEMORY, dir=work) as file:
            sealed = cast(BinaryIO, file)
            of_object = await asyncio.to_thread(encrypt, header, aead, source, sealed)
            if await asyncio.to_thread(_content_digest, header, aead, sealed) != digest:
                raise mismatch()
            await self._inner.put(key + SUFFIX, sealed, of_object)

    async def _header(self, key: str) -> Header | None:
        """Of the encrypted object of this name, whose length was compared with it; None where a plain one lies."""
        name = _check(key) + SUFFIX
        try:
            stored = (await self._inner.stat(name)).size
        except NotFound:
            await self._inner.stat(key)
            if await self._keys.knows(key):
                raise Broken("已加密的文件被一份未加密的文件替换") from None
            return None
        header = unpack(b"".join([block async for block in self._inner.read(name, 0, HEADER)]))
        if header.stored != stored:
            raise Broken(f"长度应为 {header.stored} 字节，实为 {stored} 字节")
        return header

    async def _aead(self, key: str, header: Header) -> Aead:
        return await self._unwrapped(await self._kept(key, header), header)

    async def _kept(self, key: str, header: Header) -> WrappedKey:
        kept = await self._keys.find(header.key_id)
        if kept is None:
            raise Broken("没有这份文件的数据密钥")
        if kept.store_key != key:
            raise Broken(f"这是另一份文件（{kept.store_key}）")
        return kept

    async def _wrapped(self, id: UUID, key: str, suite: Suite) -> tuple[str, bytes]:
        return await self._masters.wrap(token_bytes(suite.key_bytes), context_of(id, key), suite)

    async def _unwrapped(self, kept: WrappedKey, header: Header) -> Aead:
        data_key = await self._masters.unwrap(kept.master_id, kept.wrapped, context_of(kept.id, kept.store_key))
        if len(data_key) != header.suite.key_bytes:
            raise Broken("文件头的加密算法与数据密钥不符")
        return header.suite.aead(data_key)


def context_of(id: UUID, store_key: str) -> bytes:
    """What a wrapped key is bound to: its own id and its object's name."""
    return id.bytes + store_key.encode()


def _check(key: str) -> str:
    if key.endswith(SUFFIX):
        raise Invalid("bad-store-key", "存储键名不正确。")
    return check_key(key)


def _content_digest(header: Header, aead: Aead, sealed: BinaryIO) -> str:
    found = hashlib.sha256()
    for block in open_all(header, aead, sealed):
        found.update(block)
    return found.hexdigest()


@contextlib.contextmanager
def _told(key: str) -> Iterator[None]:
    """What is wrong with an object is logged and raises `Damaged`."""
    try:
        yield
    except (Broken, CannotUnwrap) as error:
        log.error("archive.damaged", key=key, why=str(error))
        raise Damaged(key, str(error)) from error


@contextlib.contextmanager
def disk_trouble_told() -> Iterator[None]:
    """What the work folder says of its disk raises `Unavailable`."""
    try:
        yield
    except HotlineError:
        raise
    except OSError as error:
        raise unavailable(full=True) from error
