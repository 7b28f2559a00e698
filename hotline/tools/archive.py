"""`hotline archive …`: seals on paper, proofs, the check of everything, a new master key."""

import asyncio
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
from recordings.models import Recording
from recordings.proof import prove as proofs
from recordings.proof.check import check_recording, check_seal, in_turn
from recordings.proof.models import ArchiveSeal
from recordings.proof.seal import DAY, seal_of
from recordings.proof.signing import Signer
from recordings.proof.statement import chinese_day, printed
from recordings.store.choose import masters_of, open_store
from recordings.store.datakeys import TableKeys
from recordings.store.rotate import Rotated, rotate

PAGE = 200
Say = Callable[[str], object]


@asynccontextmanager
async def _instance(settings: Settings) -> AsyncIterator[Runtime]:
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


def recording_of(text: str) -> UUID:
    """A recording's id. Raises `Invalid("bad-recording-id")`."""
    try:
        return UUID(text.strip())
    except ValueError as error:
        raise Invalid("bad-recording-id", f"“{text}”不是录音编号；编号在录音页面的地址中。") from error


async def rotate_key(settings: Settings, *, make: bool, say: Say) -> Rotated:
    """A new master key, and every data key wrapped by it. Raises `Conflict("rotating")` while another does."""
    async with _instance(settings) as runtime:
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
    async with _instance(settings) as runtime, runtime.db.session() as session:
        seal = await seal_of(session, day)
        return f"# 12345热线录音归档封存单 {chinese_day(day)}，共 {seal.count} 份录音\n{printed(seal)}"


async def prove(settings: Settings, recording: UUID) -> dict[str, Any]:
    """A recording's proof. Raises as `recordings.proof.prove.prove`."""
    async with _instance(settings) as runtime, runtime.db.session() as session:
        await record(session, SYSTEM, "archive.prove", "recording", recording)
        return await proofs.prove(session, recording)


@dataclass
class Checked:
    """What one check read, and found."""

    recordings: int = 0
    size: int = 0
    seals: int = 0
    findings: list[str] = field(default_factory=list)


async def verify(settings: Settings, recording: UUID | None, day: date | None, say: Say) -> Checked:
    """Read everything, or one recording, or what was catalogued on one day and its seal.

    Raises `NotFound("recording-unknown")`.
    """
    async with _instance(settings) as runtime:
        store = open_store(settings.recordings, runtime.home, runtime.db, runtime.secrets)
        checked, after = Checked(), None
        while rows := await _page(runtime, _wanted(recording, day), after):
            for some in in_turn([row for row in rows if row.digest]):
                said = await asyncio.gather(*(check_recording(runtime.db, store, row) for row in some))
                pairs = zip(some, said, strict=True)
                checked.findings += [f"录音 {row.id}（{row.store_key}）：{found}" for row, found in pairs if found]
            checked.recordings += len(rows)
            checked.size += sum(row.size for row in rows)
            after = rows[-1].id
            say(f"已核验 {checked.recordings} 份录音")
        if recording and not checked.recordings:
            raise NotFound("recording-unknown", "没有这份录音。")
        known = Signer(runtime.secrets).known()
        for sealed in [] if recording else await _days(runtime, day):
            checked.seals += 1
            checked.findings += await check_seal(runtime.db, sealed, known)
        return checked


def _wanted(recording: UUID | None, day: date | None) -> Select[Recording]:
    wanted = select(Recording).order_by(Recording.id).limit(PAGE)
    if recording:
        wanted = wanted.where(Recording.id == recording)
    if day:
        wanted = wanted.where(Recording.catalogued_at >= midnight(day), Recording.catalogued_at < midnight(day + DAY))
    return wanted


async def _page(runtime: Runtime, wanted: Select[Recording], after: UUID | None) -> list[Recording]:
    async with runtime.db.session() as session:
        return list(await session.scalars(wanted if after is None else wanted.where(Recording.id > after)))


async def _days(runtime: Runtime, day: date | None) -> list[date]:
    wanted = select(ArchiveSeal.day).order_by(ArchiveSeal.day)
    async with runtime.db.session() as session:
        return list(await session.scalars(wanted.where(ArchiveSeal.day == day) if day else wanted))


def as_text(checked: Checked) -> list[str]:
    """The summary, and a line for each finding."""
    head = f"核验录音 {checked.recordings} 份（{checked.size / 1e6:.1f} MB），封存 {checked.seals} 天："
    if not checked.findings:
        return [f"{head}未发现问题。"]
    return [f"{head}发现 {len(checked.findings)} 处问题。", *checked.findings]
