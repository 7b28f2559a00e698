"""Which units answer for a matter at a place: the dispatch catalogue 派单目录, with its reason (F12.2-1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from crm.county.data import AREA, CENTRE, EVERYWHERE, CatalogueLine
from crm.county.load import County


@dataclass(frozen=True)
class Route:
    """A suggestion: unit codes of lead 主办 and assisting 协办 units, and why in one sentence.

    `lead` is None where the catalogue has no answer or leaves it to the centre; `reason` says so.
    """

    lead: str | None
    assist: tuple[str, ...]
    reason: str
    basis: str = ""
    power: str | None = None


class Answer(StrEnum):
    """What the catalogue has for a matter at a place."""

    UNIT = "unit"
    CENTRE = "centre"
    GAP = "gap"

    @property
    def label(self) -> str:
        """As staff read it."""
        return {"unit": "有承办单位", "centre": "热线中心指定", "gap": "缺项"}[self.value]


@dataclass(frozen=True)
class Cell:
    """One matter at one place: the lead where there is one."""

    matter: str
    area: str
    answer: Answer
    lead: str = ""


class Catalogue:
    """A catalogue of the county; a line that names an area wins over one that holds everywhere.

    `names` are those of units that the county's files do not have.
    """

    def __init__(
        self, county: County, lines: Iterable[CatalogueLine] | None = None, names: Mapping[str, str] | None = None
    ) -> None:
        self._county = county
        self.lines = tuple(county.catalogue if lines is None else lines)
        self.names = {**(names or {}), **{unit.code: unit.name for unit in county.units.values()}}
        self._lines: dict[tuple[str, str], CatalogueLine] = {(line.matter, line.area): line for line in self.lines}

    def line(self, matter: str, area: str | None) -> CatalogueLine | None:
        """The line that answers for a matter at a place."""
        local = self._lines.get((matter, area)) if area else None
        return local or self._lines.get((matter, EVERYWHERE))

    def route(self, matter: str | None, area: str | None) -> Route:
        """The units for a matter and an area (unit codes); unknown or missing ones leave it to the centre."""
        known = self._county.matters.get(matter or "")
        if known is None:
            return Route(None, (), "尚未确定诉求事项，由热线中心指定承办单位")
        line = self.line(known.code, area)
        if line is None:
            return Route(None, (), f"派单目录没有“{known.name}”的承办单位，由热线中心决定")
        if line.lead == CENTRE:
            return Route(None, (), f"派单目录：“{known.name}”由热线中心指定承办单位", line.basis, line.power)
        lead = self._resolve(line.lead, area)
        if lead is None:
            return Route(None, (), f"“{known.name}”由属地乡镇（街道）承办，尚未确定发生地点")
        assist = tuple(
            dict.fromkeys(unit for unit in (self._resolve(code, area) for code in line.assist) if unit and unit != lead)
        )
        decides = area and (line.area != EVERYWHERE or AREA in (line.lead, *line.assist))
        where = f"、地点“{self.name(area)}”" if area and decides else ""
        reason = f"派单目录：事项“{known.name}”{where} → {self.name(lead)}"
        return Route(lead, assist, reason, line.basis, line.power)

    def name(self, code: str) -> str:
        """A unit's name."""
        return self.names.get(code, code)

    def cells(self, usable: Iterable[str]) -> list[Cell]:
        """A12.2-1: every leaf matter at every township, street, scenic area and zone; a lead that is not `usable`
        (switched off, or unknown) is a gap too."""
        areas = [unit.code for unit in self._county.units.values() if unit.kind.territorial]
        good, found = set(usable), []
        for matter in self._county.matters:
            for area in areas:
                line = self.line(matter, area)
                lead = self._resolve(line.lead, area) if line else None
                if lead == CENTRE:
                    found.append(Cell(matter, area, Answer.CENTRE))
                else:
                    found.append(Cell(matter, area, Answer.UNIT if lead in good else Answer.GAP, lead or ""))
        return found

    def _resolve(self, code: str, area: str | None) -> str | None:
        return area if code == AREA else code
