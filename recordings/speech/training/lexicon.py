"""From syllables to phones, and the numbering that Kaldi wants."""

from dataclasses import dataclass

from recordings.speech.training.espeak import Espeak, Voice
from recordings.speech.training.vocabulary import syllables

SILENCE = "SIL"
POSITIONS = (("B", "begin"), ("E", "end"), ("I", "internal"), ("S", "singleton"))


@dataclass(frozen=True)
class Phone:
    """A phone at its position in a word. Positions share one output (`pdf`) of the network."""

    id: int
    name: str
    pdf: int
    position: str


class Lexicon:
    """The words' pronunciations: each is the concatenation of its syllables' phones."""

    def __init__(self, words: list[str], espeak: Espeak) -> None:
        self.words = {word: syllables(word) for word in words}
        spoken = {syllable for parts in self.words.values() for syllable in parts}
        self._syllables = {
            syllable: [phone for _, phone in espeak.say(syllable, Voice()).phones if phone]
            for syllable in sorted(spoken)
        }
        self.phones = sorted({phone for phones in self._syllables.values() for phone in phones})
        self.pdfs = [SILENCE, *self.phones]
        self.table = self._number()
        self._ids = {phone.name: phone.id for phone in self.table}

    def phones_of(self, word: str) -> list[str]:
        """A word's phones."""
        return [phone for syllable in self.words[word] for phone in self._syllables[syllable]]

    def ids_of(self, word: str) -> list[int]:
        """A word's phones as Kaldi phone ids with their position."""
        first, *rest = self.phones_of(word)
        if not rest:
            return [self.id(first, "S")]
        *inner, last = rest
        return [self.id(first, "B"), *(self.id(phone, "I") for phone in inner), self.id(last, "E")]

    def id(self, phone: str, position: str) -> int:
        """Kaldi's id of a phone at a position (B, E, I or S)."""
        return self._ids[f"{phone}_{position}"]

    def _number(self) -> list[Phone]:
        table = [Phone(1, SILENCE, 0, "nonword")]
        for pdf, phone in enumerate(self.phones, 1):
            for letter, position in POSITIONS:
                table.append(Phone(len(table) + 1, f"{phone}_{letter}", pdf, position))
        return table
