"""The two lists as tables: their columns, how a row becomes a line, how a line is shown. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crm.county.data import AREA, CENTRE, EVERYWHERE, CatalogueLine, Power
from crm.county.lists import PowerList
from crm.county.load import County
from crm.county.route import Answer, Catalogue
from crm.sheets.sheet import Row
from crm.sheets.table import Column, lines, refuse, refuse_all

CATALOGUE_COLUMNS = (
    Column("matter", "事项编码", 12, ("诉求事项编码",)),
    Column("name", "事项名称", 24, ("诉求事项",), required=False),
    Column("area", "属地", 22, ("区域", "属地范围"), required=False),
    Column("lead", "主办单位", 28),
    Column("assist", "协办单位", 40, required=False),
    Column("power", "权责清单编码", 18, ("权责编码",), required=False),
    Column("basis", "派单依据", 48, ("依据",)),
)
POWER_COLUMNS = (
    Column("code", "事项编码", 18, ("职权编码", "权责编码", "权责清单编码")),
    Column("name", "事项名称", 40, ("职权名称", "项目名称")),
    Column("kind", "职权类别", 12, ("权力类型", "职权类型"), required=False),
    Column("unit", "实施主体", 28, ("行使主体", "责任单位")),
    Column("basis", "实施依据", 60, ("设定依据", "法律依据")),
)
WORDS = {EVERYWHERE: "全县", AREA: "属地乡镇（街道）", CENTRE: "热线中心指定"}
_WHERE = {"": EVERYWHERE, "*": EVERYWHERE, "全县": EVERYWHERE}
_WHO = {"属地乡镇（街道）": AREA, "属地": AREA, "属地乡镇": AREA, "热线中心指定": CENTRE, "中心指定": CENTRE}
_BETWEEN = re.compile(r"[、,，;；/\s]+")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")
LONGEST_NAME = 80


@dataclass(frozen=True)
class Units:
    """Member units as people write them: code by name, alias or code."""

    codes: Mapping[str, str]
    names: Mapping[str, str]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str]], county: County) -> "Units":
        """Units in use (code, name), also without the county's name before theirs; a name wins over an alias."""
        names = dict(rows)
        aliases = {alias: code for code, unit in county.units.items() if code in names for alias in unit.aliases}
        short = {name.removeprefix(county.name): code for code, name in names.items()}
        full = {name: code for code, name in names.items()} | {code: code for code in names}
        return cls(aliases | short | full, names)


def read_catalogue(rows: Sequence[Row], county: County, units: Units, powers: PowerList) -> list[CatalogueLine]:
    """The lines of a catalogue. Raises Invalid with the rows that are wrong, or the matters that have no answer."""
    areas = {code for code, unit in county.units.items() if unit.kind.territorial}
    found: dict[tuple[str, str], CatalogueLine] = {}
    wrong: list[tuple[int, str]] = []
    for line in lines(rows, CATALOGUE_COLUMNS):
        cells, before = line.cells, len(wrong)
        area = _WHERE.get(cells["area"]) or units.codes.get(cells["area"], "")
        lead = _WHO.get(cells["lead"]) or units.codes.get(cells["lead"], "")
        named = [one for one in _BETWEEN.split(cells["assist"]) if one]
        assist = [AREA if _WHO.get(one) == AREA else units.codes.get(one, "") for one in named]
        power = cells["power"] or None
        if cells["matter"] not in county.matters:
            wrong.append((line.n, f"事项编码“{cells['matter'][:40]}”不在诉求事项目录中"))
        if area != EVERYWHERE and area not in areas:
            wrong.append((line.n, f"属地“{cells['area'][:40]}”不是乡镇、街道、景区或园区"))
        if not lead:
            wrong.append((line.n, f"主办单位“{cells['lead'][:40]}”不存在或已停用"))
        wrong += [
            (line.n, f"协办单位“{name[:40]}”不存在或已停用")
            for name, code in zip(named, assist, strict=True)
            if not code
        ]
        if lead == CENTRE and named:
            wrong.append((line.n, "由热线中心指定的事项不填协办单位"))
        if power and powers.get(power) is None:
            wrong.append((line.n, f"权责清单中没有编码“{power[:40]}”"))
        if len(cells["basis"]) > LONGEST_NAME:
            wrong.append((line.n, f"派单依据超过{LONGEST_NAME}字"))
        if (cells["matter"], area) in found:
            wrong.append((line.n, "与前面的行重复（事项和属地相同）"))
        if len(wrong) == before:
            found[cells["matter"], area] = CatalogueLine(
                matter=cells["matter"],
                area=area,
                lead=lead,
                assist=tuple(dict.fromkeys(assist)),
                power=power,
                basis=cells["basis"],
            )
    refuse(wrong)
    _require_complete(county, Catalogue(county, found.values(), units.names), units)
    return list(found.values())


def _require_complete(county: County, made: Catalogue, units: Units) -> None:
    """A12.2-1: no matter is left without an answer; whoever leaves it to the centre says so."""
    gaps = {cell.matter for cell in made.cells(units.names) if cell.answer is Answer.GAP}
    if not gaps:
        return
    named = "、".join(f"{code}{county.matters[code].name}" for code in list(county.matters) if code in gaps)
    refuse_all([f"这些事项没有覆盖全部乡镇（街道），请补上承办单位，或在主办单位填“热线中心指定”：{named[:600]}"])


def read_powers(rows: Sequence[Row], units: Units, cited: Iterable[str]) -> list[Power]:
    """The lines of a power list; `cited`: codes that the catalogue in force rests on, which must stay."""
    found: dict[str, Power] = {}
    wrong: list[tuple[int, str]] = []
    for line in lines(rows, POWER_COLUMNS):
        cells, before = line.cells, len(wrong)
        unit = units.codes.get(cells["unit"], "")
        if not _CODE.fullmatch(cells["code"]):
            wrong.append((line.n, f"事项编码“{cells['code'][:40]}”只能是字母、数字和短横线，最多40位"))
        if not unit:
            wrong.append((line.n, f"实施主体“{cells['unit'][:40]}”不存在或已停用"))
        for name, most in (("name", 200), ("kind", 20), ("basis", 1000)):
            if len(cells[name]) > most:
                wrong.append((line.n, f"{_title(POWER_COLUMNS, name)}超过{most}字"))
        if cells["code"] in found:
            wrong.append((line.n, "事项编码与前面的行重复"))
        if len(wrong) == before:
            found[cells["code"]] = Power(**{**cells, "unit": unit})
    refuse(wrong)
    if missing := sorted(set(cited) - set(found)):
        refuse_all([f"现行派单目录引用的条目不在表中：{'、'.join(missing)[:600]}；请先修改派单目录"])
    return list(found.values())


def catalogue_row(county: County, catalogue: Catalogue, line: CatalogueLine) -> tuple[str, ...]:
    """A line as the table shows it, in the order of the columns."""
    matter = county.matters.get(line.matter)
    area, lead, *assist = (WORDS.get(code) or catalogue.name(code) for code in (line.area, line.lead, *line.assist))
    name = matter.name if matter else ""
    return line.matter, name, area, lead, "、".join(assist), line.power or "", line.basis


def power_row(powers: PowerList, power: Power) -> tuple[str, ...]:
    """Likewise."""
    return power.code, power.name, power.kind, powers.unit_name(power), power.basis


def _title(columns: Sequence[Column], name: str) -> str:
    return next(column.title for column in columns if column.name == name)
