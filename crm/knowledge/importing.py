"""Items from a unit's own files: a table in .xlsx, .csv or .docx becomes drafts of that unit, all of them or none."""

import asyncio
import re
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.errors import Invalid
from core.forms import validate
from crm.county.knowledge import Class
from crm.installed import installed
from crm.knowledge import service
from crm.knowledge.input import ItemText
from crm.knowledge.models import KnowledgeItem, KnowledgeVersion
from crm.knowledge.states import State
from crm.sheets import document, sheet
from crm.sheets.sheet import Row, bad
from crm.sheets.table import Column, Line, lines, refuse

COLUMNS = (
    Column("question", "问题", 40, ("标题", "问题（标题）")),
    Column("other_ways", "其他问法", 40, ("相似问法", "同义问法"), required=False),
    Column("answer", "答复", 80, ("答案", "答复内容"), required=False),
    Column("basis", "依据", 40, ("政策依据", "法律依据"), required=False),
    Column("kind", "分类", 12, ("类别",), required=False),
    Column("area", "适用属地", 16, ("属地",), required=False),
    Column("valid_from", "有效期自", 14, ("生效日期",), required=False),
    Column("valid_to", "有效期至", 14, ("失效日期",), required=False),
    Column("keywords", "关键词", 24, required=False),
)
"""What the template and the export say; `问题` alone must be there, the rest is asked for when a draft is submitted."""
TITLES = {column.name: column.title for column in COLUMNS}
NO_DAY = ("", "长期", "长期有效", "—")
_BETWEEN = re.compile(r"[\n;；]+")
_WORDS_BETWEEN = re.compile(r"[\n、,，;；]+")
_DATE = re.compile(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?(?: 00:00:00)?")


async def take(session: AsyncSession, actor: Actor, name: str, content: bytes) -> int:
    """Every row is a draft of the actor's unit -> how many. Raises Denied, or Invalid("bad-file") that names the wrong
    rows; then there is none."""
    unit = service.own_unit(actor)
    rows = await asyncio.to_thread(rows_of, name, content)
    texts = await asyncio.to_thread(read, rows)
    await _refuse_known(session, unit, texts)
    return len(await service.create_all(session, actor, [text for _, text in texts]))


def rows_of(name: str, content: bytes) -> list[Row]:
    """The rows of a file by its name and content. Raises Invalid("bad-file")."""
    if document.has_macros(content):
        raise bad("文件含宏，请另存为不含宏的 .xlsx 或 .docx 后再上传。")
    if name.lower().endswith((".docx", ".docm", ".doc")):
        return document.rows(content)
    return sheet.rows(name, content)


def read(rows: Sequence[Row]) -> list[tuple[int, ItemText]]:
    """Each row's text by its number. Raises Invalid("bad-file")."""
    found: list[tuple[int, ItemText]] = []
    wrong: list[tuple[int, str]] = []
    first: dict[str, int] = {}
    for line in lines(rows, COLUMNS):
        text = _text(line, wrong)
        if text is None:
            continue
        if text.question in first:
            wrong.append((line.n, f"与第 {first[text.question]} 行的问题相同"))
        first.setdefault(text.question, line.n)
        found.append((line.n, text))
    refuse(wrong)
    return found


def _text(line: Line, wrong: list[tuple[int, str]]) -> ItemText | None:
    """The row's text; what is wrong with it is added to `wrong`."""
    cells, before = line.cells, len(wrong)
    kinds, areas = {one.label: one.value for one in Class}, _areas()
    for name, known, what in (("kind", kinds, "第十七条所列分类"), ("area", areas, "本县的乡镇（街道）")):
        if cells[name] and cells[name] not in known:
            wrong.append((line.n, f"“{TITLES[name]}”不是{what}：{cells[name][:20]}"))
    if len(wrong) > before:
        return None
    given = cells | {
        "other_ways": _split(_BETWEEN, cells["other_ways"]),
        "keywords": _split(_WORDS_BETWEEN, cells["keywords"]),
        "kind": kinds.get(cells["kind"]),
        "area": areas.get(cells["area"]),
        "valid_from": _day(cells["valid_from"]),
        "valid_to": _day(cells["valid_to"]),
    }
    try:
        text = validate(ItemText, given)
    except Invalid as error:
        wrong += [(line.n, f"“{TITLES[name]}”{sentence.rstrip('。')}") for name, sentence in error.fields.items()]
        return None
    if text.valid_from and text.valid_to and text.valid_to < text.valid_from:
        wrong.append((line.n, "“有效期至”早于“有效期自”"))
    return text


def _areas() -> dict[str, str | None]:
    """Codes of townships and streets by how people write them; the whole county has none."""
    county = installed().county
    found: dict[str, str | None] = {"全县": None}
    for code, unit in county.units.items():
        if unit.kind.territorial:
            found |= dict.fromkeys((unit.name, unit.name.removeprefix(county.name), *unit.aliases), code)
    return found


def _split(between: re.Pattern[str], text: str) -> list[str]:
    return [part.strip() for part in between.split(text) if part.strip()]


def _day(text: str) -> str | None:
    """`2026年12月31日`, `2026/12/31` and what a spreadsheet makes of them, as ISO 8601; what is none stays as it is."""
    if text in NO_DAY:
        return None
    found = _DATE.fullmatch(text)
    return "{:0>4}-{:0>2}-{:0>2}".format(*found.groups()) if found else text


async def _refuse_known(session: AsyncSession, unit: UUID, texts: Sequence[tuple[int, ItemText]]) -> None:
    """What the unit has already is revised, not written again."""
    of = KnowledgeVersion.item_id == KnowledgeItem.id
    newest = (KnowledgeVersion.n == KnowledgeItem.newest) & (KnowledgeVersion.state != State.DROPPED)
    wanted = select(KnowledgeVersion.question, KnowledgeItem.number).join(KnowledgeItem, of)
    rows = await session.execute(wanted.where(newest, KnowledgeItem.unit_id == unit))
    known = {str(question): str(number) for question, number in rows}
    refuse(
        [(n, f"的问题与条目 {known[text.question]} 相同，请修订该条目") for n, text in texts if text.question in known]
    )
