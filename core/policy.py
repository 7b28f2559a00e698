"""What the bureau decides, as data: one immutable, validated document, composed of each package's section.

The file is TOML. A section is a table; the basis of each value stands beside it in the section's `basis` table
(`limits.basis.complaint = "第十三条"`). A value without a basis, a basis without a value, an unknown section
or a misspelt name is refused when the file is loaded.
"""

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from core.clock import midnight
from core.digest import short_digest
from core.errors import Invalid


class PolicySection(BaseModel):
    """Base of the sections; `key` is the name of the TOML table, `title` what the screens call it.

    A value is called by its field's `title`; one without is called by its basis.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    key: ClassVar[str]
    title: ClassVar[str] = ""

    basis: dict[str, str]
    """Article, reading or decision behind each value, by the value's name."""

    @model_validator(mode="after")
    def _every_value_has_its_basis(self) -> "PolicySection":
        values = set(type(self).model_fields) - {"basis"}
        missing, unknown = sorted(values - set(self.basis)), sorted(set(self.basis) - values)
        if missing or unknown:
            raise ValueError(
                f"缺少依据：{'、'.join(missing) or '无'}；没有对应数值的依据：{'、'.join(unknown) or '无'}"
            )
        return self


S = TypeVar("S", bound=PolicySection)
SECTIONS: dict[str, type[PolicySection]] = {}


def section(kind: type[S]) -> type[S]:
    """Class decorator: this section belongs to the policy."""
    SECTIONS[kind.key] = kind
    return kind


class Policy:
    """One version of the policy; `policy[LimitsPolicy]` is that section."""

    def __init__(
        self, version: str, title: str, issued: date, sections: dict[type[PolicySection], PolicySection]
    ) -> None:
        self.version = version
        self.title = title
        self.issued = issued
        """印发之日: the regulation is in force from this day on (第三十二条)."""
        self._sections = sections

    @property
    def issued_at(self) -> datetime:
        """The first instant of that day."""
        return midnight(self.issued)

    def __getitem__(self, kind: type[S]) -> S:
        return cast(S, self._sections[kind])

    @property
    def sections(self) -> dict[str, PolicySection]:
        """All sections by key, in the order of the text."""
        return {kind.key: one for kind, one in self._sections.items()}


def parse(text: str, name: str = "policy.toml") -> Policy:
    """A TOML document -> the policy; its version is the digest of its text. Raises `Invalid("bad-policy")`."""
    return _made(text, _document(text, name), name)


def parse_stored(text: str, file_text: str) -> Policy:
    """A version that was decided under an older program: what it does not know yet is as in the county's file, what the
    program no longer knows is passed over. Its version stays the digest of its own text."""
    document, newest = _document(text, "stored"), _document(file_text, "policy.toml")
    for key, kind in SECTIONS.items():
        known, added = document.get(key, {}), newest.get(key, {})
        names = set(kind.model_fields) - {"basis"}
        merged = {name: value for name, value in {**added, **known}.items() if name in names}
        bases = {**added.get("basis", {}), **known.get("basis", {})}
        document[key] = merged | {"basis": {name: why for name, why in bases.items() if name in names}}
    kept = {key: value for key, value in document.items() if key in SECTIONS or key in ("title", "issued")}
    return _made(text, kept, "stored")


def _document(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid("bad-policy", f"政策文件 {name} 无法使用：{error}") from error


def _made(text: str, document: dict[str, Any], name: str) -> Policy:
    try:
        title, issued = _head(document)
        unknown = sorted(set(document) - set(SECTIONS))
        if unknown:
            raise ValueError(f"没有这些部分：{'、'.join(unknown)}")
        if missing := sorted(set(SECTIONS) - set(document)):
            raise ValueError(f"缺少这些部分：{'、'.join(missing)}")
        sections = {SECTIONS[key]: SECTIONS[key].model_validate(rows) for key, rows in document.items()}
    except (KeyError, ValueError, ValidationError) as error:
        raise Invalid("bad-policy", f"政策文件 {name} 无法使用：{error}") from error
    return Policy(short_digest(text), title, issued, sections)


def _head(document: dict[str, Any]) -> tuple[str, date]:
    title, issued = document.pop("title"), document.pop("issued")
    if not isinstance(title, str) or type(issued) is not date:
        raise ValueError("title 应为文字，issued 应为日期")
    return title, issued


def load(path: Path) -> Policy:
    """The policy in a file."""
    try:
        return parse(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("bad-policy", f"政策文件 {path.name} 无法读取：{error}") from error
