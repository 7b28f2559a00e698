"""`hotline archive …`: seals on paper, proofs, the check of everything, a new master key."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from core.actor import SYSTEM
from core.clock import midnight
from core.errors import Conflict, Invalid, NotFound
from core.ledger import record
from core.locks import try_hold
from hotline.runtime import Runtime
from hotline.settings import Settings
from recordings.archived import Archived, catalogues
from recordings.disposal.erase import Shredder
from recordings.disposal.replay import Replayed, replay_disposals
from recordings.models import Recording
from recordings.proof import prove as proofs
from recordings.proof.check import check_object, check_seal, in_turn
from recordings.proof.models import ArchiveSeal
from recordings.proof.queries import held
from recordings.proof.seal import DAY, seal_of
from recordings.proof.signing import Signer
from recordings.proof.statement import chinese_day, printed
from recordings.store.choose import masters_of, open_store
from recordings.store.datakeys import TableKeys
from recordings.store.replicated import ReplicatedStore
from recordings.store.rotate import Rotated, rotate

PAGE = 200
Say = Callable[[str], object]


@asynccontextmanager
async def instance(settings: Settings) -> AsyncIterator[Runtime]:
    """This instance, without its county: the archive needs none of it."""
    runtime = Runtime(settings)
    try:
        yield runtime
    finally:
        await runtime.db.close()


def day_of(text: str) -> date:
    """`2026-11-29`. Raises `Invalid("bad-day")`."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid("bad-day", f"无法识别日期“{text}”。请按 2026-11-29 的样式填写。") from error


def object_of(text: str) -> UUID:
    """The id of a recording or an attachment. Raises `Invalid("bad-recording-id")`."""
    try:
        return UUID(text.strip())
    except ValueError as error:
        raise Invalid("bad-recording-id", f"“{text}”不是录音或附件的编号；编号在其页面或链接的地址中。") from error


async def rotate_key(settings: Settings, *, make: bool, say: Say) -> Rotated:
    """A new master key, and every data key wrapped by it. Raises `Conflict("rotating")` while another does."""
    async with instance(settings) as runtime:
        masters = masters_of(settings.recordings, runtime.secrets)
        async with try_hold(runtime.db, "archive-rotate") as held:
            if held is None:
                raise Conflict("rotating", "另一个命令正在更换主密钥。")
            done = await rotate(
                TableKeys(runtime.db), masters, make=make, told=lambda count: say(f"已重新包裹 {count} 个数据密钥")
            )
        async with runtime.db.session() as session:
            wrapped, refused = done.rewrapped, len(done.refused)
            about = ("archive.rotate-key", "archive", done.master_id)
            await record(session, SYSTEM, *about, rewrapped=wrapped, refused=refused)
        return done


async def print_seal(settings: Settings, day: date) -> str:
    """A day's seal as it is printed. Raises `NotFound("not-sealed")`."""
    async with instance(settings) as runtime, runtime.db.session() as session:
        seal = await seal_of(session, day)
        said = f"{chinese_day(day)}，{await held(session, day)}"
        return f"# 12345热线归档封存单 {said}\n{printed(seal)}"


async def prove(settings: Settings, object_id: UUID) -> dict[str, Any]:
    """The proof of a recording or an attachment. Raises as `recordings.proof.prove`."""
    async with instance(settings) as runtime, runtime.db.session() as session:
        row = await proofs.find(session, object_id)
        await record(session, SYSTEM, "archive.prove", row.what, row.id)
        return await proofs.prove(session, row)


async def replay(settings: Settings, say: Say) -> Replayed:
    """Destroy again what the archive's certificates name: after a restore, before the service opens."""
    async with instance(settings) as runtime:
        store = open_store(settings.recordings, runtime.home, runtime.db, runtime.secrets)
        return await replay_disposals(runtime.db, Shredder(store, Signer(runtime.secrets)), say)


@dataclass
class Checked:
    """What one check read, and found; `unread`: rows without a file, whose sound never was or lawfully ended."""

    objects: Counter[str] = field(default_factory=Counter)
    """How many, by what they are called."""
    unread: int = 0
    size: int = 0
    seals: int = 0
    findings: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)

    @property
    def read(self) -> str:
        """`录音 12 份、附件 3 份`."""
        some = {called: count for called, count in self.objects.items() if count} or {Recording.called: 0}
        return "、".join(f"{called} {count} 份" for called, count in some.items())


async def verify(settings: Settings, object_id: UUID | None, day: date | None, say: Say) -> Checked:
    """Read everything, or one object, or what was archived on one day and its seal.

    Raises `NotFound("recording-unknown")`.
    """
    async with instance(settings) as runtime:
        store = open_store(settings.recordings, runtime.home, runtime.db, runtime.secrets)
        checked = Checked()
        for table in catalogues():
            await _verify(runtime, store, _wanted(table, object_id, day), table, checked, say)
        if object_id and not checked.objects.total() + checked.unread:
            raise NotFound("recording-unknown", "没有这份录音或附件。")
        known = Signer(runtime.secrets).known()
        for sealed in [] if object_id else await _days(runtime, day):
            checked.seals += 1
            checked.findings += await check_seal(runtime.db, sealed, known)
        return checked


async def _verify(
    runtime: Runtime, store: ReplicatedStore, wanted: Select[Any], table: type[Archived], checked: Checked, say: Say
) -> None:
    after: UUID | None = None
    while rows := await _page(runtime, wanted if after is None else wanted.where(table.id > after)):
        files = [row for row in rows if row.digest and not row.destroyed_at]
        for some in in_turn(files):
            said = await asyncio.gather(*(check_object(runtime.db, store, row) for row in some))
            for row, found in zip(some, said, strict=True):
                line = f"{row.called} {row.id}（{row.store_key}）：{found.finding}"
                if found.mended_from:
                    checked.mended.append(f"{line}；已由副本 {found.mended_from} 修复")
                elif found.finding:
                    checked.findings.append(line)
        checked.objects[table.called] += len(files)
        checked.unread += len(rows) - len(files)
        checked.size += sum(row.size for row in files)
        after = rows[-1].id
        say(f"已核验{checked.read}")


def _wanted(table: type[Archived], object_id: UUID | None, day: date | None) -> Select[Any]:
    wanted = select(table).order_by(table.id).limit(PAGE)
    if object_id:
        wanted = wanted.where(table.id == object_id)
    if day:
        wanted = wanted.where(table.came() >= midnight(day), table.came() < midnight(day + DAY))
    return wanted


async def _page(runtime: Runtime, wanted: Select[Any]) -> list[Archived]:
    async with runtime.db.session() as session:
        return list(await session.scalars(wanted))


async def _days(runtime: Runtime, day: date | None) -> list[date]:
    wanted = select(ArchiveSeal.day).order_by(ArchiveSeal.day)
    async with runtime.db.session() as session:
        return list(await session.scalars(wanted.where(ArchiveSeal.day == day) if day else wanted))


def as_text(checked: Checked) -> list[str]:
    """The summary, and a line for each finding."""
    if not checked.objects.total() + checked.unread + checked.seals:
        return ["没有可以核验的录音、附件和封存。"]
    unread = f"，另有 {checked.unread} 份没有录到声音或已依法销毁" if checked.unread else ""
    head = f"核验{checked.read}（{checked.size / 1e6:.1f} MB）{unread}，封存 {checked.seals} 天："
    if checked.mended:
        head += f"修复 {len(checked.mended)} 份，"
    if not checked.findings:
        return [f"{head}未发现{'其他' if checked.mended else ''}问题。", *checked.mended]
    return [f"{head}发现 {len(checked.findings)} 处问题。", *checked.mended, *checked.findings]
