"""A list as people keep it in a spreadsheet: its header is found by titles, each wrong row is named. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Invalid
from crm.sheets.sheet import Row, bad

HEADER_WITHIN = 10
"""A title and notes may stand above the header, but not more rows than this."""
MOST_NAMED = 10
"""So many problems are written out; the rest is counted."""


@dataclass(frozen=True)
class Column:
    """`title` is what our own file says, `others` are read as well; `width` in characters."""

    name: str
    title: str
    width: int
    others: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True)
class Line:
    """A row's texts by the column's name; `n` as the spreadsheet counts it."""

    n: int
    cells: dict[str, str]


def lines(rows: Sequence[Row], columns: Sequence[Column]) -> list[Line]:
    """Every row under the header. Raises Invalid("bad-file") with the rows that lack something."""
    header, places = _header(rows, columns)
    found, wrong = [], []
    for row in rows:
        if row.n <= header:
            continue
        if not any(at < len(row.cells) and row.cells[at].value not in (None, "") for at in places.values()):
            continue  # a note beside or below the rows fills no column that is read
        cells = {}
        for column in columns:
            at = places.get(column.name)
            cell = row.cells[at] if at is not None and at < len(row.cells) else None
            cells[column.name] = cell.text if cell else ""
            if cell is not None and cell.wrong:
                wrong.append((row.n, f"“{column.title}”{cell.wrong}"))
            elif column.required and not cells[column.name]:
                wrong.append((row.n, f"“{column.title}”为空"))
        found.append(Line(row.n, cells))
    refuse(wrong)
    if not found:
        raise bad("表头下面没有内容。")
    return found


def refuse(wrong: Sequence[tuple[int, str]]) -> None:
    """Raise Invalid("bad-file") that names the first wrong rows, where there are any."""
    if not wrong:
        return
    named = "；".join(f"第 {n} 行{what}" for n, what in sorted(wrong)[:MOST_NAMED])
    more = f"；另有 {len(wrong) - MOST_NAMED} 处" if len(wrong) > MOST_NAMED else ""
    raise bad(f"{named}{more}。请改正后重新上传。")


def refuse_all(sentences: Sequence[str]) -> None:
    """The same for what no single row is to blame for."""
    if sentences:
        raise Invalid("bad-list", "；".join(sentences) + "。", fields={"file": "；".join(sentences) + "。"})


def _header(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[int, dict[str, int]]:
    for row in rows[:HEADER_WITHIN]:
        titles = [cell.text for cell in row.cells]
        places = {}
        for column in columns:
            at = [n for n, title in enumerate(titles) if title in (column.title, *column.others)]
            if len(at) > 1:
                raise bad(f"“{column.title}”列重复，无法确定取哪一列。")
            if at:
                places[column.name] = at[0]
        if all(column.name in places for column in columns if column.required):
            return row.n, places
    wanted = "、".join(column.title for column in columns if column.required)
    raise bad(f"没有找到表头，应有这些列：{wanted}。可先下载现行的表格，改好后上传。")
