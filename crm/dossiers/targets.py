"""Where an export is written: a ZIP or a folder; block by block, nothing as a whole in memory. Used from one thread at
a time."""

import os
import time
import zipfile
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from core.errors import Invalid
from recordings.forms import Form

PLAIN = frozenset({*Form, "jpg", "jpeg", "png", "pdf", "docx", "xlsx", "zip"})
"""Endings of what no packing makes smaller."""


class Target(Protocol):
    """A package on its way out."""

    def open(self, path: str) -> IO[bytes]:
        """The next file, to be written and closed before another is opened."""

    def close(self) -> None:
        """Nothing follows."""


class ZipTarget:
    """Into one file. Names are ASCII, sizes may pass 4 GB (ZIP64)."""

    def __init__(self, file: BinaryIO, at: tuple[int, int, int, int, int, int]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
        self._at = at

    def open(self, path: str) -> IO[bytes]:
        """See `Target.open`."""
        about = zipfile.ZipInfo(path, self._at)
        about.compress_type = zipfile.ZIP_STORED if path.rpartition(".")[2] in PLAIN else zipfile.ZIP_DEFLATED
        about.external_attr = 0o600 << 16
        return self._zip.open(about, "w", force_zip64=True)

    def close(self) -> None:
        """See `Target.close`."""
        self._zip.close()


class FolderTarget:
    """Into a folder that is made for it. Raises Invalid("folder-exists") where something lies there."""

    def __init__(self, root: Path) -> None:
        try:
            root.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            raise Invalid("folder-exists", f"{root} 已存在，请指定一个新的文件夹。") from None
        self._root = root

    def open(self, path: str) -> IO[bytes]:
        """See `Target.open`."""
        file = self._root / path
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def close(self) -> None:
        """See `Target.close`."""


def zip_time(timestamp: float) -> tuple[int, int, int, int, int, int]:
    """As a ZIP keeps it."""
    at = time.gmtime(timestamp)
    return (max(at.tm_year, 1980), at.tm_mon, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec)
