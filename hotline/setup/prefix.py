"""Packages unpacked into a folder of their own, whose programs run with that folder's loader and libraries."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.errors import Unavailable

LEFT_OUT = ("./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./usr/share/bug", "./usr/share/info")
"""What no running program reads."""


def unpack(packages: list[Path], tree: Path) -> None:
    """Their files in `tree`, which is new. Raises `Unavailable("bad-package")`."""
    for name in ("lib", "bin", "sbin", "lib64"):  # merged /usr, as on every distribution that we read from
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    skip = [f"--exclude={path}" for path in LEFT_OUT]

    def one(package: Path) -> None:
        reader = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
        subprocess.run(
            ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", *skip, "-C", tree],
            stdin=reader.stdout, check=True,
        )  # fmt: skip
        if reader.wait() != 0:
            package.unlink()
            raise Unavailable("bad-package", f"软件包 {package.name} 已损坏，已删除，请重新运行")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, packages))


def libraries_of(tree: Path) -> Path:
    """The folder of its C library, and so of all others."""
    return next((tree / "usr/lib").glob("*/libc.so.6")).parent
