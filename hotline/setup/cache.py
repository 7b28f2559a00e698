"""The folder outside every clone that keeps what is costly to fetch or build, shared by all clones."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Say = Callable[[str], None]
"""Takes one Chinese line for the person who watches the set-up."""


def silent(_line: str) -> None:
    """A `Say` for callers whose reader wants the result only."""


def cache_dir() -> Path:
    """`HOTLINE_CACHE`, else `hotline/` in the user's cache (XDG Base Directory)."""
    if named := os.environ.get("HOTLINE_CACHE"):
        path = Path(named).expanduser()
    else:
        path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hotline"
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


@contextmanager
def exclusive(name: str, say: Say = silent) -> Iterator[Path]:
    """Hold `<cache>/<name>.lock`; yields the cache folder. The kernel frees it when the holder dies."""
    folder = cache_dir()
    with (folder / f"{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("另一个安装正在进行，等它结束……")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
