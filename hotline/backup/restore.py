"""`hotline restore`: an instance as a backup holds it, on a fresh machine or in the place of a wreck, and the proof.

Nothing is deleted: what lies in the way is set aside. Until everything is back and compared nobody opens the instance.
"""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core import personal
from core.actor import SYSTEM
from core.clock import now
from core.db import Database, libpq_url
from core.errors import Conflict, Invalid, Unavailable
from core.ledger import record
from core.ledger import service as ledger
from core.personal_keys import SecretKeys
from crm.sms.service import doubt_unsent
from hotline.backup import files, inventory, programs, sets
from hotline.backup.files import Listed
from hotline.backup.inventory import Held
from hotline.backup.sets import Manifest
from hotline.backup.take import PRIVATE, absent_masters, apart, as_they_lie
from hotline.runtime import Runtime
from hotline.schema import known
from hotline.tools import archive
from hotline.unfinished import RESTORE
from recordings.models import Recording
from recordings.store.vault import PLAIN

Say = Callable[[str], object]


@dataclass
class Restored:
    """What is back, where the former state lies, and what was found wrong in it."""

    name: str
    keys: str
    aside: Path | None = None
    rows: int = 0
    files: int = 0
    recordings: int = 0
    read: str = ""
    seals: int = 0
    doubted: int = 0
    destroyed: int = 0
    findings: list[str] = field(default_factory=list)

    def as_text(self) -> list[str]:
        """The summary, and a line for each finding."""
        said = [
            f"已按备份 {self.name}（密钥 {self.keys}）恢复：",
            f"数据 {self.rows} 行、录音和附件 {self.files} 份，与备份逐项相同。",
            f"核验{self.read}、封存 {self.seals} 天和审计日志链："
            + (f"发现 {len(self.findings)} 处问题。" if self.findings else "未发现问题。"),
            *self.findings,
        ]
        if self.destroyed:
            said.append(f"备份以后已依法销毁的录音、附件 {self.destroyed} 份已按销毁证书再次销毁。")
        if self.doubted:
            said.append(
                f"备份时尚未发出的短信 {self.doubted} 条已改为“结果不明”，请在 短信记录 中逐条核对，不会自动重发。"
            )
        if self.aside:
            said.append(f"恢复前的数据保留在 {self.aside}，确认无误后由您删除。")
        return said


async def restore(
    runtime: Runtime, folder: Path, keys: Path, name: str, *, files_in_place: bool, without_masters: bool, say: Say
) -> Restored:
    """The set `name`, or the newest, with the newest keys; with `files_in_place` the archive is where it was; with
    `without_masters` master keys may be absent, and no recording is read.

    Raises `NotFound("no-backup")`, `Invalid("backup-damaged" | "backup-unknown" | "backup-newer")`,
    `Conflict("database-not-empty")`, `Unavailable("master-keys-absent")`, `Unavailable("restore-differs")`; nothing was
    changed before the last.
    """
    apart(folder, keys)
    chosen = sets.chosen(folder, name)
    keys_set = sets.newest(keys, "密钥")
    say(f"正在检查备份 {chosen.name}")
    manifest = await asyncio.to_thread(sets.opened, chosen)
    of_keys = await asyncio.to_thread(sets.opened, keys_set)
    listed = _with_later_disposals(folder, files.read_list(chosen / files.LIST))
    if not known(manifest.revision):
        raise Invalid("backup-newer", "备份来自更新的版本，请先把本系统升级到备份时的版本。")
    if runtime.postgres is None and not await inventory.is_empty(libpq_url(runtime.owner_url)):
        said = "数据库中已有数据。请让数据库管理员新建一个空的数据库，再恢复到其中；现有数据不会被覆盖。"
        raise Conflict("database-not-empty", said)
    if not without_masters:
        await _need_masters(runtime, keys_set, of_keys)
    done = Restored(chosen.name, keys_set.name)
    done.aside = await asyncio.to_thread(_make_room, runtime)
    for name_of in filter(lambda one: (keys_set / one).is_dir(), PRIVATE):
        sets.copy_private(keys_set / name_of, runtime.home / name_of)
    personal.use_keys(SecretKeys(runtime.secrets))
    if runtime.postgres:
        await asyncio.to_thread(runtime.postgres.start)
    say("正在恢复数据库")
    dsn = libpq_url(runtime.owner_url)
    await programs.load(dsn, chosen / sets.DATABASE)
    await programs.load_keys(dsn, keys_set / sets.KEYS_DUMP)
    _same(manifest.tables, await inventory.held(dsn))
    _same(of_keys.tables, await inventory.held(dsn, keys_only=True))
    await asyncio.to_thread(runtime.migrate)
    done.rows = sum(held.rows for held in manifest.tables.values())
    if not files_in_place:
        say("正在恢复录音和附件")
        store = await as_they_lie(runtime)
        done.findings += await files.copy_back(folder / "files", listed, store, say)
    done.files = len(listed)
    await _prove(runtime, done, say, unread=without_masters)
    (runtime.home / RESTORE).unlink()
    return done


async def _need_masters(runtime: Runtime, keys_set: Path, of_keys: Manifest) -> None:
    """A device's keys are in no backup: whether the one at hand holds them is asked before anything is changed."""
    try:
        absent = await absent_masters(runtime.settings.recordings, keys_set, of_keys)
        why = f"缺少主密钥 {'、'.join(absent)}。" if absent else ""
    except Unavailable as error:
        why = error.message
    if why:
        said = (
            f"{why}没有主密钥，恢复后的录音打不开。请接好保存主密钥的密码设备，核对设置 recordings.pkcs11 和 PIN；"
            "设备确已毁坏或暂时没有的，加 --without-master-keys 恢复其余内容。现有的数据没有改变。"
        )
        raise Unavailable("master-keys-absent", said)


def _make_room(runtime: Runtime) -> Path | None:
    """Set the database and the secrets aside; what an unfinished restore left is its own and goes.

    The archive stays where it is: a file that is right is left alone, and one that is not is replaced.
    """
    home, postgres = runtime.home, runtime.postgres
    if postgres:
        postgres.stop()
    unfinished, aside = (home / RESTORE).exists(), home / f"before-restore-{sets.name_of(now())}"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / RESTORE).touch(mode=0o600)
    files.durable(home)
    for path in filter(Path.exists, [*(home / one for one in PRIVATE), *([home / "postgres"] if postgres else [])]):
        if unfinished:
            shutil.rmtree(path)
        else:
            aside.mkdir(mode=0o700, exist_ok=True)
            path.rename(aside / path.name)
    return aside if aside.exists() else None


def _same(wanted: Mapping[str, Held], found: Mapping[str, Held]) -> None:
    said = inventory.differences(wanted, found)
    if said:
        raise Unavailable("restore-differs", f"恢复后的数据与备份不同，请检查磁盘后重新恢复：{'；'.join(said)}")


def _with_later_disposals(folder: Path, listed: dict[str, Listed]) -> dict[str, Listed]:
    """What was lawfully destroyed after the set was made is in later sets' papers, and is not to come back."""
    last = files.read_list(sets.newest(folder / "sets", "") / files.LIST)
    return listed | {key: one for key, one in last.items() if key.startswith(PLAIN)}


async def _prove(runtime: Runtime, done: Restored, say: Say, *, unread: bool) -> None:
    """What was lawfully destroyed goes again; every object is read, every seal and the ledger's chain compared; what
    may have been sent is not sent again."""
    replayed = await archive.replay(runtime.settings, say)
    done.destroyed = replayed.again
    done.findings += replayed.refused
    if unread:
        done.findings.append("没有核验录音、附件和封存：主密钥到位后请运行 hotline archive verify")
    else:
        checked = await archive.verify(runtime.settings, None, None, say)
        done.recordings = checked.objects[Recording.called]
        done.read, done.seals = checked.read, checked.seals
        done.findings += checked.findings
    db = Database(runtime.db.url)
    try:
        async with db.session() as session:
            broken = await ledger.verify(session)
            if broken is not None:
                done.findings.append(f"审计日志的链在第 {broken} 条断开")
            done.doubted = await doubt_unsent(session)
            about = ("system.restore", "backup", done.name)
            await record(session, SYSTEM, *about, keys=done.keys, rows=done.rows, findings=len(done.findings))
    finally:
        await db.close()
