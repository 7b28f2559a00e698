"""Utterances in a file, from one process of the build to the next."""

from pathlib import Path

import numpy as np

from recordings.speech.training.synthesis import Utterance


def save(path: Path, utterances: list[Utterance]) -> None:
    """Keep samples and words; the phones' times are for training only."""
    np.savez(
        path,
        samples=np.concatenate([utterance.samples for utterance in utterances]),
        lengths=[len(utterance.samples) for utterance in utterances],
        words=[" ".join(utterance.words) for utterance in utterances],
    )


def load(path: Path) -> list[Utterance]:
    """What `save` kept."""
    with np.load(path) as kept:
        pieces = np.split(kept["samples"], np.cumsum(kept["lengths"])[:-1])
        return [Utterance(piece, str(words).split()) for piece, words in zip(pieces, kept["words"], strict=True)]
