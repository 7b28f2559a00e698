"""`hotline backup`: database, then files, then keys, while calls go on.

In this order each part holds all that the one before it names: a file is there before its row, and its key before the
file. What comes meanwhile lies in the copy without a row, and harms nothing.
"""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from core.actor import SYSTEM
from core.clock import now
from core.errors import Conflict, Invalid, Unavailable
from core.ledger import record
from core.locks import try_hold
from core.secrets import Secrets
from crm.operations.service import report_backup
from hotline.backup import files, inventory, programs, sets
from hotline.backup.files import Copied
from hotline.backup.sets import Manifest
from hotline.runtime import Runtime
from recordings.archived import catalogues
from recordings.proof.check import standing
from recordings.settings import RecordingSettings
from recordings.store.choose import masters_of, open_store
from recordings.store.port import Store

PRIVATE = (sets.SECRETS, sets.TLS)
"""Folders of the instance that lie with the keys."""
SHOWN = 5
Say = Callable[[str], object]


@dataclass(frozen=True)
class Taken:
    """What was copied where."""

    name: str
    at: datetime
    rows: int
    database_size: int
    files: Copied
    removed: tuple[str, ...]
    devices: tuple[str, ...] = ()
    """Tokens that hold master keys, of which there is no copy."""
    wrong: int = 0
    """Recordings and files that the check found other than they were."""

    def __str__(self) -> str:
        copied = f"其中新复制 {self.files.new} 份（{self.files.size / 1e6:.1f} MB）"
        said = (
            f"备份 {self.name} 已完成：数据 {self.rows} 行（{self.database_size / 1e6:.1f} MB），"
            f"录音和附件 {self.files.new + self.files.there} 份，{copied}。"
        )
        for one in self.devices:
            said += f"\n密码设备“{one}”中的主密钥不在备份里，没有它备份中的录音打不开：请按设备厂家的办法另行备份。"
        if self.wrong:
            said += f"\n注意：核验发现 {self.wrong} 份录音或附件有问题，新复制的可能也是这样，"
            said += "请运行 hotline archive verify 查清。"
        if self.files.kept:
            kept = sorted(self.files.kept)
            more = f"等 {len(kept)} 份" if len(kept) > SHOWN else ""
            said += (
                f"\n注意：归档中丢失或与备份不同，备份保留原来的：{'、'.join(kept[:SHOWN])}{more}。请取回后再次核验。"
            )
        return said


async def take(runtime: Runtime, folder: Path, keys: Path, say: Say) -> Taken:
    """A whole backup into `folder`, its keys into `keys`; both sets are checked before they count.

    Raises `Invalid("same-place" | "inside-archive")`, `Conflict("backup-running")`, `Unavailable` without the database
    or a disk.
    """
    apart(folder, keys)
    beside(runtime, folder, keys)
    async with try_hold(runtime.db, "backup") as held:
        if held is None:
            raise Conflict("backup-running", "另一个备份正在进行。")
        at = now()
        name = sets.free_name(at, folder / "sets", keys)
        for place in (folder / "sets", folder / "files", keys):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft, keys_draft = sets.draft(folder / "sets", name), sets.draft(keys, name)
        try:
            copied, rows = await _copy(runtime, folder, draft, keys_draft, at, say)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            shutil.rmtree(keys_draft, ignore_errors=True)
            raise
        made = folder / "sets" / name
        await asyncio.to_thread(sets.opened, made)
        await asyncio.to_thread(sets.opened, keys / name)
        kept = runtime.settings.backup
        removed = sets.prune(folder / "sets", at, kept.keep_days)
        sets.prune(keys, at, kept.keep_keys_days)
        recordings = runtime.settings.recordings
        devices = tuple(one.token for one in (recordings.pkcs11, recordings.pkcs11_former) if one)
        size = (made / sets.DATABASE).stat().st_size
        async with runtime.db.session() as session:
            wrong = (await standing(session)).wrong_count
            taken = Taken(name, at, rows, size, copied, tuple(removed), devices, wrong)
            await report_backup(session, at, str(folder)[-150:])
            about = ("system.backup", "backup", name)
            await record(session, SYSTEM, *about, rows=rows, files=copied.new + copied.there, removed=len(removed))
        return taken


async def _copy(
    runtime: Runtime, folder: Path, draft: Path, keys_draft: Path, at: datetime, say: Say
) -> tuple[Copied, int]:
    dsn = runtime.db.dsn
    say("正在备份数据库")
    async with inventory.moment(dsn) as moment:
        await programs.dump(dsn, draft / sets.DATABASE, moment.id)
    say("正在复制录音和附件")
    store = await as_they_lie(runtime)
    last = sets.sets(folder / "sets")
    known = files.read_list(last[-1] / files.LIST) if last else {}
    listed, copied = await files.copy_out(store, folder / "files", known, say)
    async with runtime.db.session() as session:
        alive = set[str]()
        for table in catalogues():
            stored = select(table.store_key).where(table.digest != "", table.destroyed_at.is_(None))
            alive |= set(await session.scalars(stored))
    files.keep_lost(listed, copied, folder / "files", known, alive)
    files.write_list(draft / files.LIST, listed)
    say("正在备份密钥")
    async with inventory.moment(dsn, keys_only=True) as of_keys:
        await programs.dump_keys(dsn, keys_draft / sets.KEYS_DUMP, of_keys.id)
    for folder_of in filter(lambda name: (runtime.home / name).is_dir(), PRIVATE):
        sets.copy_private(runtime.home / folder_of, keys_draft / folder_of)
    if (runtime.home / sets.SETTINGS).is_file():
        sets.copy_private_file(runtime.home / sets.SETTINGS, keys_draft / sets.SETTINGS)
    sets.finish(keys_draft, at, of_keys.revision, of_keys.tables, of_keys.masters)
    sets.finish(draft, at, moment.revision, moment.tables)
    return copied, sum(held.rows for held in moment.tables.values())


async def as_they_lie(runtime: Runtime) -> Store:
    """The primary store's files, encrypted: for whoever copies them and must not read them."""
    store = open_store(runtime.settings.recordings, runtime.home, runtime.db, runtime.secrets)
    name, _ = await store.primary()
    return store.within(name)


def apart(folder: Path, keys: Path) -> None:
    """Raises `Invalid("same-place")` where the keys would lie with what they open."""
    one, other = folder.resolve(), keys.resolve()
    if one == other or one.is_relative_to(other) or other.is_relative_to(one):
        raise Invalid("same-place", "密钥的备份不能与数据放在同一处：拿到备份盘的人不应能读出录音和个人信息。")


def beside(runtime: Runtime, *places: Path) -> None:
    """Raises `Invalid("inside-archive")` where a backup would lie in what it copies, and grow with each."""
    settings = runtime.settings.recordings
    copied = [settings.archive or runtime.home / "archive"]
    copied += [one.folder for one in settings.replicas.values() if one.folder]
    for place in places:
        if any(place.resolve().is_relative_to(one.resolve()) for one in copied):
            raise Invalid("inside-archive", f"备份不能放在归档目录里面：{place}。请换一块磁盘。")


async def check(settings: RecordingSettings, folder: Path, keys: Path, name: str) -> list[str]:
    """Read a set, all files that it lists and the newest keys -> what is wrong with them, or absent in a device."""
    chosen, keys_set = sets.chosen(folder, name), sets.newest(keys, "密钥")
    await asyncio.to_thread(sets.opened, chosen)
    of_keys = await asyncio.to_thread(sets.opened, keys_set)
    listed = files.read_list(chosen / files.LIST)
    wrong = await asyncio.to_thread(lambda: list(files.check(folder / "files", listed)))
    try:
        return wrong + [f"缺少主密钥 {one}" for one in await absent_masters(settings, keys_set, of_keys)]
    except Unavailable as error:
        return [*wrong, error.message]


async def absent_masters(settings: RecordingSettings, keys_set: Path, of_keys: Manifest) -> list[str]:
    """Which master keys of a set are neither in it nor in the devices of the settings. Raises `Unavailable`."""
    known = await masters_of(settings, Secrets(keys_set / sets.SECRETS)).known()
    return sorted(set(of_keys.masters) - known)
