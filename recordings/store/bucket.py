"""The archive as a bucket of an S3 service, or of any storage that obstore speaks to."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, BinaryIO

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from core.errors import NotFound
from recordings.settings import S3Settings
from recordings.store.port import BLOCK, Stat, check_key, digest_of, is_key, mismatch, missing, unavailable

SEEN_S = 60.0
"""For so long a bucket that answered is taken to be there."""
RETRIES = 3
RETRY_FOR = timedelta(seconds=10)


class BucketStore:
    """Files as objects of an obstore store; an upload becomes visible only when it is whole."""

    def __init__(self, store: Any) -> None:
        self._store, self._seen_at = store, -SEEN_S

    @classmethod
    def s3(cls, settings: S3Settings) -> "BucketStore":
        """The bucket that the settings name."""
        return cls(
            S3Store(
                settings.bucket,
                prefix=settings.prefix or None,
                endpoint=settings.endpoint,
                region=settings.region,
                access_key_id=settings.access_key_id,
                secret_access_key=settings.secret_access_key,
                client_options={"allow_http": settings.allow_http, "timeout": "60s"},
                checksum_algorithm="SHA256",  # a bucket with object lock takes nothing without one
                retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_FOR},
            )
        )

    async def put(self, key: str, source: BinaryIO, digest: str) -> None:
        """See `Store.put`."""
        check_key(key)
        if await asyncio.to_thread(digest_of, source) != digest:
            raise mismatch()
        source.seek(0)
        with _translated(key, there=False):
            await obstore.put_async(self._store, key, source)
        self._seen_at = time.monotonic()
        stored = hashlib.sha256()
        async for block in self.read(key):
            stored.update(block)
        if stored.hexdigest() != digest:
            raise mismatch()

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See `Store.read`."""
        size = (await self.stat(key)).size
        last = size if end is None else min(end, size)
        for begin in range(start, last, BLOCK):
            with _translated(key):
                block = await obstore.get_range_async(self._store, key, start=begin, end=min(begin + BLOCK, last))
            yield bytes(block)

    async def stat(self, key: str) -> Stat:
        """See `Store.stat`."""
        try:
            with _translated(check_key(key)):
                found = Stat(key, (await obstore.head_async(self._store, key))["size"])
        except NotFound:
            await self._look()
            raise
        self._seen_at = time.monotonic()
        return found

    async def _look(self) -> None:
        """A file that is not found may lack its bucket: that says nothing of the file. Raises `Unavailable`."""
        if time.monotonic() - self._seen_at >= SEEN_S:
            with _translated("", there=False):
                async for _ in obstore.list(self._store, chunk_size=1):
                    break
            self._seen_at = time.monotonic()

    async def delete(self, key: str) -> None:
        """See `Store.delete`."""
        check_key(key)
        try:
            with _translated(key):
                await obstore.delete_async(self._store, key)
        except NotFound:
            return

    async def list(self, prefix: str = "") -> AsyncIterator[Stat]:
        """See `Store.list`."""
        found: list[Stat] = []

        def wanted(name: str) -> bool:
            return name.startswith(prefix) and is_key(name)

        folder = prefix.rpartition("/")[0] or None
        with _translated(prefix, there=False):
            async for batch in obstore.list(self._store, prefix=folder):
                found += [Stat(item["path"], item["size"]) for item in batch if wanted(item["path"])]
        for stat in sorted(found, key=lambda stat: stat.key):
            yield stat


@contextmanager
def _translated(key: str, *, there: bool = True) -> Iterator[None]:
    """`there`: what is not found is the file, not the bucket."""
    try:
        yield
    except FileNotFoundError as error:
        raise missing(key) if there else unavailable() from error
    except (BaseError, OSError) as error:
        raise unavailable() from error
