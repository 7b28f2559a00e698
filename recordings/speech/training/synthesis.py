"""Labelled speech: espeak-ng's voices as a telephone line would carry them."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, lfilter, resample_poly, sosfilt

from recordings.speech.training.espeak import Espeak, Spoken, Voice
from recordings.speech.training.features import RATE
from recordings.speech.training.lexicon import SILENCE, Lexicon

Signal = npt.NDArray[np.float64]
CLOSURE_S = 0.07
"""A shorter pause is the closure of the stop that follows, not silence."""
NON_SPEECH = 0.08
"""Share of training utterances without a word: tones, hum, noise."""


@dataclass(frozen=True)
class Utterance:
    """Samples at 8 kHz, the words in them, and (start s, end s, phone) for each phone."""

    samples: npt.NDArray[np.int16]
    words: list[str] = field(default_factory=list)
    labels: list[tuple[float, float, str]] = field(default_factory=list)


class Synthesiser:
    """Makes utterances; the same seed makes the same ones."""

    def __init__(self, espeak: Espeak, lexicon: Lexicon, seed: int) -> None:
        self._espeak = espeak
        self._lexicon = lexicon
        self._chance = random.Random(seed)
        self._noise = np.random.default_rng(seed)

    def speak(self, words: list[str], voice: Voice, snr_db: float) -> Utterance | None:
        """One utterance, or None where espeak said other phones than the lexicon has."""
        syllables: list[str] = []
        for word in words:
            syllables += self._lexicon.words[word]
            if self._chance.random() < 0.06:
                syllables[-1] += ","
        spoken = self._espeak.say(" ".join(syllables), voice)
        segments = _segments(spoken)
        expected = [phone for word in words for phone in self._lexicon.phones_of(word)]
        if [phone for _, _, phone in segments if phone != SILENCE] != expected:
            return None
        before = self._chance.uniform(0.1, 0.6)
        wide = np.frombuffer(spoken.samples, np.int16).astype(np.float64) / 32768
        narrow = resample_poly(wide, RATE // 50, spoken.rate // 50)
        padded = np.pad(narrow, (int(before * RATE), int(self._chance.uniform(0.15, 0.6) * RATE)))
        labels = [(before + a / spoken.rate, before + b / spoken.rate, phone) for a, b, phone in segments]
        return Utterance(self._line(padded, snr_db), words, labels)

    def non_speech(self) -> Utterance:
        """Sounds of a telephone line that are not words."""
        chance = self._chance
        time = np.arange(int(chance.uniform(1.5, 5) * RATE)) / RATE
        cadence = np.floor(time / chance.uniform(0.2, 1.2)) % chance.choice([1, 2, 3]) == 0
        kinds: dict[str, Callable[[], Signal]] = {
            "tone": lambda: _tone(chance.uniform(200, 2500), time) * cadence,
            "keys": lambda: (
                (_tone(chance.choice([697, 770, 852, 941]), time) + _tone(chance.choice([1209, 1336, 1477]), time))
                * cadence
            ),
            "ringing": lambda: _tone(450, time) * cadence,
            "hum": lambda: sum((_tone(50 * h, time) * chance.random() for h in range(1, 8)), 0 * time),
            "sweep": lambda: _tone(chance.uniform(200, 600) + chance.uniform(50, 400) * time, time),
            "melody": lambda: sum(
                (_tone(chance.uniform(200, 1200), time) * (np.floor(time / 0.25) % 4 == note) for note in range(4)),
                0 * time,
            ),
            "hiss": lambda: 0 * time,
        }
        sound = kinds[chance.choice(list(kinds))]()
        sound = sound + self._noise.standard_normal(len(time)) * chance.choice([0.003, 0.03, 0.3])
        return Utterance(_sixteen_bit(_level(sound, chance.uniform(0.002, 0.2))))

    def _line(self, sound: Signal, snr_db: float) -> npt.NDArray[np.int16]:
        chance = self._chance
        if chance.random() < 0.5:
            band = [chance.uniform(150, 320), chance.uniform(3200, 3700)]
            sound = sosfilt(butter(chance.choice([2, 4]), band, "band", fs=RATE, output="sos"), sound)
        if chance.random() < 0.3:
            delay = int(chance.uniform(0.01, 0.06) * RATE)
            echo = np.zeros_like(sound)
            echo[delay:] = chance.uniform(0.1, 0.35) * sound[:-delay]
            sound = sound + echo
        noise = self._noise.standard_normal(len(sound))
        if chance.random() < 0.4:
            noise = lfilter([1], [1, -chance.uniform(0.6, 0.97)], noise)
        if chance.random() < 0.25:
            hum = _tone(50 * chance.choice([1, 2, 3]), np.arange(len(noise)) / RATE)
            noise = noise / np.std(noise) + 0.7 * hum
        power = np.sqrt(np.mean(sound**2) + 1e-12)
        sound = sound + _level(noise, float(power) * 10 ** (-snr_db / 20))
        sound = np.clip(_level(sound, chance.uniform(0.015, 0.2)), -1, 1)
        if chance.random() < 0.6:
            sound = chance.choice([a_law, mu_law])(sound)
        return _sixteen_bit(sound)


def a_law(sound: Signal) -> Signal:
    """What ITU-T G.711 A-law leaves of a signal in [-1, 1] (continuous law, 8 bits)."""
    a = 87.6
    magnitude = np.abs(sound)
    bent = np.where(magnitude < 1 / a, a * magnitude, 1 + np.log(np.maximum(a * magnitude, 1e-9)))
    code = np.round(bent / (1 + np.log(a)) * 127) / 127 * (1 + np.log(a))
    return np.asarray(np.sign(sound) * np.where(code < 1, code / a, np.exp(code - 1) / a))


def mu_law(sound: Signal) -> Signal:
    """What ITU-T G.711 µ-law leaves of a signal in [-1, 1] (continuous law, 8 bits)."""
    code = np.round(np.log1p(255 * np.abs(sound)) / np.log(256) * 127) / 127
    return np.asarray(np.sign(sound) * (256**code - 1) / 255)


def _segments(spoken: Spoken) -> list[tuple[int, int, str]]:
    """(start, end, phone) in samples: short pauses joined to the stop after them, long ones as silence."""
    total = len(spoken.samples) // 2
    merged: list[tuple[int, int, str]] = []
    ends = [start for start, _ in spoken.phones[1:]] + [total]
    for (start, phone), end in zip(spoken.phones, ends, strict=True):
        if not phone and merged and not merged[-1][2]:
            merged[-1] = merged[-1][0], end, phone
        elif phone or end > start:
            merged.append((start, end, phone))
    segments: list[tuple[int, int, str]] = []
    closure: int | None = None
    for index, (start, end, phone) in enumerate(merged):
        if phone:
            segments.append((start if closure is None else closure, end, phone))
            closure = None
        elif end - start < CLOSURE_S * spoken.rate and index + 1 < len(merged):
            closure = start
        elif end > start:
            segments.append((start, end, SILENCE))
    return segments


def _tone(hertz: float | Signal, time: Signal) -> Signal:
    return np.asarray(np.sin(2 * np.pi * hertz * time))


def _level(sound: Signal, rms: float) -> Signal:
    return np.asarray(sound / np.sqrt(np.mean(sound**2) + 1e-12) * rms)


def _sixteen_bit(sound: Signal) -> npt.NDArray[np.int16]:
    return np.clip(np.round(sound * 32767), -32768, 32767).astype(np.int16)
