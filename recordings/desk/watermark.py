"""A mark in the sound of every copy that leaves: noise too soft to disturb, different for each export, found again by
whoever holds the installation's secret, also after the tags are gone and the sound was packed anew.

The noise repeats every two seconds. Folded on that period, an excerpt adds the mark up and lets speech fade; where the
excerpt begins falls out of the circular correlation. It names the export; it does not keep anybody from cutting,
playing at another speed or drowning it.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recordings.archive.rules import RATE
from recordings.archive.tracks import Samples

PERIOD = 16384
"""Samples after which the noise repeats."""
BAND = (300, 3000)
"""Hertz: what every telephone and every codec for speech carries."""
WINDOW = 400
"""Samples of one measure of loudness: 50 ms."""
FLOOR = 8.0
"""Root mean square of the mark where nobody speaks, in steps of 16 bits: −72 dB of full scale."""
SHARE = 0.04
"""Of the loudness of speech: the mark lies 28 dB below it."""
CERTAIN = 7.0
"""Standard deviations above chance from which a mark counts as found: by chance less than once in a million."""

Noise = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Match:
    """An export's number, and how clearly its mark stands out, in standard deviations."""

    number: str
    score: float


def noise_of(secret: bytes, number: str) -> Noise:
    """The noise of one export, of unit loudness."""
    seed = int.from_bytes(hmac.digest(secret, f"mark {number}".encode(), "sha256"), "big")
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(PERIOD))
    hertz = np.fft.rfftfreq(PERIOD, 1 / RATE)
    spectrum[(hertz < BAND[0]) | (hertz > BAND[1])] = 0
    noise = np.fft.irfft(spectrum, PERIOD)
    made: Noise = (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)
    return made


def marked(block: Samples, start: int, noise: Noise) -> Samples:
    """`block` (samples by channels), which begins at sample `start` of the sound, with the mark in it."""
    here = noise[(start + np.arange(len(block))) % PERIOD]
    made = block.astype(np.float32)
    for channel in range(block.shape[1]):
        level = np.maximum(FLOOR, SHARE * _loudness(made[:, channel]))
        made[:, channel] += level * here
    return np.clip(np.rint(made), -32768, 32767).astype(np.int16)


class Excerpt:
    """A sound that came from outside, folded on the period; give it mono at 8 kHz, block by block."""

    def __init__(self) -> None:
        self._folded = np.zeros(PERIOD)
        self._at = 0

    def add(self, mono: npt.NDArray[np.float32]) -> None:
        """More samples."""
        even = mono / (_loudness(mono) + FLOOR)
        places = (self._at + np.arange(len(even))) % PERIOD
        np.add.at(self._folded, places, even)
        self._at += len(even)

    def score(self, noise: Noise) -> float:
        """How clearly this noise stands out, wherever the excerpt began."""
        spectrum = np.fft.rfft(self._folded)
        spectrum /= np.abs(spectrum) + 1e-9
        found = np.fft.irfft(spectrum * np.conj(np.fft.rfft(noise)), PERIOD)
        return float(found.max() / (found.std() + 1e-9))


def recognised(excerpt: Excerpt, secret: bytes, numbers: Iterable[str]) -> list[Match]:
    """Of these exports those whose mark is in the excerpt, the clearest first."""
    scored = (Match(number, excerpt.score(noise_of(secret, number))) for number in numbers)
    return sorted((one for one in scored if one.score >= CERTAIN), key=lambda one: -one.score)


def _loudness(mono: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Root mean square of each window, at every sample of it."""
    windows = -(-len(mono) // WINDOW)
    padded = np.zeros(windows * WINDOW, np.float32)
    padded[: len(mono)] = mono
    each = np.sqrt(np.mean(padded.reshape(windows, WINDOW) ** 2, axis=1))
    return np.repeat(each, WINDOW)[: len(mono)].astype(np.float32)
