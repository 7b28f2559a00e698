"""How well stock Vosk decodes unheard utterances with a model folder."""

import json
from dataclasses import dataclass
from pathlib import Path

import vosk

from recordings.speech.training.features import RATE
from recordings.speech.training.synthesis import Utterance

CHUNK = 4000


@dataclass(frozen=True)
class Score:
    """Character errors over characters, and the first mistakes (said, heard)."""

    cer: float
    mistakes: list[tuple[str, str]]


def evaluate(model: Path, utterances: list[Utterance]) -> Score:
    """Decode and compare characters; blanks do not count."""
    vosk.SetLogLevel(-1)
    engine = vosk.Model(str(model))
    errors = characters = 0
    mistakes = []
    for utterance in utterances:
        said, heard = "".join(utterance.words), decode(engine, utterance)
        errors += edits(said, heard)
        characters += len(said)
        if said != heard:
            mistakes.append((said, heard))
    return Score(errors / characters, mistakes)


def decode(engine: vosk.Model, utterance: Utterance) -> str:
    """An utterance's text without blanks."""
    recogniser = vosk.KaldiRecognizer(engine, RATE)
    audio, texts = utterance.samples.tobytes(), []
    for start in range(0, len(audio), CHUNK):
        if recogniser.AcceptWaveform(audio[start : start + CHUNK]):
            texts.append(json.loads(recogniser.Result())["text"])
    texts.append(json.loads(recogniser.FinalResult())["text"])
    return "".join(texts).replace(" ", "")


def edits(said: str, heard: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(heard) + 1))
    for i, wanted in enumerate(said, 1):
        previous, row[0] = row[0], i
        for j, got in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (wanted != got))
    return row[-1]
