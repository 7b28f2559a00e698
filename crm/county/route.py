"""Which units answer for a matter at a place: the dispatch catalogue 派单目录, with its reason (第十二条(二))."""

from dataclasses import dataclass

from crm.county.data import AREA, EVERYWHERE, CatalogueLine
from crm.county.load import County


@dataclass(frozen=True)
class Route:
    """A suggestion: unit codes of lead 主办 and assisting 协办 units, and why in one sentence.

    `lead` is None where the catalogue has no answer and the centre decides; `reason` says so.
    """

    lead: str | None
    assist: tuple[str, ...]
    reason: str
    basis: str = ""


class Catalogue:
    """The catalogue of one county; a line that names an area wins over one that holds everywhere."""

    def __init__(self, county: County) -> None:
        self._county = county
        self._lines: dict[tuple[str, str], CatalogueLine] = {
            (line.matter, line.area): line for line in county.catalogue
        }

    def route(self, matter: str | None, area: str | None) -> Route:
        """The units for a matter and an area (unit codes); unknown or missing ones leave it to the centre."""
        known = self._county.matters.get(matter or "")
        if known is None:
            return Route(None, (), "尚未确定诉求事项，由热线中心指定承办单位")
        local = self._lines.get((known.code, area)) if area else None
        line = local or self._lines.get((known.code, EVERYWHERE))
        if line is None:
            return Route(None, (), f"派单目录没有“{known.name}”的承办单位，由热线中心决定")
        lead = self._resolve(line.lead, area)
        if lead is None:
            return Route(None, (), f"“{known.name}”由属地乡镇（街道）承办，尚未确定发生地点")
        assist = tuple(
            dict.fromkeys(unit for unit in (self._resolve(code, area) for code in line.assist) if unit and unit != lead)
        )
        where = (
            f"、地点“{self._county.units[area].name}”" if area and (local or AREA in (line.lead, *line.assist)) else ""
        )
        return Route(lead, assist, f"派单目录：事项“{known.name}”{where} → {self._county.units[lead].name}", line.basis)

    def _resolve(self, code: str, area: str | None) -> str | None:
        return area if code == AREA else code
