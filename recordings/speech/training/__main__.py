"""`python -m recordings.speech.training OUT_DIR`: speak, train, export, evaluate."""

import argparse
import json
import logging
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recordings.speech.digests import write_digests
from recordings.speech.training.corpus import save
from recordings.speech.training.espeak import Espeak, Voice
from recordings.speech.training.export import write_model
from recordings.speech.training.graph import write_graph
from recordings.speech.training.lexicon import Lexicon
from recordings.speech.training.net import example, priors, train
from recordings.speech.training.synthesis import NON_SPEECH, Synthesiser, Utterance, a_law
from recordings.speech.training.vocabulary import Grammar

log = logging.getLogger(__name__)

TRAINING_VOICES = ["", "", "", "", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+f1", "+f2", "+f3", "+f5"]
UNHEARD_VOICES = ["+m7", "+f4"]
UNHEARD_RATES = range(190, 200)
UNHEARD_PITCHES = (41, 43, 45, 61, 63, 65)
RATES = [rate for rate in range(115, 236) if rate not in UNHEARD_RATES]
PITCHES = [pitch for pitch in range(15, 86) if pitch not in UNHEARD_PITCHES]


def main() -> None:
    """Build a model folder."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = _options()
    torch.set_num_threads(1)
    began = time.monotonic()
    espeak, grammar = Espeak(), Grammar(options.gazetteer)
    lexicon = Lexicon(grammar.words, espeak)
    chance = random.Random(options.seed)
    synthesiser = Synthesiser(espeak, lexicon, options.seed)

    training = [_training(grammar, synthesiser, chance) for _ in range(options.utterances)]
    known = {tuple(utterance.words) for utterance in training}
    test = [_unheard(grammar, synthesiser, chance, known, TRAINING_VOICES) for _ in range(300)]
    strangers = [_unheard(grammar, synthesiser, chance, known, UNHEARD_VOICES) for _ in range(100)]
    hours = sum(len(utterance.samples) for utterance in training) / 8000 / 3600
    log.info(f"{len(lexicon.words)} words, {len(lexicon.phones)} phones, {hours:.1f} h of speech")

    examples = [example(utterance, lexicon.pdfs) for utterance in training]
    held_out = [example(utterance, lexicon.pdfs) for utterance in test[:100]]
    network = train(
        examples, held_out, len(lexicon.pdfs), width=options.width, epochs=options.epochs, seed=options.seed
    )
    write_model(options.out / "am" / "final.mdl", network, lexicon.table, priors(examples, len(lexicon.pdfs)))
    write_graph(options.out, lexicon, grammar, options.seed)
    write_digests(options.out)
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    log.info(f"built in {time.monotonic() - began:.0f} s, {size / 1000:.0f} kB")

    for name, utterances in (
        ("unheard sentences", test),
        ("the same through A-law", [_through_a_law(utterance) for utterance in test]),
        ("unheard voices", strangers),
    ):
        score = _evaluate(options.out, utterances)
        log.info(f"CER {score['cer']:.4f}, {score['wrong']} of {score['utterances']} utterances wrong: {name}")
        log.info("".join(f"    {said} -> {heard}\n" for said, heard in score["mistakes"]))


def _evaluate(model: Path, utterances: list[Utterance]) -> dict[str, Any]:
    """See `evaluate`, which needs a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "utterances.npz"
        save(kept, utterances)
        command = [sys.executable, "-m", "recordings.speech.training.evaluate", str(model), str(kept)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    score: dict[str, Any] = json.loads(done.stdout)
    return score


def _training(grammar: Grammar, synthesiser: Synthesiser, chance: random.Random) -> Utterance:
    if chance.random() < NON_SPEECH:
        return synthesiser.non_speech()
    while True:
        words = grammar.sentence(chance) if chance.random() < 0.6 else grammar.free(chance)
        voice = Voice(
            chance.choice(TRAINING_VOICES),
            chance.choice(RATES),
            chance.choice(PITCHES),
            chance.choice([30, 50, 70]),
            chance.choice([0, 0, 0, 1, 2]),
        )
        if utterance := synthesiser.speak(words, voice, chance.uniform(2, 45)):
            return utterance


def _unheard(
    grammar: Grammar, synthesiser: Synthesiser, chance: random.Random, known: set[tuple[str, ...]], voices: list[str]
) -> Utterance:
    """Word orders, rates and pitches that training never had."""
    while True:
        words = grammar.sentence(chance) if chance.random() < 0.6 else grammar.free(chance)
        voice = Voice(chance.choice(voices), chance.choice(UNHEARD_RATES), chance.choice(UNHEARD_PITCHES))
        utterance = None if tuple(words) in known else synthesiser.speak(words, voice, chance.uniform(15, 40))
        if utterance:
            return utterance


def _through_a_law(utterance: Utterance) -> Utterance:
    sound = a_law(utterance.samples.astype(np.float64) / 32768) * 32767
    return replace(utterance, samples=np.round(sound).astype(np.int16))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the tiny test model from synthetic speech.")
    parser.add_argument("out", type=Path, help="folder of the model")
    parser.add_argument("--gazetteer", type=Path, default=Path("counties/yiyang/gazetteer.toml"))
    parser.add_argument("--utterances", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--width", type=int, default=96, help="units of each hidden layer")
    parser.add_argument("--seed", type=int, default=12345)
    return parser.parse_args()


if __name__ == "__main__":
    main()
