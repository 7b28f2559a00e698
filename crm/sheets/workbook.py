"""One sheet of text as an xlsx file: a mark on every page and in the first row, and no cell that computes anything."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

PAPER_A4 = "9"
IN_MEMORY = 4 * 1024 * 1024
"""A larger file waits on disk."""
LONGEST_CELL = 32_767
"""Excel's own limit."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What a spreadsheet, or what a sheet is saved as, may take for a formula (OWASP: CSV injection)."""
_MARK = Font(color="FF8A5A00", size=10)
_NOTE = Font(size=10)
_HEAD = Font(bold=True)
_GROUND = PatternFill("solid", start_color="FFE8ECF1")
_WRAP = Alignment(wrap_text=True, vertical="top")


@dataclass(frozen=True)
class Sheet:
    """`mark` empty: a sheet for another system, whose first row are its heads.

    `heads`: name and width in characters of each column; `rows` hold text only.
    """

    name: str
    mark: str
    heads: Sequence[tuple[str, int]]
    rows: Iterable[Sequence[str]]
    notes: Sequence[str] = ()
    """Footnotes below the rows."""


def write(sheet: Sheet) -> IO[bytes]:
    """The file, at its beginning. Takes about a second for five thousand rows: call it off the event loop."""
    book = Workbook(write_only=True)
    page: WriteOnlyWorksheet = book.create_sheet(sheet.name)
    for at, (_, width) in enumerate(sheet.heads, 1):
        page.column_dimensions[get_column_letter(at)].width = width
    page.freeze_panes = "A3" if sheet.mark else "A2"
    page.print_title_rows = "1:2" if sheet.mark else "1:1"
    page.page_setup.orientation, page.page_setup.paperSize = "landscape", PAPER_A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    if sheet.mark:
        page.oddHeader.center.text = page.oddFooter.center.text = sheet.mark.replace("&", "&&")
    page.oddFooter.right.text = "第 &P 页，共 &N 页"
    if sheet.mark:
        page.append([_text(page, sheet.mark, font=_MARK)])
    page.append([_text(page, head, font=_HEAD, fill=_GROUND) for head, _ in sheet.heads])
    for row in sheet.rows:
        page.append([_text(page, value, alignment=_WRAP) for value in row])
    for note in sheet.notes:
        page.append([_text(page, note, font=_NOTE)])
    if sheet.mark:
        page.append([_text(page, sheet.mark, font=_MARK)])
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - whoever reads it closes it
    book.save(file)
    file.seek(0)
    return file


def _text(page: WriteOnlyWorksheet, value: str, **style: object) -> Any:
    """A cell of text whatever it begins with; characters that no xlsx may hold are left out."""
    text = ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_CELL]
    cell = WriteOnlyCell(page, text)
    for name, what in style.items():
        setattr(cell, name, what)
    cell.data_type = "s"
    if text.startswith(FORMULA_STARTS):
        cell.quotePrefix = True
    return cell
