"""Ceph's object gateway for the tests of the archive in S3, in a folder of the cache, as Asterisk is (`asterisk.py`).

Of the S3 servers that can be had without a container it alone does everything as S3 does: signatures, conditional
writes, versions, object lock. Debian 12's own, 16.2, answers conditional writes wrongly.
"""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.errors import Unavailable
from hotline.setup.apt import AptError, PrivateApt
from hotline.setup.asterisk import suites
from hotline.setup.cache import Say, cache_dir, exclusive, silent
from hotline.setup.prefix import libraries_of, unpack
from hotline.setup.sources import main_archive, read_distribution, read_sources

FOLDER = "radosgw-1"
"""In the cache; the number rises when the way it is built changes."""
PACKAGES = ("radosgw", "ceph-mon", "ceph-osd")
NEEDED = re.compile(r"ceph-(mon|osd|base|common)|radosgw|zlib1g|lib(?!binutils|c-bin|c-gconv|glib|gprofng|pam|python)")
"""What its programs are linked with; the rest of the closure serves maintainer scripts, which never run."""


@dataclass(frozen=True)
class Radosgw:
    """An unpacked Ceph."""

    root: Path

    @property
    def libraries(self) -> Path:
        """Where its libraries are, and below `ceph` its plug-ins."""
        return libraries_of(self.root)

    def command(self, program: str, *arguments: str | Path) -> list[str | Path]:
        """What runs one of its programs."""
        libraries = self.libraries
        loader = next(libraries.glob("ld-linux-*.so.*"))
        path = f"{libraries}:{libraries / 'ceph'}"
        return [loader, "--library-path", path, self.root / "usr/bin" / program, *arguments]


def find() -> Radosgw | None:
    """The one that is ready to use."""
    folder = cache_dir() / FOLDER
    return Radosgw(folder) if folder.is_dir() else None


def ensure(say: Say = silent) -> Radosgw:
    """Find it or build it. Raises `Unavailable("no-radosgw")`."""
    with exclusive("radosgw", say) as cache:
        if found := find():
            return found
        with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as building:
            tree = Path(building) / "tree"
            packages = _download(Path(building), say)
            say(f"解开 {len(packages)} 个软件包……")
            unpack(packages, tree)
            tree.chmod(0o755)
            tree.rename(cache / FOLDER)
        return Radosgw(cache / FOLDER)


def _download(building: Path, say: Say) -> list[Path]:
    distribution = read_distribution()
    archive = main_archive(read_sources(), distribution)
    if archive is None or shutil.which("apt-get") is None:
        raise Unavailable("no-radosgw", "本机没有可用的软件源，取不到测试用的 Ceph 对象网关。")
    failure: AptError | None = None
    for suite in suites(distribution):
        apt = PrivateApt(building / "apt" / suite.names[0], archive.of_suites(*suite.names))
        try:
            apt.update()
            closure = {name: version for name, version in apt.closure(PACKAGES).items() if NEEDED.match(name)}
            return apt.download(closure, building / "packages", say)
        except AptError as error:
            failure = error
    why = failure or f"不认识的发行版 {distribution.id}"
    raise Unavailable("no-radosgw", f"软件源里取不到测试用的 Ceph 对象网关：{why}") from failure
