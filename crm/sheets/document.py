"""The tables of a .docx as rows of cells, within the limits of a spreadsheet from outside."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import docx
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn

from crm.sheets.sheet import LONGEST_CELL, MOST_BYTES, MOST_COLUMNS, MOST_ROWS, Cell, Row, bad, measure

MACROS = ("vbaproject.bin", "vbadata.xml")


def rows(content: bytes) -> list[Row]:
    """The rows of all its tables, counted from 1. Takes seconds for the largest file: call it off the event loop.

    Raises Invalid("bad-file") with what a person can do about it.
    """
    if not content:
        raise bad("文件是空的。")
    if len(content) > MOST_BYTES:
        raise bad(f"文件超过 {MOST_BYTES // 2**20} MB，请分批导入。")
    kept: list[Row] = []
    for row in _rows(content):
        kept.append(row)
        if len(kept) > MOST_ROWS:
            raise bad(f"表格超过 {MOST_ROWS} 行，请分批导入。")
        if len(row.cells) > MOST_COLUMNS:
            raise bad(f"第 {row.n} 行超过 {MOST_COLUMNS} 列，不予读取。")
    if not kept:
        raise bad("文档里没有表格，请按模板的表格填写。")
    return kept


def has_macros(content: bytes) -> bool:
    """Whether an Office file brings programs along."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.lower().rpartition("/")[2] in MACROS for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError):
        return False


def _rows(content: bytes) -> Iterator[Row]:
    for n, line in enumerate(_document(content).element.body.iter(qn("w:tr")), 1):
        cells = tuple(map(_cell, line.tc_lst))
        if any(cell.text for cell in cells):
            yield Row(n, cells)


def _document(content: bytes) -> Any:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            measure(archive)
        return docx.Document(io.BytesIO(content))
    except (zipfile.BadZipFile, PackageNotFoundError, KeyError, ValueError, OSError, EOFError, SyntaxError) as error:
        raise bad("文件不是有效的 .docx 文档，可能已损坏或加了密码。") from error


def _cell(one: Any) -> Cell:
    """Its paragraphs, one a line."""
    text = "\n".join(paragraph.text for paragraph in one.p_lst).strip()
    if len(text) > LONGEST_CELL:
        return Cell(text[:100], "内容过长")
    merged = one.grid_span > 1 or one.vMerge is not None
    return Cell(text, "是合并单元格，请拆分后填全" if merged else "")
