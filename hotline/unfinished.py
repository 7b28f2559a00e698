"""Work that changes everything and did not finish: until it has, nobody opens the instance."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import Conflict

RESTORE, REINDEX = "restore-unfinished", "reindex-unfinished"
"""Files in the instance's folder, from the first change to the last proof."""
_SAID = {
    RESTORE: "{home} 的恢复没有完成，数据不完整，不能启动。请重新运行 .venv/bin/hotline restore。",
    REINDEX: "{home} 的个人信息检索密钥没有更换完，不能启动。"
    "请运行 .venv/bin/hotline personal rotate-key --index --rewrite。",
}


def require_whole(home: Path) -> None:
    """Raises `Conflict("restore-unfinished" | "reindex-unfinished")`."""
    for mark, said in _SAID.items():
        if (home / mark).exists():
            raise Conflict(mark, said.format(home=home))


@contextmanager
def unfinished(home: Path, mark: str) -> Iterator[None]:
    """The mark stands until the block ends well."""
    (home / mark).touch(mode=0o600)
    yield
    (home / mark).unlink()
