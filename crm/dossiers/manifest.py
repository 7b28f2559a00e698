"""The manifest of one part, its entries, and the texts that are signed. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.digest import sha256_hex
from core.errors import Invalid
from crm.dossiers.canonical import canonical, read

FORMAT = "hotline-archive-package-1"
HEAD = "HOTLINE ARCHIVE PACKAGE 1"
EXPORT_FORMAT = "hotline-archive-export-1"
EXPORT_HEAD = "HOTLINE ARCHIVE EXPORT 1"
FIRST = "0" * 64
PATH = r"^[a-z]+(/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){1,2}$"
"""Within a part: a folder, and one or two names of which none can lead out or mean two things on two systems."""
MOST_ENTRIES = 20_000
MOST_PARTS = 1000
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Need(StrEnum):
    """What somebody must be allowed, and ask for, to take an entry out."""

    IDENTITY = "identity"
    SOUND = "sound"


class Strict(BaseModel):
    """What a package says: nothing missing, nothing more, no value of another kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Entry(Strict):
    """One thing in a part. `about` says of a recording or a file what the page shows of it."""

    path: Annotated[str, Field(pattern=PATH, max_length=160)]
    title: Annotated[str, Field(max_length=200)]
    media_type: Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]{1,100}$")]
    size: Annotated[int, Field(ge=0, le=2**53 - 1)]
    sha256: Hex
    sm3: Hex
    needs: list[Annotated[str, Field(pattern=r"^(identity|sound)$")]]
    about: dict[str, str] = {}


class Manifest(Strict):
    """One part of a dossier: what lies in it, and what came before."""

    format: Literal["hotline-archive-package-1"]
    package: str
    ticket: str
    number: Annotated[str, Field(min_length=1, max_length=40)]
    title: Annotated[str, Field(max_length=60)]
    sealed: bool
    part: Annotated[int, Field(ge=0, lt=MOST_PARTS)]
    cause: Annotated[str, Field(min_length=1, max_length=100)]
    closed_at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$")]
    closed_by: Annotated[str, Field(min_length=1, max_length=40)]
    previous: Hex
    policies: list[str]
    calendars: list[str]
    entries: Annotated[list[Entry], Field(max_length=MOST_ENTRIES)]

    @property
    def size(self) -> int:
        """Bytes of all entries."""
        return sum(one.size for one in self.entries)

    def canonical(self) -> bytes:
        """As it is digested."""
        return canonical(self.model_dump())


@dataclass(frozen=True)
class Signed:
    """A text with its signature."""

    text: str
    public_key: str
    signature: str

    @property
    def printed(self) -> bytes:
        """As a file."""
        return f"{self.text}signature: {self.signature}\n".encode()


def statement(manifest: Manifest, sha256: str, sm3: str, public_key: str) -> str:
    """What is signed of a part."""
    return _lines(
        HEAD,
        ("package", manifest.package),
        ("number", manifest.number),
        ("part", str(manifest.part)),
        ("entries", str(len(manifest.entries))),
        ("sha256", sha256),
        ("sm3", sm3),
        ("previous", manifest.previous),
        ("public-key", public_key),
    )


def export_statement(package: str, number: str, sha256: str, sm3: str, public_key: str) -> str:
    """What is signed of an export; `number` is its own."""
    given = (("package", package), ("export", number), ("sha256", sha256), ("sm3", sm3), ("public-key", public_key))
    return _lines(EXPORT_HEAD, *given)


def _lines(head: str, *pairs: tuple[str, str]) -> str:
    return "\n".join([head, *(f"{name}: {value}" for name, value in pairs)]) + "\n"


def link(text: str | None) -> str:
    """What the next part says of this one."""
    return sha256_hex(text) if text else FIRST


def signature_of(data: bytes, text_of_key: dict[str, str], what: str) -> tuple[str, str]:
    """Key and signature out of a printed statement, whose other lines must be `text_of_key` as far as they are known.
    Raises Invalid("package-signature")."""
    try:
        lines = dict(line.split(": ", 1) for line in data.decode("ascii").splitlines()[1:])
    except ValueError:
        lines = {}
    if len(data) > 4096 or set(lines) < {"public-key", "signature"} or text_of_key.items() - lines.items():
        raise Invalid("package-signature", f"{what}的签名文件与内容不符（signature file does not match）。")
    return lines["public-key"], lines["signature"]


def parse(data: bytes, what: str) -> Manifest:
    """A manifest that somebody brings. Raises Invalid("package-json" | "package-manifest")."""
    value = read(data, what)
    try:
        found = Manifest.model_validate(value)
        UUID(found.package), UUID(found.ticket), datetime.fromisoformat(found.closed_at)
    except (ValidationError, ValueError):
        raise Invalid("package-manifest", f"{what}的内容不可识别（unknown manifest content）。") from None
    folded = [one.path.casefold() for one in found.entries]
    if len(set(folded)) != len(folded):
        raise Invalid("package-manifest", f"{what}中有重名的条目（duplicate entry）。")
    return found


def instant(at: datetime) -> str:
    """UTC with microseconds, as everything in a package says it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def folder(part: int) -> str:
    """`00`: of a part within a package."""
    return f"{part:02}"


def newest(parts: Iterable[Manifest]) -> dict[str, tuple[int, Entry]]:
    """Path -> the entry as the last part that has it tells it."""
    return {one.path: (part.part, one) for part in sorted(parts, key=lambda one: one.part) for one in part.entries}


def added(entries: Sequence[Entry], before: dict[str, tuple[int, Entry]], passing: frozenset[str]) -> list[Entry]:
    """What a new part would hold: entries that are new or differ. Nothing where all of them are of `passing` names,
    which every look at the order changes."""
    differ = [one for one in entries if one.path not in before or before[one.path][1].sha256 != one.sha256]
    telling = [one for one in differ if one.path.rsplit("/", 1)[-1] not in passing]
    return differ if telling or not before else []


class About(Strict):
    """Who took a copy, when, why, and what it holds."""

    number: Annotated[str, Field(pattern=r"^[A-Z]{2}\d{8}-[0-9A-F]{8}$")]
    at: Annotated[str, Field(max_length=40)]
    by: Annotated[str, Field(max_length=40)]
    reason: Annotated[str, Field(max_length=200)]
    identity: bool
    sound: bool
    title: Annotated[str, Field(max_length=100)]


class Beside(Strict):
    """A file of the copy that is no entry: the page, a proof."""

    path: Annotated[str, Field(pattern=r"^(index\.html|proofs/[0-9a-f-]{36}\.json)$")]
    size: Annotated[int, Field(ge=0, le=64 * 2**20)]
    sha256: Hex
    sm3: Hex


class Withheld(Strict):
    """An entry that did not go along."""

    path: Annotated[str, Field(max_length=200)]
    why: Literal["identity", "sound", "absent", "destroyed"]


class Destroyed(Strict):
    """How a recording ended that is not there any more."""

    path: Annotated[str, Field(max_length=200)]
    said: Annotated[str, Field(max_length=200)]


class Export(Strict):
    """`export.json`: what this copy holds."""

    format: Literal["hotline-archive-export-1"]
    package: str
    export: About
    parts: Annotated[list[Hex], Field(min_length=1, max_length=MOST_PARTS)]
    beside: Annotated[list[Beside], Field(max_length=MOST_ENTRIES)]
    withheld: Annotated[list[Withheld], Field(max_length=MOST_ENTRIES)]
    destroyed: Annotated[list[Destroyed], Field(max_length=MOST_ENTRIES)]


def parse_export(data: bytes) -> Export:
    """`export.json` that somebody brings. Raises Invalid("package-json" | "package-manifest")."""
    value = read(data, "export.json")
    try:
        return Export.model_validate(value)
    except ValidationError:
        raise Invalid("package-manifest", "export.json 的内容不可识别（unknown export content）。") from None
