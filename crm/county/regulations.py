"""The documents that a county's rules rest on, as its folder brings them: the first version of each (第一条)."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from core.errors import Invalid
from crm.county.data import Code, Record

FILE = "regulations.toml"
FOLDER = "regulations"


class RegulationRecord(Record):
    """One document. `own`: the regulation whose articles the rules cite without naming it."""

    code: Code
    title: Annotated[str, Field(min_length=4, max_length=120)]
    number: Annotated[str, Field(min_length=4, max_length=60)]
    """文号."""
    issuer: Annotated[str, Field(min_length=2, max_length=60)]
    level: Annotated[str, Field(pattern=r"^(国家|省|市|县)$")]
    own: bool = False
    issued: date | None = None
    """印发日期; None where the document itself has not been obtained yet."""
    effective_from: date | None = None
    file: Annotated[str, Field(pattern=r"^[a-z0-9-]+\.txt$")] | None = None
    text: str = ""
    """Read from `file`; empty while only the reference is known."""


def load_regulations(folder: Path) -> tuple[RegulationRecord, ...]:
    """The documents of the county in `folder`; none where it has no such file. Raises `Invalid("bad-county")`."""
    path = folder / FILE
    if not path.exists():
        return ()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        if unknown := sorted(set(document) - {"regulation"}):
            raise ValueError(f"unknown tables: {unknown}")
        found = tuple(_read(folder, RegulationRecord.model_validate(one)) for one in document.get("regulation", []))
        if len({one.code for one in found}) < len(found) or sum(one.own for one in found) > 1:
            raise ValueError("代码重复，或有两件本级办法")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError, ValueError) as error:
        raise Invalid("bad-county", f"{folder.name}/{FILE} 无法使用：{error}") from error
    return found


def _read(folder: Path, record: RegulationRecord) -> RegulationRecord:
    if record.file is None:
        return record
    return record.model_copy(update={"text": (folder / FOLDER / record.file).read_text(encoding="utf-8").strip()})
