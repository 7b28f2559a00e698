"""The words of the test model, how they sound, and the sentences they stand in."""

import random
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from callflow.speak import pinyin

SENTENCES = Path(__file__).parent / "sentences.toml"
FREE_WORDS = (2, 7)
"""How many words a sentence without grammar has."""


@cache
def syllables(word: str) -> tuple[str, ...]:
    """A word as the product itself speaks it: pinyin with tone digits."""
    return tuple(pinyin(word).split())


@cache
def sound(word: str) -> str:
    """What two words share that nobody tells apart by ear; espeak-ng's phones carry no tones."""
    return re.sub(r"\d", "", " ".join(syllables(word)))


def place_names(gazetteer: Path) -> list[str]:
    """A county's places as people say them. Names written with digits have a spoken alias beside them."""
    places = tomllib.loads(gazetteer.read_text(encoding="utf-8"))["place"]
    names = (name for place in places for name in (place["name"], *place.get("aliases", ())))
    return one_per_sound(name for name in names if not re.search(r"\d", name))


def one_per_sound(words: Iterable[str]) -> list[str]:
    """Of words that sound alike the first."""
    kept: dict[str, str] = {}
    for word in words:
        kept.setdefault(sound(word), word)
    return list(kept.values())


class Grammar:
    """Random sentences: from the templates, or words in any order. Its words are the vocabulary."""

    def __init__(self, gazetteer: Path) -> None:
        data = tomllib.loads(SENTENCES.read_text(encoding="utf-8"))
        self._sentences: list[str] = data["sentences"]
        self._slots: dict[str, list[str]] = data["slots"]
        texts = [*self._sentences, *(text for values in self._slots.values() for text in values)]
        words = dict.fromkeys(word for text in texts for word in text.split() if "{" not in word)
        written = {sound(word): word for word in words}
        self._slots["named"] = [name for name in place_names(gazetteer) if written.get(sound(name), name) == name]
        self.words = list(words | dict.fromkeys(self._slots["named"]))
        self._free = one_per_sound(self.words)

    def sentence(self, chance: random.Random) -> list[str]:
        """A sentence as people say it; among words that sound alike its order tells which is meant."""
        text = chance.choice(self._sentences)
        while "{" in text:
            start, end = text.index("{"), text.index("}")
            text = text[:start] + chance.choice(self._slots[text[start + 1 : end]]) + text[end + 1 :]
        return text.split()

    def free(self, chance: random.Random) -> list[str]:
        """Words in any order, so that the network learns sounds rather than sentences."""
        return chance.choices(self._free, k=chance.randint(*FREE_WORDS))
