"""What the index keeps of a text, and what it is asked for. Pure.

A term is a mark of its kind and what it holds: `c` a character or a pair of neighbours, `w` a word of the segmenter,
`p` a pair of syllables by sound, `l` three letters of the whole text's sound, `i` three initials, `s` a thing that
people call differently.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from core.written import is_han, runs
from crm.knowledge.sounds import Cut, Piece, fold, letters_of, pieces, typed
from crm.knowledge.wordings import Wordings

LONGEST_ASKED = 80
"""Characters of a search that are read: the live words of a call are cut to as much before they come here."""
_SAID = (
    "请问一下 请问 你好 您好 我想问一下 我想问 我想 我要 问一下 一下 谢谢 麻烦 那个 就是说 就是 能不能 可不可以 可以吗 "
    "是不是 有没有 啊 呀 呢 吧 嘛 哦 嗯 喂"
)
FILLERS = tuple(_SAID.split())
"""What people say around a question; it tells nothing of it."""
CHARACTER, PAIR, APART, WORD, SOUND, LETTERS, INITIALS, THING = 0.3, 1.0, 0.4, 0.6, 0.55, 0.5, 0.6, 1.6
"""How much a term of each kind says, before its rarity; `APART`: a pair with one character between."""
OFFICIAL = 0.5
"""How much the official word's own terms say, where another was used for it."""

Weighed = Iterator[tuple[str, float]]


def kept(text: str, cut: Cut, wordings: Wordings) -> set[str]:
    """The terms of a question or another way to ask it."""
    found: set[str] = set()
    read = pieces(text, cut)
    for one in read:
        if not one.sounds:
            found.add("c" + one.text)
            continue
        found.update("c" + character for character in one.text)
        found.update("c" + pair for pair in _pairs(one.text))
        found.update("w" + word for word in one.words if len(word) > 1)
        found.update("p" + pair for pair in _pairs(one.sounds, " "))
    letters, initials = "".join(one.letters for one in read), "".join(one.initials for one in read)
    found.update("l" + three for three in _threes(letters))
    found.update("i" + three for three in _threes(initials) or [initials])
    found.update(f"s{number}" for number in wordings.marks(text, letters))
    return found


def kept_of_answer(text: str) -> set[str]:
    """Of an answer its pairs of characters alone: it is looked into where questions say little."""
    return {"c" + pair for run in runs(text) if is_han(run) for pair in _pairs(run)}


def asked(text: str, cut: Cut, wordings: Wordings) -> dict[str, float]:
    """What a search asks for -> how much it says."""
    text = _plain(text)
    if letters := typed(text):
        return _asked_by_letters(letters, wordings)
    found: dict[str, float] = {}
    read = pieces(text, cut)
    for one in read:
        _note(found, _asked_of(one) if one.sounds else (("c" + one.text, 1.0), *_letters(one.letters)))
    for number, official in wordings.marks(text, "".join(one.letters for one in read)).items():
        found[f"s{number}"] = THING
        if official not in text:
            other = (weighed for one in pieces(official, cut) for weighed in _asked_of(one))
            _note(found, ((term, weight * OFFICIAL) for term, weight in other))
    return found


def _plain(text: str) -> str:
    """Without what people say around it; the whole where nothing else was said."""
    plain = short = text[:LONGEST_ASKED]
    for filler in FILLERS:
        plain = plain.replace(filler, " ")
    return plain if plain.strip() else short


def _asked_of(one: Piece) -> Weighed:
    run = one.text
    for character in run:
        yield "c" + character, CHARACTER
    for pair in _pairs(run):
        yield "c" + pair, PAIR
    for before, after in zip(run, run[2:], strict=False):
        yield "c" + before + after, APART
    for word in one.words:
        if len(word) > 1:
            yield "w" + word, WORD
    for pair in _pairs(one.sounds, " "):
        yield "p" + pair, SOUND


def _asked_by_letters(letters: str, wordings: Wordings) -> dict[str, float]:
    """Letters may be a whole sound, initials, or a word as it is."""
    folded = fold(letters)
    found: dict[str, float] = {"c" + letters: 1.0}
    _note(found, _letters(folded))
    _note(found, (("i" + one, INITIALS) for one in (_threes(letters) or [letters])))
    for number, official in wordings.marks("", folded).items():
        found[f"s{number}"] = THING
        _note(found, ((term, weight * OFFICIAL) for term, weight in _letters(letters_of(official))))
    return found


def _letters(folded: str) -> Weighed:
    for one in _threes(folded):
        yield "l" + one, LETTERS


def _note(found: dict[str, float], terms: Iterable[tuple[str, float]]) -> None:
    for term, weight in terms:
        if found.get(term, 0.0) < weight:
            found[term] = weight


def _pairs(parts: Sequence[str], between: str = "") -> list[str]:
    return [f"{one}{between}{other}" for one, other in pairwise(parts)]


def _threes(text: str) -> list[str]:
    return [text[at : at + 3] for at in range(len(text) - 2)]
