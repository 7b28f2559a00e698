"""Reading a county's folder: every file validated, every reference resolved, or one clear error."""

import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from core.errors import Invalid
from crm.county.city import CityLayout
from crm.county.data import (
    AREA,
    CENTRE,
    EVERYWHERE,
    CatalogueLine,
    Matter,
    NumberRecord,
    Place,
    Power,
    QueueRecord,
    Record,
    ReferralRecord,
    ShiftRecord,
    StaffRecord,
    UnitKind,
    UnitRecord,
)
from crm.county.emergencies import Emergencies, load_emergencies
from crm.county.knowledge import Knowledge
from crm.county.regulations import RegulationRecord, load_regulations
from crm.county.screening import Screening

DOMAINS = ("经济调节", "市场监管", "社会管理", "公共服务", "生态环境保护")
"""第九条."""

R = TypeVar("R", bound=Record)
D = TypeVar("D", bound=BaseModel)
ALL_ITEMS = tuple(range(1, 8))
"""第十条 has seven."""


@dataclass(frozen=True)
class County:
    """One county, complete and consistent. `name` is how it is spoken of, e.g. `弋阳县`."""

    name: str
    units: dict[str, UnitRecord]
    matters: dict[str, Matter]
    catalogue: tuple[CatalogueLine, ...]
    powers: tuple[Power, ...]
    places: tuple[Place, ...]
    numbers: tuple[NumberRecord, ...]
    queues: tuple[QueueRecord, ...]
    shifts: tuple[ShiftRecord, ...]
    staff: tuple[StaffRecord, ...]
    city: CityLayout | None = None
    """How the city centre's spreadsheets look; None where no orders come down by file."""
    regulations: tuple[RegulationRecord, ...] = ()
    """依据库: the documents that the rules rest on, in their first version."""
    screening: Screening = field(default_factory=lambda: Screening(item=()))
    """What agents go through before a refusal; empty where the county has written none."""
    referrals: tuple[ReferralRecord, ...] = ()
    """Whom citizens are sent to, as the directory begins."""
    knowledge: Knowledge = field(default_factory=Knowledge)
    """Items for a demonstration, and how people call things; empty where the county has written none."""
    emergencies: Emergencies = field(default_factory=Emergencies)
    """Kinds of emergencies 突发事件 and the words that speak for them (第十四条)."""


def load(folder: Path) -> County:
    """The county in `folder`. Raises `Invalid("bad-county")` that names the file and what is wrong in it."""
    places = _read(folder, "gazetteer.toml", "place", Place)
    county = County(
        name=next((place.name for place in places if place.kind == "county"), ""),
        units={unit.code: unit for unit in _read(folder, "units.toml", "unit", UnitRecord)},
        matters={matter.code: matter for matter in _read(folder, "matters.toml", "matter", Matter)},
        catalogue=_read(folder, "catalogue.toml", "line", CatalogueLine),
        powers=_optional(folder, "powers.toml", "power", Power),
        places=places,
        numbers=_read(folder, "numbers.toml", "number", NumberRecord),
        queues=_read(folder, "queues.toml", "queue", QueueRecord),
        shifts=_read(folder, "roster.toml", "shift", ShiftRecord),
        staff=_read(folder, "staff.toml", "user", StaffRecord),
        city=_document(folder, "city.toml", CityLayout),
        regulations=load_regulations(folder),
        screening=_document(folder, "screening.toml", Screening) or Screening(item=()),
        referrals=_optional(folder, "referrals.toml", "referral", ReferralRecord),
        knowledge=_document(folder, "knowledge.toml", Knowledge) or Knowledge(),
        emergencies=load_emergencies(folder),
    )
    problems = list(_problems(county))
    if problems:
        raise Invalid("bad-county", f"{folder.name}：" + "；".join(problems))
    return county


def _read(folder: Path, file: str, table: str, kind: type[R]) -> tuple[R, ...]:
    try:
        document = tomllib.loads((folder / file).read_text(encoding="utf-8"))
        unknown = sorted(set(document) - {table})
        if unknown:
            raise ValueError(f"unknown tables: {unknown}")
        records = tuple(kind.model_validate(entry) for entry in document.get(table, []))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError, ValueError) as error:
        raise Invalid("bad-county", f"{folder.name}/{file} 无法使用：{error}") from error
    key = next(iter(kind.model_fields))
    twice = _twice(str(getattr(record, key)) for record in records)
    if twice and kind not in (CatalogueLine, ShiftRecord):
        raise Invalid("bad-county", f"{folder.name}/{file} 重复：{twice}")
    return records


def _optional(folder: Path, file: str, table: str, kind: type[R]) -> tuple[R, ...]:
    """A file that a county may do without."""
    return _read(folder, file, table, kind) if (folder / file).exists() else ()


def _document(folder: Path, file: str, kind: type[D]) -> D | None:
    """A file that is one whole; None where the county has none."""
    path = folder / file
    if not path.exists():
        return None
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise Invalid("bad-county", f"{folder.name}/{file} 无法使用：{error}") from error


def _problems(county: County) -> Iterable[str]:
    units, queues = set(county.units), {queue.code for queue in county.queues}
    areas = {unit.code for unit in county.units.values() if unit.kind.territorial}
    members = {unit.code for unit in county.units.values() if not unit.kind.subordinate}
    powers = {power.code for power in county.powers}
    if not county.name:
        yield 'gazetteer.toml 缺少 kind = "county" 的地名'
    for unit in county.units.values():
        if unit.kind == UnitKind.ENTERPRISE and unit.competent not in units:
            yield f"企事业单位 {unit.name} 没有主管部门（第五条）"
        if unit.competent and unit.kind != UnitKind.ENTERPRISE:
            yield f"{unit.name} 不是企事业单位，不应有主管部门"
        above = county.units.get(unit.parent or "")
        if unit.kind.subordinate and (above is None or above.kind.subordinate):
            yield f"{unit.name} 没有上级单位（第八条(六)）"
        if unit.parent and not unit.kind.subordinate:
            yield f"{unit.name} 是成员单位，不应有上级单位"
    for matter in county.matters.values():
        if matter.domain not in DOMAINS:
            yield f"事项 {matter.code} 的领域不在第九条之列"
    for line in county.catalogue:
        wrong = {line.lead, *line.assist} - members - {AREA, CENTRE} | {CENTRE} & {*line.assist}
        if wrong:
            yield f"派单目录 {line.matter} 的单位不存在：{sorted(wrong)}"
        if line.power and line.power not in powers:
            yield f"派单目录 {line.matter} 引用的权责清单条目不存在：{line.power}"
        if line.matter not in county.matters:
            yield f"派单目录的事项不存在：{line.matter}"
        if line.area != EVERYWHERE and line.area not in areas:
            yield f"派单目录 {line.matter} 的属地不存在：{line.area}"
    if twice := _twice(f"{line.matter} × {line.area}" for line in county.catalogue):
        yield f"派单目录重复：{twice}"
    for power in county.powers:
        if power.unit not in units:
            yield f"权责清单 {power.code} 的实施主体不存在：{power.unit}"
    for place in county.places:
        if place.area and place.area not in areas:
            yield f"地名 {place.name} 的属地不存在：{place.area}"
    if twice := _twice(name for place in county.places for name in (place.name, *place.aliases)):
        yield f"地名重复：{twice}"
    screened = tuple(item.number for item in county.screening.item)
    if screened not in ((), ALL_ITEMS):
        yield "screening.toml 应依次写明第十条的七项"
    if twice := _twice(item.number for item in county.knowledge.item):
        yield f"知识库条目编号重复：{twice}"
    if twice := _twice(wording.official for wording in county.knowledge.words):
        yield f"知识库规范说法重复：{twice}"
    for item in county.knowledge.item:
        if item.unit not in members or (item.area and item.area not in areas):
            yield f"知识库条目 {item.number} 的单位或属地不存在"
    for number in county.numbers:
        if number.queue not in queues:
            yield f"号码 {number.number} 的队列不存在：{number.queue}"
        if number.owner and number.owner not in units:
            yield f"号码 {number.number} 的单位不存在：{number.owner}"
    for queue in county.queues:
        if queue.second_line and queue.second_line not in queues:
            yield f"队列 {queue.code} 的二线队列不存在：{queue.second_line}"
    for user in county.staff:
        if user.unit and user.unit not in units:
            yield f"用户 {user.login} 的单位不存在：{user.unit}"
        if set(user.queues) - queues:
            yield f"用户 {user.login} 的队列不存在"


def _twice(values: Iterable[str]) -> list[str]:
    return sorted(value for value, count in Counter(values).items() if count > 1)
