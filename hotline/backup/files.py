"""The archive's files as they lie (encrypted, with no key): copied once, listed with their digests, brought back."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import HotlineError, NotFound
from recordings.store.port import BLOCK, SUFFIX, Store, check_key

LIST = "files.tsv"
SAY_EVERY = 500
REPLACED = ("packages/",)
"""Where a file may be replaced by another under its name; everywhere else one of another length is damaged."""


@dataclass(frozen=True)
class Listed:
    """One file: its length in bytes, and the SHA-256 of what lies there."""

    size: int
    digest: str


@dataclass
class Copied:
    """How many were copied now, and how many lay there already; `kept`: those of which the archive has another, or none
    any more, and the backup what was archived."""

    new: int = 0
    size: int = 0
    there: int = 0
    kept: list[str] = field(default_factory=list)


async def copy_out(
    store: Store, folder: Path, known: Mapping[str, Listed], say: Callable[[str], object]
) -> tuple[dict[str, Listed], Copied]:
    """Every file of `store` into `folder`; those that `known` lists and that lie there in full length are not read.

    A file that is deleted meanwhile is left out. What was copied once is not overwritten by what became of it in the
    archive.
    """
    listed, done = {}, Copied()
    async for stat in store.list():
        target, before = folder / check_key(stat.key), known.get(stat.key)
        if before and _size(target) == before.size and (before.size == stat.size or not _replaced(stat.key)):
            listed[stat.key] = before
            done.there += 1
            if before.size != stat.size:
                done.kept.append(stat.key)
            continue
        try:
            listed[stat.key] = await _written(store.read(stat.key), target)
        except NotFound:
            continue
        done.new += 1
        done.size += listed[stat.key].size
        if done.new % SAY_EVERY == 0:
            say(f"已复制 {done.new} 份文件（{done.size / 1e6:.0f} MB）")
    return listed, done


def keep_lost(
    listed: dict[str, Listed], done: Copied, folder: Path, known: Mapping[str, Listed], wanted: Collection[str]
) -> None:
    """What the archive has lost of `wanted` and the backup holds from before is listed still: it comes back with a
    restore."""
    for key in sorted(known.keys() - listed.keys()):
        if key.removesuffix(SUFFIX) in wanted and _size(folder / check_key(key)) == known[key].size:
            listed[key] = known[key]
            done.there += 1
            done.kept.append(key)


def _replaced(key: str) -> bool:
    return key.startswith(REPLACED)


async def copy_back(
    folder: Path, listed: Mapping[str, Listed], store: Store, say: Callable[[str], object]
) -> list[str]:
    """Every listed file into `store`, which compares it with its digest -> what could not be brought back."""
    wrong = []
    for number, (key, one) in enumerate(sorted(listed.items()), 1):
        try:
            with (folder / check_key(key)).open("rb") as source:
                await store.put(key, source, one.digest)
        except FileNotFoundError:
            wrong.append(f"备份中缺少文件 {key}")
        except HotlineError as error:
            if error.status == 503:
                raise
            wrong.append(f"备份中的文件 {key}：{error.message}")
        if number % SAY_EVERY == 0:
            say(f"已恢复 {number} / {len(listed)} 份文件")
    return wrong


def check(folder: Path, listed: Mapping[str, Listed]) -> Iterator[str]:
    """Read every listed file -> what is missing or changed, in Chinese."""
    for key, one in sorted(listed.items()):
        path = folder / check_key(key)
        if not path.is_file():
            yield f"备份中缺少文件 {key}"
        elif digest_at(path) != one.digest:
            yield f"备份中的文件 {key} 已损坏"


def digest_at(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_list(path: Path, listed: Mapping[str, Listed]) -> None:
    """A line for each file: name, length, digest."""
    lines = (f"{key}\t{one.size}\t{one.digest}\n" for key, one in sorted(listed.items()))
    path.write_text("".join(lines), encoding="utf-8")


def read_list(path: Path) -> dict[str, Listed]:
    """What `write_list` wrote."""
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return {key: Listed(int(size), digest) for key, size, digest in rows}


def durable(path: Path) -> None:
    """A file or a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return -1


async def _written(blocks: AsyncIterator[bytes], target: Path) -> Listed:
    """Beside its place, whole, read back, then in its place."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft, found, size = target.with_name(target.name + ".part"), hashlib.sha256(), 0
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", BLOCK) as file:
        async for block in blocks:
            await asyncio.to_thread(file.write, block)
            found.update(block)
            size += len(block)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
    if await asyncio.to_thread(digest_at, draft) != found.hexdigest():
        raise OSError(f"{draft} is not what was written")
    draft.rename(target)
    await asyncio.to_thread(durable, target.parent)
    return Listed(size, found.hexdigest())
