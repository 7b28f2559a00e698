"""Several stores as one: whatever is stored is in the primary, verified; replicas follow, and stand in for reading."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from core.errors import HotlineError, Invalid, NotFound, Unavailable
from core.log import get
from recordings.store.copies import Copies
from recordings.store.models import ArchiveCopy
from recordings.store.port import SUFFIX, Damaged, Stat, Store
from recordings.store.vault import IN_MEMORY, VaultStore, disk_trouble_told

log = get(__name__)
Vault = Callable[[Store], VaultStore]
"""Puts encryption before a store."""
Right = Callable[[Store], Awaitable[bool]]
"""Whether what a store holds of one file is what it is to be."""


class ReplicatedStore:
    """`stores` by name, one of them the primary. What lies in them is the same, byte by byte, under the same names.

    Raises `Invalid("store-unknown")` where the primary is none of them.
    """

    def __init__(self, stores: Mapping[str, Store], vault: Vault, copies: Copies, *, work: Path | None = None) -> None:
        self._stores, self._copies, self._work = stores, copies, work
        self._vaults = {name: vault(self._noting(name, store)) for name, store in stores.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all stores."""
        return tuple(self._stores)

    @property
    def copies(self) -> Copies:
        """What the replicas hold."""
        return self._copies

    async def put(self, key: str, source: BinaryIO, digest: str) -> None:
        """See `Store.put`: it is in the primary, also where that has changed meanwhile."""
        await self._in_primary(lambda vault: vault.put(key, source, digest))

    async def delete(self, key: str) -> None:
        """See `Store.delete`."""
        await self._in_primary(lambda vault: vault.delete(key))

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See `Store.read`. What the primary has lost or damaged comes from a replica, from the very byte on."""
        at, first = start, None
        primary, vault = await self.primary()
        try:
            async for block in vault.read(key, start, end):
                at += len(block)
                yield block
            return
        except (NotFound, Damaged, Unavailable) as error:
            first = error
        for name in await self._others(key, primary):
            try:
                async for block in self._vaults[name].read(key, at, end):
                    at += len(block)
                    yield block
            except (NotFound, Damaged, Unavailable) as error:
                log.warning("archive.replica-unreadable", key=key, store=name, error=error.id)
                continue
            await self._told(key, name, first)
            return
        raise first

    async def stat(self, key: str) -> Stat:
        """See `Store.stat`."""
        primary, vault = await self.primary()
        try:
            return await vault.stat(key)
        except (NotFound, Damaged, Unavailable) as error:
            for name in await self._others(key, primary):
                try:
                    found = await self._vaults[name].stat(key)
                except (NotFound, Damaged, Unavailable):
                    continue
                await self._told(key, name, error)
                return found
            raise

    async def list(self, prefix: str = "") -> AsyncIterator[Stat]:
        """See `Store.list`: of the primary."""
        _, vault = await self.primary()
        async for stat in vault.list(prefix):
            yield stat

    async def primary(self) -> tuple[str, VaultStore]:
        """The primary alone, as it is for the check."""
        name = await self._copies.primary()
        self.within(name)
        return name, self._vaults[name]

    def within(self, name: str) -> Store:
        """The store of this name without encryption: what lies there byte by byte. Raises `Invalid`."""
        if name not in self._stores:
            known = "、".join(self._stores)
            raise Invalid("store-unknown", f"设置 recordings.replicas 中没有名为“{name}”的存储；现有：{known}。")
        return self._stores[name]

    async def mend(self, key: str, right: Right) -> str | None:
        """Put the first replica's copy that is `right` in the place of the primary's, at once as a whole -> which
        replica's; None where none has one."""
        primary, _ = await self.primary()
        for name in await self._others(key, primary):
            try:
                if await right(self._vaults[name]):
                    await self._carry(name, primary, await self._name_of(name, key))
                    return name
            except (NotFound, Unavailable) as error:
                log.warning("archive.cannot-mend", key=key, store=name, error=error.id)
        return None

    async def copy(self, copy: ArchiveCopy, primary: str) -> int:
        """Bring one object to its replica and note it -> its bytes; nothing is written where the same lies there.

        Raises `NotFound` where the primary has no such object, `Damaged` where it is not what it was; then nothing is
        copied.
        """
        digest, size = await self._carry(primary, copy.store, copy.name, assay=True)
        await self._copies.verified(copy, digest, size)
        return size

    async def digest_in(self, store: str, name: str) -> tuple[str, int]:
        """SHA-256 and length of an object as it lies in a store. Raises `NotFound`."""
        found, size = hashlib.sha256(), 0
        async for block in self.within(store).read(name):
            await asyncio.to_thread(found.update, block)
            size += len(block)
        return found.hexdigest(), size

    async def _carry(self, source: str, target: str, name: str, *, assay: bool = False) -> tuple[str, int]:
        """One object from store to store, verified there -> its SHA-256 and length."""
        with disk_trouble_told(), SpooledTemporaryFile(IN_MEMORY, dir=str(self._work) if self._work else None) as file:
            taken, digest = cast(BinaryIO, file), hashlib.sha256()
            async for block in self.within(source).read(name):
                digest.update(block)
                await asyncio.to_thread(taken.write, block)
            if assay:
                await self._assay(name, taken, digest.hexdigest())
            size = taken.tell()
            if not await self._holds(target, name, digest.hexdigest(), size):
                await self.within(target).put(name, taken, digest.hexdigest())
        return digest.hexdigest(), size

    async def _assay(self, name: str, taken: BinaryIO, digest: str) -> None:
        """Raises `Damaged` for what is not what was stored: damage is not copied."""
        if name.endswith(SUFFIX):
            await next(iter(self._vaults.values())).assay(name.removesuffix(SUFFIX), taken)
        elif (known := await self._copies.digest_in_catalogue(name)) and known != digest:
            raise Damaged(name, "文件内容与目录中的 SHA-256 不一致")

    async def _holds(self, store: str, name: str, digest: str, size: int) -> bool:
        try:
            if (await self.within(store).stat(name)).size != size:
                return False
            return (await self.digest_in(store, name))[0] == digest
        except NotFound:
            return False

    async def _name_of(self, store: str, key: str) -> str:
        try:
            return (await self.within(store).stat(key + SUFFIX)).key
        except NotFound:
            return key

    async def _others(self, key: str, primary: str) -> Sequence[str]:
        held = await self._copies.holders(key)
        return [name for name in self._stores if name in held and name != primary]

    async def _in_primary(self, act: Callable[[VaultStore], Awaitable[None]]) -> None:
        while True:
            name, vault = await self.primary()
            await act(vault)
            if await self._copies.primary() == name:
                return

    def _noting(self, name: str, store: Store) -> Store:
        others = [other for other in self._stores if other != name]
        return NotingStore(store, self._copies, others) if others else store

    async def _told(self, key: str, store: str, error: HotlineError) -> None:
        """That a replica stood in is in the log, and the check looks at the primary's object next."""
        log.warning("archive.read-from-replica", key=key, store=store, why=error.message)
        if not isinstance(error, Unavailable):
            await self._copies.suspect(key)


class NotingStore:
    """A store that is the primary: what comes into it and leaves it is noted for the others first."""

    def __init__(self, store: Store, copies: Copies, others: Sequence[str]) -> None:
        self._store, self._copies, self._others = store, copies, others
        self.read, self.stat, self.list = store.read, store.stat, store.list

    async def put(self, key: str, source: BinaryIO, digest: str) -> None:
        """See `Store.put`."""
        await self._copies.want(self._others, key)
        await self._store.put(key, source, digest)

    async def delete(self, key: str) -> None:
        """See `Store.delete`."""
        await self._copies.want(self._others, key, doomed=True)
        await self._store.delete(key)
