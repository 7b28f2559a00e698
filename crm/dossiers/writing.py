"""Writing a package out: every entry that may go is read once, digested on its way and compared with its manifest."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.errors import Conflict, NotFound
from crm.dossiers.canonical import canonical
from crm.dossiers.keeper import DossierKeeper
from crm.dossiers.manifest import Entry, Manifest, Signed, export_statement, folder, instant, newest
from crm.dossiers.page import page
from crm.dossiers.targets import Target
from recordings.store.digests import Digesting

JSON = "application/json"
Told = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Taken:
    """An export as it stands on itself."""

    number: str
    at: datetime
    by: str
    reason: str
    identity: bool
    sound: bool


@dataclass(frozen=True)
class Package:
    """What is to be written: the parts with their signatures, where the entries lie, what stays behind and why, proofs
    of its recordings and attachments, and what tells of lawfully destroyed ones."""

    parts: Sequence[tuple[Manifest, Signed]]
    keys: Mapping[str, str]
    withheld: Mapping[str, str]
    proofs: Mapping[str, bytes] = field(default_factory=dict)
    destroyed: Mapping[str, str] = field(default_factory=dict)

    def going(self) -> list[tuple[str, Entry]]:
        """Path in the package -> entry, of what goes along."""
        every = ((f"{folder(part.part)}/{one.path}", one) for part, _ in self.parts for one in part.entries)
        return [(path, one) for path, one in every if path not in self.withheld]

    @property
    def size(self) -> int:
        """Bytes that are to be read."""
        return sum(one.size for _, one in self.going())


async def write(keeper: DossierKeeper, package: Package, taken: Taken, target: Target, told: Told) -> None:
    """All of it; `told` hears how many bytes were read. Raises Conflict("package-damaged") naming the entry that is no
    longer what its manifest says, Unavailable."""
    documents: dict[str, bytes] = {}
    present = newest(part for part, _ in package.parts)
    done = 0
    for part, signed in package.parts:
        await _whole(target, f"{folder(part.part)}/manifest.json", part.canonical())
        await _whole(target, f"{folder(part.part)}/manifest.sig", signed.printed)
    for path, entry in package.going():
        keep = entry.media_type == JSON and present[entry.path][1] is entry
        data = await _entry(keeper, package.keys[path], path, entry, target, keep)
        if data is not None:
            documents[entry.path] = data
        done += entry.size
        await told(done)
    manifests = [part for part, _ in package.parts]
    about: dict[str, Any] = {"number": taken.number, "at": instant(taken.at), "by": taken.by, "reason": taken.reason}
    about |= {"identity": taken.identity, "sound": taken.sound, "title": keeper.title}
    index = page(manifests, documents, package.withheld, about, package.destroyed).encode()
    beside = {"index.html": index, **{f"proofs/{name}.json": data for name, data in package.proofs.items()}}
    for path, data in beside.items():
        await _whole(target, path, data)
    await _statement(keeper, package, about, beside, target)


async def _statement(
    keeper: DossierKeeper, package: Package, about: dict[str, Any], beside: Mapping[str, bytes], target: Target
) -> None:
    """`export.json`: what this copy holds and what stayed behind, signed, so that nothing can be dropped from it."""
    first = package.parts[0][0]
    value = {
        "format": "hotline-archive-export-1",
        "package": first.package,
        "export": about,
        "parts": [_digests(one.canonical()).sha256 for one, _ in package.parts],
        "beside": [{"path": path, "size": len(data), **vars(_digests(data))} for path, data in sorted(beside.items())],
        "withheld": [{"path": path, "why": why} for path, why in sorted(package.withheld.items())],
        "destroyed": [{"path": path, "said": said} for path, said in sorted(package.destroyed.items())],
    }
    data, key = canonical(value), keeper.signer.public_key()
    digests = _digests(data)
    text = export_statement(first.package, about["number"], digests.sha256, digests.sm3, key)
    await _whole(target, "export.json", data)
    await _whole(target, "export.sig", Signed(text, key, keeper.signer.sign(text)).printed)
    await asyncio.to_thread(target.close)


async def _entry(keeper: DossierKeeper, key: str, path: str, entry: Entry, target: Target, keep: bool) -> bytes | None:
    """One entry, streamed -> its bytes where the page needs them."""
    given, kept = Digesting(), io.BytesIO() if keep else None
    file = await asyncio.to_thread(target.open, path)
    try:
        async for block in _read(keeper, key, entry):
            given.update(block)
            await asyncio.to_thread(file.write, block)
            if kept:
                kept.write(block)
    finally:
        await asyncio.to_thread(file.close)
    digests = given.done()
    if (given.size, digests.sha256, digests.sm3) != (entry.size, entry.sha256, entry.sm3):
        raise damaged(entry)
    return kept.getvalue() if kept else None


async def _read(keeper: DossierKeeper, key: str, entry: Entry) -> AsyncIterator[bytes]:
    try:
        async for block in keeper.store.read(key):
            yield block
    except NotFound:
        raise damaged(entry) from None


def damaged(entry: Entry) -> Conflict:
    """An entry is not what it was when it was closed."""
    return Conflict("package-damaged", f"“{entry.title}”（{entry.path}）与卷内目录不符或已丢失，不能导出。请先核验。")


async def _whole(target: Target, path: str, data: bytes) -> None:
    def write_it() -> None:
        with target.open(path) as file:
            file.write(data)

    await asyncio.to_thread(write_it)


def _digests(data: bytes) -> Any:
    given = Digesting()
    given.update(data)
    return given.done()
