"""The city's rows as orders, by the county's mapping: where the header is, what a cell means, what is wrong. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from core import phone
from core.clock import SHANGHAI
from core.errors import Invalid
from crm.county.categories import Category
from crm.county.city import CityLayout, Columns, Progress
from crm.sheets.sheet import Cell, Row, bad
from crm.tickets.acts.forwarding import end_of
from crm.tickets.input import Correction

HEADER_WITHIN = 10
"""Titles and notes may stand above the header, but not more rows than this."""
LONGEST_NUMBER = 64
TITLE = 60
FIRST_SERIAL, LAST_SERIAL = 36_526, 73_050
"""1 January 2000 and 2100 as Excel counts days."""
AS_TEXT = "%Y-%m-%d %H:%M:%S"
"""How `Cell.text` writes a date."""
_EXCEL_DAY_0 = datetime(1899, 12, 30)
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z\-_/\[\]〔〕（）()]*")


@dataclass(frozen=True)
class Incoming:
    """One of the city's orders. `due_at` is exclusive, like every due."""

    number: str
    given: Correction
    due_at: datetime
    phone: str | None
    upstream_type: str = ""
    handed_at: datetime | None = None
    state_word: str = ""
    progress: Progress | None = None


@dataclass(frozen=True)
class Read:
    """A row as it was read: an order, or what is wrong with it."""

    n: int
    cells: tuple[str, ...]
    incoming: Incoming | None
    wrong: tuple[str, ...] = ()
    number: str = ""


@dataclass
class Table:
    """The header, and the rows under it."""

    titles: tuple[str, ...]
    rows: list[Read] = field(default_factory=list)


def read(rows: Sequence[Row], layout: CityLayout) -> Table:
    """Every row under the header. Raises Invalid("bad-file") where there is no header, or two columns of one name."""
    header, places = _header(rows, layout)
    table, first = Table(tuple(cell.text for cell in header.cells)), dict[str, int]()
    for row in rows:
        if row.n <= header.n:
            continue
        one = _row(row, table.titles, places, layout)
        if one.incoming and one.number in first:
            reason = f"与第 {first[one.number]} 行的编号重复"
            one = Read(one.n, one.cells, None, (reason,), one.number)
        elif one.incoming:
            first[one.number] = one.n
        table.rows.append(one)
    if not table.rows:
        raise bad("表头下面没有工单。")
    return table


def _header(rows: Sequence[Row], layout: CityLayout) -> tuple[Row, dict[str, int]]:
    best: tuple[int, Row | None] = (0, None)
    wanted = {name: getattr(layout.columns, name) for name in Columns.model_fields}
    known = {title for titles in wanted.values() for title in titles}
    for row in rows[:HEADER_WITHIN]:
        hits = len({cell.text for cell in row.cells} & known)
        if hits > best[0]:
            best = (hits, row)
    header = best[1]
    if header is None:
        raise bad(f"没有找到表头，应有“{layout.columns.upstream_number[0]}”等列，请确认是{layout.name}的导出表。")
    titles = [cell.text for cell in header.cells]
    places: dict[str, int] = {}
    for name, accepted in wanted.items():
        at = [n for n, title in enumerate(titles) if title in accepted]
        if len(at) > 1:
            raise bad(f"“{'、'.join(dict.fromkeys(titles[n] for n in at))}”列重复，无法确定取哪一列。")
        if at:
            places[name] = at[0]
    missing = [wanted[name][0] for name in layout.required if name not in places and wanted[name]]
    if missing:
        raise bad(f"表头缺少列：{'、'.join(missing)}。")
    return header, places


def _row(row: Row, heads: Sequence[str], places: Mapping[str, int], layout: CityLayout) -> Read:
    cells = {name: row.cells[at] if at < len(row.cells) else Cell(None) for name, at in places.items()}
    titles = {name: heads[at] for name, at in places.items()}
    wrong = [f"“{titles[name]}”{cell.wrong}" for name, cell in cells.items() if cell.wrong]
    text = {name: cell.text for name, cell in cells.items()}
    number = text.get("upstream_number", "")
    shown = tuple(cell.text[:4000] for cell in row.cells)
    if not wrong:
        wrong += [f"“{titles[name]}”为空" for name in layout.required if not text.get(name)]
    if number and not wrong:
        wrong += _number_wrong(cells["upstream_number"], number)
    incoming = None if wrong else _incoming(cells, text, titles, layout, wrong)
    return Read(row.n, shown, None if wrong else incoming, tuple(wrong), number[:LONGEST_NUMBER])


def _number_wrong(cell: Cell, number: str) -> Iterable[str]:
    if _SCIENTIFIC.fullmatch(number) or (isinstance(cell.value, int | float) and abs(cell.value) >= 10**15):
        yield f"编号“{number}”被表格软件改成了数字，末几位已丢失，请把该列设为文本后重新导出"
    elif len(number) > LONGEST_NUMBER or not _NUMBER.fullmatch(number):
        yield f"编号“{number[:30]}”格式不正确"


def _incoming(
    cells: Mapping[str, Cell], text: Mapping[str, str], titles: Mapping[str, str], layout: CityLayout, wrong: list[str]
) -> Incoming | None:
    def moment(name: str, *, end: bool) -> datetime | None:
        if not text.get(name):
            return None
        found = _moment(cells[name], layout, end=end)
        if found is None:
            wrong.append(f"“{titles[name]}”不是日期：{text[name][:30]}")
        return found

    due_at, handed_at = moment("due", end=True), moment("handed_at", end=False)
    category: Category | None = None
    if word := text.get("category", ""):
        category = layout.categories.get(word)
        if category is None:
            wrong.append(f"“{titles['category']}”没有对应的诉求类别：{word[:20]}")
    number: str | None = None
    if typed := text.get("caller_phone", ""):
        try:
            number = phone.normalise(typed)
        except Invalid:
            wrong.append(f"“{titles['caller_phone']}”不是电话号码")
    name = text.get("caller_name", "")
    name = "" if name in layout.anonymous else name
    values: dict[str, Any] = {
        "category": category,
        "title": _title(text.get("title") or text["content"]),
        "content": _lines(text["content"]),
        "address": text.get("address", ""),
        "confidential": text.get("confidential", "") in layout.yes,
    }
    if name:
        values["caller_name"] = name
    try:
        given = Correction.model_validate(values)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = str(problem["loc"][0])
            wrong.append(f"“{titles.get(name, name)}”{_sentence(problem)}")
        return None
    if due_at is None:
        return None
    state = text.get("state", "")
    return Incoming(
        text["upstream_number"],
        given,
        due_at,
        number,
        text.get("upstream_type", "")[:40],
        handed_at,
        state[:40],
        layout.states.get(state),
    )


def _sentence(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "string_too_long":
        return f"过长，最多 {problem['ctx']['max_length']} 个字"
    return "内容不正确，可能含有控制字符" if problem["type"] == "value_error" else "内容不正确"


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE else line[: TITLE - 1] + "…"


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _moment(cell: Cell, layout: CityLayout, *, end: bool) -> datetime | None:
    """A date cell, a serial number, or text in one of the layout's forms -> the instant; `end`: a whole day ends at its
    last midnight (D3)."""
    value: Any = cell.value
    if isinstance(value, str):
        text = " ".join(cell.text.split())
        for form in (AS_TEXT, *layout.dates):
            try:
                return _instant(datetime.strptime(text, form), end=end)
            except ValueError:
                continue
        try:
            value = float(text)
        except ValueError:
            return None
    if isinstance(value, int | float) and FIRST_SERIAL <= value <= LAST_SERIAL:
        return _instant(_EXCEL_DAY_0 + timedelta(seconds=round(value * 86_400)), end=end)
    return _instant(value, end=end) if isinstance(value, datetime) else None


def _instant(local: datetime, *, end: bool) -> datetime | None:
    """A due at midnight is a day that was given without a time: spreadsheets write both alike."""
    if not 2000 <= local.year < 2100:
        return None
    if end and (local.hour, local.minute, local.second) == (0, 0, 0):
        return end_of(local.date())
    return local.replace(tzinfo=SHANGHAI)
