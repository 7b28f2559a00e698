"""`SHA256SUMS` of a model folder: what each file is, as `sha256sum -c` reads it."""

import hashlib
from pathlib import Path

DIGESTS = "SHA256SUMS"


def write_digests(folder: Path) -> None:
    """Note what each file of a verified model is."""
    (folder / DIGESTS).write_text(_lines(folder), encoding="utf-8")


def digest_of(folder: Path) -> str:
    """What tells this model from every other: SHA-256 over the digests of its files."""
    noted = folder / DIGESTS
    text = noted.read_text(encoding="utf-8") if noted.is_file() else _lines(folder)
    return hashlib.sha256(text.encode()).hexdigest()


def _lines(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != DIGESTS)
    return "".join(f"{_digest(path)}  ./{path.relative_to(folder).as_posix()}\n" for path in files)


def changed(folder: Path) -> list[str]:
    """Names of files that are not, or no longer, what was noted; empty without notes."""
    if not (folder / DIGESTS).is_file():
        return []
    found = []
    for line in (folder / DIGESTS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        path = folder / name
        if not path.is_file() or _digest(path) != digest:
            found.append(path.name)
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
