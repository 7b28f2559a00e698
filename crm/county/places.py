"""Finding places in what people said, also where the recogniser wrote other characters of the same sound."""

import math
from collections import defaultdict
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from crm.county.data import Place
from crm.county.load import County
from crm.county.sounds import fold, syllables

EXACT, SAME_SOUND, NEAR_SOUND, ONE_OFF = 0.95, 0.8, 0.65, 0.5
"""Confidence by how a name was recognised."""
MIN_SOUND = 3
"""Shorter names have too many homophones to be known by their sound."""
MIN_ONE_OFF = 4
EARTH_M = 6_371_000.0
_RANK = {"county": 0, "river": 1, "township": 2, "zone": 3, "road": 3, "village": 4, "scenic": 4, "place": 5}


@dataclass(frozen=True)
class Found:
    """A place at `text[start:end]`; `how` is one Chinese phrase for the reason."""

    place: Place
    name: str
    start: int
    end: int
    confidence: float
    how: str

    @property
    def rank(self) -> tuple[int, float, int]:
        """More specific, more certain, longer: better."""
        return _RANK.get(self.place.kind, 2), self.confidence, self.end - self.start


class Gazetteer:
    """All names of a county, by characters and by sound."""

    def __init__(self, county: County) -> None:
        self._by_name: dict[str, Place] = {}
        self._by_sound: dict[tuple[str, ...], str] = {}
        self._by_fold: dict[tuple[str, ...], str] = {}
        self._by_pair: dict[tuple[str, str], set[str]] = defaultdict(set)
        for place in county.places:
            for name in (place.name, *place.aliases):
                self._add(name, place)
        self._placed = [place for place in county.places if place.at is not None and place.area]
        self._lengths = sorted({len(name) for name in self._by_name}, reverse=True)

    def _add(self, name: str, place: Place) -> None:
        self._by_name[name] = place
        if len(name) < MIN_SOUND or not _chinese(name):
            return
        sound = syllables(name)
        folded = tuple(fold(syllable) for syllable in sound)
        self._by_sound.setdefault(sound, name)
        self._by_fold.setdefault(folded, name)
        if len(name) >= MIN_ONE_OFF:
            self._by_pair[folded[0], folded[1]].add(name)

    @property
    def names(self) -> list[str]:
        """Every name and alias."""
        return list(self._by_name)

    def find(self, text: str) -> list[Found]:
        """All places in `text` that do not overlap, the surest and longest first choice, in reading order."""
        candidates = sorted(self._candidates(text), key=lambda found: (-found.confidence, -(found.end - found.start)))
        taken: list[Found] = []
        for found in candidates:
            if all(found.end <= other.start or found.start >= other.end for other in taken):
                taken.append(found)
        return sorted(taken, key=lambda found: found.start)

    def nearest(self, lng: float, lat: float) -> tuple[Place, float] | None:
        """The nearest place whose position and area are known, and how many metres away it is; None where none is."""
        measured = [(place, _metres(place.at, (lng, lat))) for place in self._placed if place.at is not None]
        return min(measured, key=lambda one: one[1], default=None)

    def _candidates(self, text: str) -> list[Found]:
        sound = syllables(text)
        folded = tuple(fold(syllable) for syllable in sound)
        found: list[Found] = []
        for length in self._lengths:
            for start in range(len(text) - length + 1):
                end = start + length
                if (name := text[start:end]) in self._by_name:
                    found.append(self._hit(name, start, end, EXACT, "地名库"))
                elif length >= MIN_SOUND and (by_sound := self._by_sound.get(sound[start:end])):
                    found.append(self._hit(by_sound, start, end, SAME_SOUND, "同音"))
                elif length >= MIN_SOUND and (by_fold := self._by_fold.get(folded[start:end])):
                    found.append(self._hit(by_fold, start, end, NEAR_SOUND, "近音"))
        found.extend(self._one_off(folded))
        return found

    def _one_off(self, folded: tuple[str, ...]) -> list[Found]:
        """Names of four and more characters of which one syllable differs, none of the first two.

        The last two are often 小区 or 大道 and say nothing of which one.
        """
        found: list[Found] = []
        for start in range(len(folded) - 1):
            for name in self._by_pair.get((folded[start], folded[start + 1]), ()):
                want = tuple(fold(syllable) for syllable in syllables(name))
                window = folded[start : start + len(want)]
                if len(window) == len(want) and Levenshtein.distance(window, want) == 1:
                    found.append(self._hit(name, start, start + len(want), ONE_OFF, "近似音"))
        return found

    def _hit(self, name: str, start: int, end: int, confidence: float, how: str) -> Found:
        return Found(self._by_name[name], name, start, end, confidence, how)


def _chinese(name: str) -> bool:
    return all("\u4e00" <= character <= "\u9fff" for character in name)


def _metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between two points in degrees, on a sphere: exact to half a per cent, which is nothing within a county."""
    (lng, lat), (to_lng, to_lat) = one, other
    east = math.radians(to_lng - lng) * math.cos(math.radians((lat + to_lat) / 2))
    return EARTH_M * math.hypot(east, math.radians(to_lat - lat))
