"""The words of the test model and the sentences they stand in."""

import random
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
FREE_WORDS = (2, 7)
"""How many words a sentence without grammar has."""


def read_lexicon() -> dict[str, list[str]]:
    """Word -> its syllables in pinyin with tone digits."""
    lines = (HERE / "words.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {word: syllables.split() for word, syllables in rows}


class Grammar:
    """Random sentences: from the templates, or words in any order."""

    def __init__(self) -> None:
        data = tomllib.loads((HERE / "sentences.toml").read_text(encoding="utf-8"))
        self.words = list(read_lexicon())
        self._sentences: list[str] = data["sentences"]
        self._slots: dict[str, list[str]] = data["slots"]
        self._check()

    def sentence(self, chance: random.Random) -> list[str]:
        """A sentence as people say it."""
        text = chance.choice(self._sentences)
        while "{" in text:
            start, end = text.index("{"), text.index("}")
            text = text[:start] + chance.choice(self._slots[text[start + 1 : end]]) + text[end + 1 :]
        return text.split()

    def free(self, chance: random.Random) -> list[str]:
        """Words in any order, so that the network learns sounds rather than sentences."""
        return chance.choices(self.words, k=chance.randint(*FREE_WORDS))

    def _check(self) -> None:
        used = {word for text in self._sentences for word in text.split() if not word.startswith("{")}
        used |= {word for values in self._slots.values() for value in values for word in value.split()}
        if unknown := used - set(self.words):
            raise ValueError(f"words without pronunciation: {' '.join(sorted(unknown))}")
