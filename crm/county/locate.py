"""From an address, or a point on a map, to the village and the township that answers for it (属地管理, 第五条)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from crm.county.data import Place
from crm.county.load import County
from crm.county.places import EXACT, Found, Gazetteer

POINT = re.compile(r"(?<![\d.])(\d{2,3}\.\d{3,})\s*[,，]\s*(\d{2,3}\.\d{3,})(?![\d.])")
"""Two decimal degrees as maps share them; at least three places, about a hundred metres."""
EAST = 60.0
"""In China every longitude is greater and every latitude smaller, so that either order is understood."""
NEAR_M = 5_000.0
"""Farther from every known place a point is nobody's."""


@dataclass(frozen=True)
class Located:
    """Where it is. `village` None: no village or community is known of it; `area`: code of the unit that answers."""

    village: Place | None
    area: str
    township: str
    """Name of that unit."""
    reason: str
    """One Chinese sentence: by which name, or how far from which place."""


def locate(text: str, gazetteer: Gazetteer, county: County) -> Located | None:
    """F05-3: the surest of a point and of the names in `text`; None where nothing in it is known, or names disagree."""
    return _by_point(text, gazetteer, county) or _by_name(text, gazetteer, county)


def answering(found: Iterable[Found]) -> Found | None:
    """Which of several names decides the area: a township that is named, else the most specific place."""
    ranked = sorted(found, key=lambda one: one.rank, reverse=True)
    return next((one for one in ranked if one.place.kind == "township"), None) or next(iter(ranked), None)


def _by_name(text: str, gazetteer: Gazetteer, county: County) -> Located | None:
    found = [one for one in gazetteer.find(text) if one.confidence >= EXACT and one.place.area]
    decides = answering(found)
    if decides is None or decides.place.area not in county.units:
        return None
    area = decides.place.area
    if decides.place.kind != "township" and len({one.place.area for one in found}) > 1:
        return None  # two places of two townships, and none is named: a person decides
    village = next((one.place for one in found if one.place.kind == "village" and one.place.area == area), None)
    named, township = (village or decides.place).name, county.units[area].name
    return Located(village, area, township, f"“{named}”属{township}")


def _by_point(text: str, gazetteer: Gazetteer, county: County) -> Located | None:
    if (point := point_in(text)) is None or (near := gazetteer.nearest(*point)) is None:
        return None
    place, metres = near
    if metres > NEAR_M or place.area not in county.units:
        return None
    township = county.units[place.area].name
    village = place if place.kind == "village" else None
    return Located(village, place.area, township, f"距“{place.name}”{round(metres, -1):.0f}米，属{township}")


def point_in(text: str) -> tuple[float, float] | None:
    """Longitude and latitude in degrees (CGCS2000), in whichever order they were written; None where there is none."""
    for hit in POINT.finditer(text):
        one, other = float(hit[1]), float(hit[2])
        if (one > EAST) != (other > EAST):
            return (one, other) if one > EAST else (other, one)
    return None
