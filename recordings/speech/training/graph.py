"""The decoding graph in two halves: HCLr.fst (sounds to words) and Gr.fst (words in a row).

The halves are composed while decoding, so that grammars can be given at run time.
"""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Hashable
from pathlib import Path

import pywrapfst as fst

from recordings.speech.training.export import FORWARD, forward, self_loop
from recordings.speech.training.features import MFCC_CONF
from recordings.speech.training.lexicon import Lexicon
from recordings.speech.training.vocabulary import Grammar

SENTENCES = 30_000
DISCOUNT = 0.7
UNIFORM = 0.5
"""Share of the unigram that all words have alike: any order of words stays possible."""
SILENCE_AFTER_WORD = 0.25
UNKNOWN_PER_PHONE = 2.5
"""Nats that a phone outside the vocabulary costs more than one inside."""
SILENCE_PHONE = 1
UNKNOWN, DISAMBIGUATION = "[unk]", "#0"

MODEL_CONF = """--min-active=200
--max-active=3000
--beam=12.0
--lattice-beam=5.0
--acoustic-scale=0.5
--frame-subsampling-factor=3
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=0.75
--endpoint.rule4.min-trailing-silence=1.0
"""


def write_graph(folder: Path, lexicon: Lexicon, grammar: Grammar, seed: int) -> None:
    """Write everything of a Vosk model folder except the acoustic model."""
    symbols = ["<eps>", *lexicon.words, UNKNOWN, DISAMBIGUATION, "<s>", "</s>"]
    numbers = {word: index for index, word in enumerate(symbols)}
    graph = folder / "graph"
    (graph / "phones").mkdir(parents=True, exist_ok=True)
    (folder / "conf").mkdir(exist_ok=True)
    Sounds(lexicon, numbers).build().write(str(graph / "HCLr.fst"))
    _sentences(lexicon, grammar, numbers, seed).write(str(graph / "Gr.fst"))
    _write(folder / "conf" / "mfcc.conf", MFCC_CONF)
    _write(folder / "conf" / "model.conf", MODEL_CONF)
    _write(graph / "words.txt", "".join(f"{word} {number}\n" for word, number in numbers.items()))
    _write(graph / "phones.txt", "<eps> 0\n" + "".join(f"{p.name} {p.id}\n" for p in lexicon.table))
    _write(graph / "phones" / "word_boundary.int", "".join(f"{p.id} {p.position}\n" for p in lexicon.table))
    _write(graph / "disambig_tid.int", f"{_disambiguation(lexicon)}\n")


class Sounds:
    """HCLr: a tree of all pronunciations that loops through silence, with `[unk]` as any row of phones."""

    def __init__(self, lexicon: Lexicon, numbers: dict[str, int]) -> None:
        self._lexicon = lexicon
        self._numbers = numbers
        self._fst = fst.VectorFst()
        self._states: dict[Hashable, int] = {}
        self._leave = -math.log(FORWARD)
        self._stay = -math.log(1 - FORWARD)

    def build(self) -> fst.VectorFst:
        """The transducer from transition ids to words."""
        start, loop = self._state("start"), self._state("loop")
        self._fst.set_start(start)
        self._fst.set_final(loop)
        self._end_of_word(start)
        self._grow(loop, 0, {word: self._lexicon.ids_of(word) for word in self._lexicon.words})
        self._arc(loop, _disambiguation(self._lexicon), self._numbers[DISAMBIGUATION], 0.0, loop)
        self._unknown(loop)
        self._fst.connect()
        self._fst.arcsort("olabel")
        return self._fst

    def _grow(self, state: int, depth: int, words: dict[str, list[int]]) -> None:
        branches: dict[int, dict[str, list[int]]] = defaultdict(dict)
        for word, phones in words.items():
            branches[phones[depth]][word] = phones
        for phone, below in branches.items():
            if len({tuple(phones) for phones in below.values()}) == 1:
                for word, phones in below.items():
                    self._chain(state, depth, word, phones)
            else:
                child = self._state(("tree", state, phone), phone)
                self._arc(state, forward(phone), 0, self._leave, child)
                self._grow(child, depth + 1, below)

    def _chain(self, state: int, depth: int, word: str, phones: list[int]) -> None:
        output = self._numbers[word]
        for position, phone in enumerate(phones[depth:], depth):
            child = self._state(("chain", word, position), phone)
            self._arc(state, forward(phone), output, self._leave, child)
            state, output = child, 0
        self._end_of_word(state)

    def _end_of_word(self, state: int) -> None:
        known = ("silence",) in self._states
        silence, loop = self._state(("silence",), SILENCE_PHONE), self._state("loop")
        if not known:
            self._arc(silence, 0, 0, 0.0, loop)
        self._arc(state, 0, 0, -math.log(1 - SILENCE_AFTER_WORD), loop)
        self._arc(state, forward(SILENCE_PHONE), 0, -math.log(SILENCE_AFTER_WORD) + self._leave, silence)

    def _unknown(self, loop: int) -> None:
        cost, output, hub = self._leave + UNKNOWN_PER_PHONE, self._numbers[UNKNOWN], self._state("hub")
        for phone in self._lexicon.phones:
            for position, source, word, ends in (
                ("S", loop, output, True),
                ("B", loop, output, False),
                ("I", hub, 0, False),
                ("E", hub, 0, True),
            ):
                number = self._lexicon.id(phone, position)
                state = self._state(("unknown", number), number)
                self._arc(source, forward(number), word, cost, state)
                if ends:
                    self._end_of_word(state)
                else:
                    self._arc(state, 0, 0, 0.0, hub)

    def _state(self, key: Hashable, phone: int | None = None) -> int:
        if key not in self._states:
            self._states[key] = self._fst.add_state()
            if phone is not None:
                self._arc(self._states[key], self_loop(phone), 0, self._stay, self._states[key])
        return self._states[key]

    def _arc(self, source: int, label: int, output: int, cost: float, target: int) -> None:
        self._fst.add_arc(source, fst.Arc(label, output, fst.Weight("tropical", cost), target))


def _sentences(lexicon: Lexicon, grammar: Grammar, numbers: dict[str, int], seed: int) -> fst.VectorFst:
    """Gr: a back-off bigram over sentences of the grammar; backing off costs little, free orders are normal."""
    unigram, bigram = _count(grammar, random.Random(seed))
    total = sum(unigram.values())
    ends = [*lexicon.words, "</s>"]
    alone = {word: (1 - UNIFORM) * unigram[word] / total + UNIFORM / len(ends) for word in ends}
    graph = fst.VectorFst()
    states = {history: graph.add_state() for history in ["<s>", "back-off", *lexicon.words]}
    graph.set_start(states["<s>"])

    def follow(source: str, word: str, chance: float) -> None:
        weight = fst.Weight("tropical", -math.log(chance))
        if word == "</s>":
            graph.set_final(states[source], weight)
        else:
            graph.add_arc(states[source], fst.Arc(numbers[word], numbers[word], weight, states[word]))

    for history in ["<s>", *lexicon.words]:
        counts = bigram[history]
        seen = sum(counts.values())
        spare = max(8.0, 0.25 * seen)
        back_off = (DISCOUNT * len(counts) + spare) / (seen + spare)
        for word, count in counts.items():
            follow(history, word, (count - DISCOUNT) / (seen + spare) + back_off * alone[word])
        weight = fst.Weight("tropical", -math.log(back_off))
        graph.add_arc(states[history], fst.Arc(numbers[DISAMBIGUATION], 0, weight, states["back-off"]))
    for word in ends:
        follow("back-off", word, alone[word])
    graph.arcsort("ilabel")
    return graph


def _count(grammar: Grammar, chance: random.Random) -> tuple[Counter[str], dict[str, Counter[str]]]:
    unigram: Counter[str] = Counter()
    bigram: dict[str, Counter[str]] = defaultdict(Counter)
    for _ in range(SENTENCES):
        history = "<s>"
        for word in [*grammar.sentence(chance), "</s>"]:
            unigram[word] += 1
            bigram[history][word] += 1
            history = word
    return unigram, bigram


def _disambiguation(lexicon: Lexicon) -> int:
    return 2 * len(lexicon.table) + 1


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
