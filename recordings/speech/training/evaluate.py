"""`python -m recordings.speech.training.evaluate MODEL UTTERANCES.npz`: how well stock Vosk decodes unheard speech.

It has a process of its own. Vosk and pywrapfst each bring an OpenFst, whose registries the dynamic linker makes one
(STB_GNU_UNIQUE): where both are loaded, one library works on the other's memory.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import vosk

from recordings.speech.training.corpus import load
from recordings.speech.training.features import RATE
from recordings.speech.training.synthesis import Utterance

CHUNK = 4000
SHOWN = 5


@dataclass(frozen=True)
class Score:
    """Character errors over characters, how many utterances have one, and the first mistakes (said, heard)."""

    cer: float
    utterances: int
    wrong: int
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
    return Score(errors / characters, len(utterances), len(mistakes), mistakes[:SHOWN])


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


if __name__ == "__main__":
    print(json.dumps(asdict(evaluate(Path(sys.argv[1]), load(Path(sys.argv[2]))))))  # noqa: T201 - read by the build
