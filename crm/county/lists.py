"""Lists that two persons decide about, as they are stored: the dispatch catalogue and the power list. Pure.

A document is JSON: the lines, and the names that units had when it was imported.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from core.errors import Invalid
from crm.county.data import CatalogueLine, Power, Record
from crm.county.load import County
from crm.county.route import Catalogue

R = TypeVar("R", bound=Record)


class PowerList:
    """权责清单: found by code and by the unit that carries out."""

    def __init__(self, powers: Iterable[Power], names: Mapping[str, str]) -> None:
        self.powers = tuple(powers)
        self._names = dict(names)
        self._by_code = {power.code: power for power in self.powers}
        self._by_unit: dict[str, list[Power]] = defaultdict(list)
        for power in self.powers:
            self._by_unit[power.unit].append(power)

    def get(self, code: str) -> Power | None:
        """The line of that code."""
        return self._by_code.get(code)

    def of_units(self, codes: Sequence[str]) -> list[Power]:
        """The lines of these units, in their order."""
        return [power for code in dict.fromkeys(codes) for power in self._by_unit.get(code, ())]

    def unit_name(self, power: Power) -> str:
        """实施主体 as people read it."""
        return self._names.get(power.unit, power.unit)


def write(lines: Iterable[CatalogueLine | Power], names: Mapping[str, str]) -> str:
    """The document, with the names of the units that its lines hold; the same lines are always the same text."""
    rows, held = [], dict[str, str]()
    for line in lines:
        rows.append(json.dumps(line.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False, sort_keys=True))
        codes = (line.unit,) if isinstance(line, Power) else (line.area, line.lead, *line.assist)
        held |= {code: names[code] for code in codes if code in names}
    said, shown = json.dumps(dict(sorted(held.items())), ensure_ascii=False), ",\n".join(rows)
    return f'{{"names": {said},\n"lines": [\n{shown}\n]}}\n'


def read_catalogue(county: County, text: str) -> Catalogue:
    """A stored catalogue. Raises Invalid("bad-list")."""
    lines, names = _read(text, CatalogueLine)
    return Catalogue(county, lines, names)


def read_powers(county: County, text: str) -> PowerList:
    """A stored power list. Raises Invalid("bad-list")."""
    powers, names = _read(text, Power)
    return PowerList(powers, {unit.code: unit.name for unit in county.units.values()} | names)


def first_catalogue(county: County) -> str:
    """The county's file as the first version."""
    return write(county.catalogue, {unit.code: unit.name for unit in county.units.values()})


def first_powers(county: County) -> str:
    """Likewise; empty where the county has no such file."""
    return write(county.powers, {unit.code: unit.name for unit in county.units.values()})


def _read(text: str, kind: type[R]) -> tuple[list[R], dict[str, str]]:
    try:
        document = json.loads(text)
        lines: list[R] = TypeAdapter(list[kind]).validate_python(document["lines"])  # type: ignore[valid-type]
        return lines, dict(document["names"])
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise Invalid("bad-list", f"清单无法读取：{error}") from error
