"""A package that somebody brings, as a ZIP or a folder: its names are looked at before anything is read, and nothing is
ever unpacked. What could lead out, mean two things, or swell, is refused."""

import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Protocol

from core.errors import Invalid

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,3}")
"""Exports have names of this form alone: no way up, no drive, no second way to write a letter."""
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
MOST_FILES = 50_000
MOST_BYTES = 256 * 2**30
MOST_SWOLLEN = 200
"""How much larger a file may be than it is packed …"""
SMALL = 64 * 1024
"""… unless it is small: a page of spaces packs well."""


class Opened(Protocol):
    """Files by path."""

    sizes: dict[str, int]

    def open(self, path: str) -> IO[bytes]:
        """One of them, from its beginning. Raises OSError or Invalid where it is damaged."""

    def close(self) -> None:
        """Nothing is read any more."""


def open_package(path: Path) -> Opened:
    """The package at `path`. Raises Invalid with what is wrong, in Chinese and English."""
    if path.is_symlink() or not path.exists():
        raise refused("package-missing", f"没有找到 {path.name}", "no such file or folder")
    return OpenedFolder(path) if path.is_dir() else OpenedZip(path)


def refused(id: str, said: str, english: str) -> Invalid:
    """A sentence that both the office and a support line understand."""
    return Invalid(id, f"{said}（{english}），没有导入任何内容。")


def check_names(names: Iterable[str]) -> None:
    """Raises Invalid for the first name that no export has, and for two that are one on some system."""
    seen: set[str] = set()
    for name in names:
        shown = name.encode("unicode_escape").decode()[:80]
        if not NAME.fullmatch(name) or any(RESERVED.fullmatch(one) or one.endswith(".") for one in name.split("/")):
            raise refused("package-name", f"包内文件名“{shown}”不允许", "file name not allowed")
        if name.casefold() in seen:
            raise refused("package-name", f"包内文件名“{shown}”重复", "duplicate file name")
        seen.add(name.casefold())
        if len(seen) > MOST_FILES:
            raise refused("package-too-large", f"包内文件超过 {MOST_FILES} 个", "too many files")


class OpenedZip:
    """A ZIP, as it lies."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            raise refused("package-damaged", "不是完整的 ZIP 文件", "not a complete ZIP file") from None
        try:
            self.sizes = self._checked(self._zip.infolist())
        except BaseException:
            self._zip.close()
            raise

    def open(self, path: str) -> IO[bytes]:
        """See `Opened.open`."""
        return self._zip.open(path)

    def close(self) -> None:
        """See `Opened.close`."""
        self._zip.close()

    @staticmethod
    def _checked(members: list[zipfile.ZipInfo]) -> dict[str, int]:
        if len(members) > MOST_FILES:
            raise refused("package-too-large", f"包内文件超过 {MOST_FILES} 个", "too many files")
        check_names(one.orig_filename.removesuffix("/") if one.is_dir() else one.orig_filename for one in members)
        for one in members:
            _check_member(one)
        files = sorted((one for one in members if not one.is_dir()), key=lambda one: one.header_offset)
        for one, following in pairwise(files):
            if one.header_offset + 30 + len(one.orig_filename) + one.compress_size > following.header_offset:
                raise refused("package-bomb", f"包内 {following.filename} 与另一文件重叠", "overlapping entries")
        if sum(one.file_size for one in files) > MOST_BYTES:
            raise refused("package-too-large", "包内文件总量过大", "package too large")
        return {one.filename: one.file_size for one in files}


def _check_member(one: zipfile.ZipInfo) -> None:
    mode = one.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if kind and not (stat.S_ISREG(mode) or (stat.S_ISDIR(mode) and one.is_dir())):
        raise refused("package-name", f"包内 {one.filename} 不是普通文件", "link or special file")
    if one.flag_bits & 0x1:
        raise refused("package-damaged", f"包内 {one.filename} 已加密", "encrypted entry")
    if one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refused("package-damaged", f"包内 {one.filename} 的压缩方式不支持", "unsupported compression")
    if one.is_dir() and one.file_size:
        raise refused("package-name", f"包内 {one.filename} 不是普通文件夹", "folder with content")
    swollen = one.file_size > SMALL and one.file_size > MOST_SWOLLEN * max(one.compress_size, 1)
    if swollen or (one.compress_type == zipfile.ZIP_STORED and one.file_size != one.compress_size):
        raise refused("package-bomb", f"包内 {one.filename} 的压缩比异常", "suspicious compression ratio")


class OpenedFolder:
    """A folder into which a ZIP was unpacked."""

    def __init__(self, root: Path) -> None:
        self._root, self.sizes = root, dict[str, int]()
        found = list[tuple[str, Path]]()
        for path in root.rglob("*"):
            found.append((path.relative_to(root).as_posix(), path))
            if len(found) > MOST_FILES:
                raise refused("package-too-large", f"包内文件超过 {MOST_FILES} 个", "too many files")
        check_names(name for name, _ in found)
        for name, path in found:
            about = path.lstat()
            if stat.S_ISREG(about.st_mode):
                self.sizes[name] = about.st_size
            elif not stat.S_ISDIR(about.st_mode):
                raise refused("package-name", f"包内 {name} 不是普通文件", "link or special file")
        if sum(self.sizes.values()) > MOST_BYTES:
            raise refused("package-too-large", "包内文件总量过大", "package too large")

    def open(self, path: str) -> IO[bytes]:
        """See `Opened.open`."""
        return (self._root / path).open("rb")

    def close(self) -> None:
        """See `Opened.close`."""


def whole(opened: Opened, path: str, most: int) -> bytes:
    """A file as a whole. Raises Invalid where it is missing, too large, or damaged."""
    if path not in opened.sizes:
        raise refused("package-incomplete", f"缺少 {path}", f"missing {path}")
    if opened.sizes[path] > most:
        raise refused("package-too-large", f"{path} 过大", f"{path} too large")
    with reading(path), opened.open(path) as file:
        data = file.read(most + 1)
    if len(data) != opened.sizes[path]:
        raise refused("package-damaged", f"{path} 无法读出", f"{path} cannot be read")
    return data


@contextmanager
def reading(path: str) -> Iterator[None]:
    """What a damaged file raises is a refusal."""
    try:
        yield
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError) as error:
        raise refused("package-damaged", f"{path} 无法读出", f"{path} cannot be read") from error
