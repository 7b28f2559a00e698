"""A spreadsheet from outside as rows of cells, within limits that no file can talk its way around.

.xlsx is a ZIP of XML: its members are measured before anything is unpacked, document types are refused, and rows are
taken as they stand, not as the file claims to have them. .csv is UTF-8 or GB18030, as Excel and WPS write it.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries

from core.errors import Invalid

MOST_BYTES: Final = 8 * 1024 * 1024
MOST_ROWS: Final = 5_000
MOST_COLUMNS: Final = 100
LONGEST_CELL: Final = 32_767
"""Excel's own limit."""
MOST_UNPACKED: Final = 64 * 1024 * 1024
MOST_MEMBERS: Final = 500
_OLE, _ZIP = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"
_DOCTYPE = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_MERGED = re.compile(rb'<mergeCell\s[^>]*?ref="([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})"')


@dataclass(frozen=True)
class Cell:
    """`value`: text, number, date or None. `wrong`: why it cannot be trusted; empty when it can."""

    value: str | int | float | datetime | None
    wrong: str = ""

    @property
    def text(self) -> str:
        """As a person reads it, without the blanks and marks that spreadsheets put around numbers."""
        value = self.value
        if value is None:
            return ""
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d %H:%M:%S}"
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return str(value).strip().removeprefix("'").strip()


@dataclass(frozen=True)
class Row:
    """`n` as Excel counts it, from 1."""

    n: int
    cells: tuple[Cell, ...]


def rows(name: str, content: bytes) -> list[Row]:
    """All rows that hold anything. Takes seconds for the largest file: call it off the event loop.

    Raises Invalid("bad-file") with what a person can do about it.
    """
    if not content:
        raise bad("文件是空的。")
    if len(content) > MOST_BYTES:
        raise bad(f"文件超过 {MOST_BYTES // 2**20} MB，请分批导入。")
    if content.startswith(_ZIP):
        return _limited(_xlsx(content))
    if content.startswith(_OLE):
        raise bad("文件是旧版 .xls 或加了密码，请取消密码，另存为 .xlsx 后再上传。")
    if name.lower().endswith((".xlsx", ".xlsm", ".xls")):
        raise bad("文件不是有效的 .xlsx 表格，可能已损坏或改了扩展名。")
    return _limited(_csv(content))


def bad(sentence: str) -> Invalid:
    """The file cannot be read."""
    return Invalid("bad-file", sentence, fields={"file": sentence})


def _limited(found: Iterator[Row]) -> list[Row]:
    kept: list[Row] = []
    for row in found:
        if all(cell.value in (None, "") and not cell.wrong for cell in row.cells):
            continue
        if len(row.cells) > MOST_COLUMNS:
            raise bad(f"第 {row.n} 行超过 {MOST_COLUMNS} 列，不予读取。")
        kept.append(row)
        if len(kept) > MOST_ROWS:
            raise bad(f"表格超过 {MOST_ROWS} 行，请分批导入。")
    return kept


def _xlsx(content: bytes) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            measure(archive)
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
            page: Any = book.worksheets[0] if book.worksheets else None
            if page is None:
                raise bad("文件里没有工作表。")
            merged = _merged(archive.read(page._worksheet_path))
            page.reset_dimensions()
            for n, cells in enumerate(page.iter_rows(max_col=MOST_COLUMNS + 1), 1):
                if n > MOST_ROWS * 10:
                    raise bad(f"表格超过 {MOST_ROWS} 行，请删去空行或分批导入。")
                touched = [cols for first, last, cols in merged if first <= n <= last]
                yield Row(n, tuple(_cell(one, at, touched) for at, one in enumerate(_trimmed(cells), 1)))
            book.close()
    except Invalid:
        raise
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, EOFError, SyntaxError, IndexError) as error:
        raise bad("文件不是有效的 .xlsx 表格，可能已损坏。") from error
    except (AttributeError, NotImplementedError, RuntimeError, OverflowError) as error:
        raise bad("文件不是有效的 .xlsx 表格，或加了密码。") from error


def measure(archive: zipfile.ZipFile) -> None:
    """A reader never gets more of a member than its directory entry says, so the entries bound what is unpacked."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS or sum(one.file_size for one in members) > MOST_UNPACKED:
        raise bad("文件解压后过大，不予读取。")
    for one in members:
        if one.filename.endswith((".xml", ".rels")) and _DOCTYPE.search(archive.read(one)):
            raise bad("文件内含文档类型声明，不予读取。")


def _merged(sheet: bytes) -> list[tuple[int, int, range]]:
    """(first row, last row, columns) of every merged range."""
    found = []
    for ref in _MERGED.findall(sheet):
        left, top, right, bottom = (int(one or 0) for one in range_boundaries(ref.decode()))
        found.append((top, bottom, range(left, right + 1)))
    return found


def _trimmed(cells: Sequence[Any]) -> Sequence[Any]:
    last = max((at for at, one in enumerate(cells, 1) if one.value not in (None, "")), default=0)
    return cells[:last]


def _cell(one: Any, column: int, merged: Sequence[range]) -> Cell:
    value = one.value
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, str | int | float | datetime | None) or isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and len(value) > LONGEST_CELL:
        return Cell(value[:100], "内容过长")
    if any(column in columns for columns in merged):
        return Cell(value, "是合并单元格，请拆分后填全")
    kind = getattr(one, "data_type", "n")
    if kind == "f":
        return Cell(str(value)[:200], "是公式，请粘贴为数值")
    return Cell(value, "是错误值" if kind == "e" else "")


def _csv(content: bytes) -> Iterator[Row]:
    text = _decoded(content)
    if "\x00" in text:
        raise bad("文件不是文本表格，请上传 .xlsx 或 .csv。")
    try:
        for n, values in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1):
            yield Row(n, tuple(Cell(_unwrapped(value)) for value in values))
    except csv.Error as error:
        raise bad("文件不是有效的 .csv 表格：引号或换行不配对，或单元格过长。") from error


def _unwrapped(value: str) -> str:
    """`="361126"` is how exports keep long numbers from becoming 3.6E+17."""
    value = value.strip()
    return value[2:-1] if value.startswith('="') and value.endswith('"') and '"' not in value[2:-1] else value


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _as(content, "utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _as(content, "gb18030")


def _as(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise bad("文字编码无法识别，请另存为 .xlsx，或 UTF-8、GB18030 编码的 .csv。") from error
