"""Rows as a text document: an entry each, to be printed and read; and an empty table to be filled in."""

import tempfile
from collections.abc import Sequence
from typing import IO, Any

import docx
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from crm.sheets.workbook import IN_MEMORY, Sheet

FONT = "宋体"
INK = RGBColor(0, 0, 0)


def entries(sheet: Sheet) -> IO[bytes]:
    """Each row under the text of its first column, the other columns that say something below it; the mark on every
    page. Takes a second for a thousand rows: call it off the event loop."""
    made = _empty()
    for section in made.sections:
        section.header.paragraphs[0].text = section.footer.paragraphs[0].text = sheet.mark
    made.add_heading(sheet.name, 0)
    titles = [title for title, _ in sheet.heads]
    for first, *rest in sheet.rows:
        made.add_heading(_clean(first), 2)
        for title, value in zip(titles[1:], rest, strict=True):
            if value:
                line = made.add_paragraph()
                line.add_run(f"{title}：").bold = True
                line.add_run(_clean(value))
    return _file(made)


def form(name: str, titles: Sequence[str], help: str, rows: int) -> IO[bytes]:
    """An empty table under its titles."""
    made = _empty()
    made.add_heading(name, 0)
    made.add_paragraph(help)
    table = made.add_table(rows=rows + 1, cols=len(titles), style="Table Grid")
    for cell, title in zip(table.rows[0].cells, titles, strict=True):
        cell.text = title
    return _file(made)


def _empty() -> Any:
    made = docx.Document()
    for name, size in (("Normal", 10.5), ("Title", 18), ("Heading 2", 13)):
        style = made.styles[name]
        style.font.name, style.font.size, style.font.color.rgb = FONT, Pt(size), INK
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), FONT)
    return made


def _clean(text: str) -> str:
    """Characters that no XML may hold are left out."""
    return str(ILLEGAL_CHARACTERS_RE.sub("", text))


def _file(made: Any) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - whoever reads it closes it
    made.save(file)
    file.seek(0)
    return file
