"""Ceph's object gateway for the tests of the archive in S3, in a folder of the cache, as Asterisk is (`asterisk.py`).

Of the S3 servers that can be had without a container it alone does everything as S3 does: signatures, conditional
writes, versions, object lock. Debian 12's own, 16.2, answers conditional writes wrongly.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from hotline.setup.asterisk import suites
from hotline.setup.cache import Say, silent
from hotline.setup.prefix import Closure, libraries_of

CEPH = Closure(
    "radosgw",
    "测试用的 Ceph 对象网关",
    ("radosgw", "ceph-mon", "ceph-osd"),
    # what its programs are linked with
    re.compile(r"ceph-(mon|osd|base|common)|radosgw|zlib1g|lib(?!binutils|c-bin|c-gconv|glib|gprofng|pam|python)"),
)


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
    return Radosgw(folder) if (folder := CEPH.find()) else None


def ensure(say: Say = silent) -> Radosgw:
    """Find it or build it. Raises `Unavailable("no-radosgw")`."""
    return Radosgw(CEPH.ensure(lambda distribution: (suite.names for suite in suites(distribution)), say))
