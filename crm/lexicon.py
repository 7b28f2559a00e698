"""The county's words: a segmenter that knows its names, and which words speak for which matter."""

import logging
import math
from collections import defaultdict
from functools import lru_cache

import jieba

from crm.county.data import Matter
from crm.installed import Installation

OFTEN = 50_000
"""Frequency given to the county's words, so that 住建局 is not split into 住 and 建局."""

CONTEXT = frozenset(
    {"小区", "业主", "学校", "学生", "老师", "医院", "公园", "广场", "网络", "文化", "社区", "组长", "村里"}
    | {"老人", "家长", "司机"}
)
"""Words that tell where it is or who is meant more often than what it is about."""
CONTEXT_WEIGHT = 0.35


class Lexicon:
    """One county's. Making it reads jieba's dictionary (most of a second): make it off the event loop."""

    def __init__(self, installation: Installation) -> None:
        county = installation.county
        self._tokenizer = _tokenizer()
        self._speakers: dict[str, list[Matter]] = defaultdict(list)
        for matter in county.matters.values():
            for word in dict.fromkeys((matter.name, *matter.words)):
                self._speakers[word.upper()].append(matter)
                self._tokenizer.add_word(word, OFTEN)
        for unit in county.units.values():
            for name in (unit.name, *unit.aliases):
                self._tokenizer.add_word(name, OFTEN)
        for name in installation.gazetteer.names:
            self._tokenizer.add_word(name, OFTEN)
        self._total = len(county.matters)

    def words(self, text: str) -> list[tuple[str, int]]:
        """Words with their positions."""
        return [(word, start) for word, start, _ in self._tokenizer.tokenize(text, HMM=False)]

    def speakers(self, word: str) -> list[Matter]:
        """Matters for which `word` speaks."""
        return self._speakers.get(word.upper(), [])

    def weight(self, word: str) -> float:
        """Rare and long words say more."""
        shared = len(self._speakers.get(word.upper(), ())) or 1
        rare = math.log(1 + self._total / shared) / math.log(1 + self._total)
        return rare * (1 + 0.3 * (len(word) - 2)) * (CONTEXT_WEIGHT if word in CONTEXT else 1.0)


def _tokenizer() -> jieba.Tokenizer:
    """A segmenter of its own, read from the package's dictionary: jieba's cache lies in a shared folder."""
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


@lru_cache(maxsize=2)
def lexicon_of(installation: Installation) -> Lexicon:
    """The lexicon of a county, made once per process."""
    return Lexicon(installation)
