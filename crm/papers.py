"""Files that people put to something: taken only when name, size and first bytes agree. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Invalid
from core.forms import unseen

LARGEST = 20 * 1024 * 1024
"""Bytes: a scanned document or a few photographs."""
LONGEST_NAME = 100
SIGNATURES = (
    (b"%PDF-", "application/pdf", (".pdf",)),
    (b"\xff\xd8\xff", "image/jpeg", (".jpg", ".jpeg")),
    (b"\x89PNG\r\n\x1a\n", "image/png", (".png",)),
    (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", (".docx",)),
    (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (".xlsx",)),
)
"""First bytes, type, names: a file is taken only when its bytes and its name agree."""
_FORBIDDEN = re.compile(r'[\\/:*?"<>|]')


def media_type(name: str, data: bytes) -> str:
    """What a file is, by its first bytes and its name. Raises Invalid("bad-file-type")."""
    for start, kind, endings in SIGNATURES:
        if data.startswith(start) and name.lower().endswith(endings):
            return kind
    wanted = "附件须为 PDF、JPG、PNG、DOCX 或 XLSX 文件，且扩展名与内容一致。"
    raise Invalid("bad-file-type", wanted, fields={"file": wanted})


@dataclass(frozen=True)
class Checked:
    """A file that may be kept: its name, what it is, its bytes."""

    name: str
    media_type: str
    data: bytes


def checked(name: str, data: bytes) -> Checked:
    """A file by its name, size and first bytes. Raises Invalid with a sentence for `file`."""
    good = _name(name)
    if not 0 < len(data) <= LARGEST:
        sentence = f"附件须有内容，且不超过{LARGEST // 2**20} MB。"
        raise Invalid("bad-file-size", sentence, fields={"file": sentence})
    return Checked(good, media_type(good, data), data)


def all_checked(files: Sequence[tuple[str, bytes]]) -> list[Checked]:
    """Several files. Raises Invalid: its sentence names each file that cannot be kept, and why."""
    good: list[Checked] = []
    wrong: list[str] = []
    for name, data in files:
        try:
            good.append(checked(name, data))
        except Invalid as error:
            wrong.append(f"{name[:LONGEST_NAME] or '未命名'}：{error.message}")
    if wrong:
        raise Invalid("bad-file", "附件有误，请按提示更换。", fields={"file": " ".join(wrong)})
    return good


def _name(name: str) -> str:
    text = "" if unseen(name) else name.strip()
    if not 0 < len(text) <= LONGEST_NAME or _FORBIDDEN.search(text) or text.startswith("."):
        sentence = f"文件名须为1至{LONGEST_NAME}个字，不含特殊字符。"
        raise Invalid("bad-file-name", sentence, fields={"file": sentence})
    return text
