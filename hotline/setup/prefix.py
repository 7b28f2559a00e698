"""Packages unpacked into a folder of their own, whose programs run with that folder's loader and libraries."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from core.errors import Unavailable
from hotline.setup.apt import AptError, PrivateApt
from hotline.setup.cache import Say, cache_dir, exclusive
from hotline.setup.sources import Distribution, main_archive, read_distribution, read_sources

LEFT_OUT = ("./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./usr/share/bug", "./usr/share/info")
"""What no running program reads."""


@dataclass(frozen=True)
class Closure:
    """Packages and those that they need, as a folder of the cache. For what only tests run: an installation does
    without."""

    name: str
    title: str
    """For persons."""
    packages: tuple[str, ...]
    needed: re.Pattern[str]
    """Which of the closure are unpacked: the rest serves maintainer scripts, which never run."""
    version: int = 1
    """Rises when the way it is built changes."""

    def find(self) -> Path | None:
        """The folder, where it is ready to use."""
        folder = cache_dir() / f"{self.name}-{self.version}"
        return folder if folder.is_dir() else None

    def ensure(
        self,
        suites: Callable[[Distribution], Iterable[tuple[str, ...]]],
        say: Say,
        finish: Callable[[Path, Path], None] = lambda tree, final: None,
    ) -> Path:
        """Find it or build it from the first of the distribution's `suites` that has it; `finish` completes a tree
        that will be moved to its final place. Raises `Unavailable("no-<name>")`."""
        with exclusive(self.name, say) as cache:
            if found := self.find():
                return found
            final = cache / f"{self.name}-{self.version}"
            with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as building:
                tree = Path(building) / "tree"
                packages = self._download(suites, Path(building), say)
                say(f"解开 {len(packages)} 个软件包……")
                unpack(packages, tree)
                finish(tree, final)
                tree.chmod(0o755)
                return tree.rename(final)

    def _download(
        self, suites: Callable[[Distribution], Iterable[tuple[str, ...]]], building: Path, say: Say
    ) -> list[Path]:
        distribution = read_distribution()
        archive = main_archive(read_sources(), distribution)
        if archive is None or shutil.which("apt-get") is None:
            raise Unavailable(f"no-{self.name}", f"本机没有可用的软件源，取不到{self.title}。")
        failure: AptError | None = None
        for names in suites(distribution):
            apt = PrivateApt(building / "apt" / names[0], archive.of_suites(*names))
            try:
                apt.update()
                closure = apt.closure(self.packages)
                wanted = {name: version for name, version in closure.items() if self.needed.match(name)}
                return apt.download(wanted, building / "packages", say)
            except AptError as error:
                failure = error
        why = failure or f"不认识的发行版 {distribution.id}"
        raise Unavailable(f"no-{self.name}", f"软件源里取不到{self.title}：{why}") from failure


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
