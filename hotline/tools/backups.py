"""`hotline backup` and `hotline restore`: where from and where to, and that nobody is at work in what is replaced."""

import errno
from pathlib import Path

from core.errors import Conflict, Invalid, Unavailable
from core.log import get
from hotline.backup import restore as restoring
from hotline.backup import take as taking
from hotline.backup.restore import Restored
from hotline.backup.take import Say, Taken
from hotline.ground import Ground
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.supervisor import only_one
from hotline.unfinished import require_whole
from recordings.store.port import FULL

log = get(__name__)
WHY = dict.fromkeys(FULL, "磁盘已写满") | {
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EROFS: "磁盘是只读的",
    errno.ENOENT: "上级目录不存在，或磁盘没有挂载",
    errno.ENOTDIR: "上级不是目录",
    errno.EIO: "磁盘读写出错",
}
"""What a disk said, in words."""


def places(settings: Settings, folder: Path | None, keys: Path | None) -> tuple[Path, Path]:
    """What was asked for, else what the settings say. Raises `Invalid("no-backup-place")`."""
    kept = settings.backup
    folder, keys = folder or kept.folder, keys or kept.keys
    if folder is None or keys is None:
        said = "请指明备份的目录和密钥备份的目录，或在 hotline.toml 的 [backup] 中设置 folder 和 keys。"
        raise Invalid("no-backup-place", said)
    return folder.expanduser(), keys.expanduser()


async def take(settings: Settings, folder: Path | None, keys: Path | None, say: Say) -> Taken:
    """Back everything up. Raises as `hotline.backup.take.take`, `Unavailable("backup-place")`."""
    runtime = Runtime(settings)
    require_whole(runtime.home)
    try:
        return await taking.take(runtime, *places(settings, folder, keys), say)
    except OSError as error:
        said = WHY.get(error.errno or 0, "请检查磁盘和目录的权限")
        where = error.filename or "备份所在的磁盘"
        raise Unavailable("backup-place", f"备份没有完成，半成品已清除：{where} 不能写入，{said}。") from error
    finally:
        await runtime.db.close()


async def check(settings: Settings, folder: Path | None, keys: Path | None, name: str) -> list[str]:
    """Read a backup as a whole -> what is wrong with it. Raises as `hotline.backup.sets.opened`."""
    return await taking.check(settings.recordings, *places(settings, folder, keys), name)


async def restore(
    settings: Settings,
    folder: Path | None,
    keys: Path | None,
    name: str,
    *,
    files_in_place: bool,
    without_masters: bool = False,
    say: Say,
) -> Restored:
    """Bring a backup back; the embedded database is stopped again, as after `hotline stop`.

    Raises `Conflict("already-running" | "line-running")` and as `hotline.backup.restore.restore`.
    """
    runtime, (source, of_keys) = Runtime(settings), places(settings, folder, keys)
    with only_one(runtime.home):
        if Ground(runtime).node.alive():
            raise Conflict("line-running", "Asterisk 还在运行。请先运行 .venv/bin/hotline stop 停止全部。")
        try:
            how = {"files_in_place": files_in_place, "without_masters": without_masters}
            return await restoring.restore(runtime, source, of_keys, name, **how, say=say)
        finally:
            await runtime.db.close()
            if runtime.postgres:
                runtime.postgres.stop()
