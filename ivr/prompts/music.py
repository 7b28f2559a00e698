"""What is heard besides words: the tone before a message and the music while waiting, both made here.

The melody is our own: slow pentatonic phrases on a soft bell, low enough that an announcement stands out.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from callflow.speak import RATE

Make = Callable[[], bytes]
BEAT_S = 0.75
SCALE = (392.0, 440.0, 523.25, 587.33, 659.25, 783.99)
"""宫商角徵羽 on C, from G4: sol la do re mi sol."""
PHRASES = (
    (2, 4, 5, 4, 3, 2, 1, None),
    (1, 2, 3, 4, 3, 2, 0, None),
    (0, 2, 3, 2, 4, 3, 2, None),
    (5, 4, 3, 2, 3, 1, 2, None),
)
ORDER = (0, 1, 0, 3, 2, 1, 3, 0)
LOUDEST = 0.22


def sounds(zh: Path, moh: Path) -> Iterator[tuple[str, Make]]:
    """Files and what makes their samples."""
    yield str(zh / "beep.wav"), beep
    yield str(moh / "waiting.wav"), waiting


def beep() -> bytes:
    """0.4 s at 950 Hz, as answering machines in China sound (GB/T 3971)."""
    time = np.arange(int(0.4 * RATE)) / RATE
    edge = np.minimum(1, np.minimum(time, time[-1] - time) / 0.01)
    return _pcm(0.3 * edge * np.sin(2 * np.pi * 950 * time))


def waiting() -> bytes:
    """About 50 s of calm melody that can be repeated without a seam."""
    beat = int(BEAT_S * RATE)
    notes = [note for phrase in ORDER for note in PHRASES[phrase]]
    length = len(notes) * beat
    sound = np.zeros(length)
    for position, note in enumerate(notes):
        if note is not None:
            _add(sound, position * beat, _bell(SCALE[note]))
        if position % 4 == 0:
            _add(sound, position * beat, 0.5 * _bell(SCALE[0] / 2))
    return _pcm(LOUDEST * sound / np.abs(sound).max())


def _bell(frequency: float) -> NDArray[np.float64]:
    time = np.arange(int(2.4 * RATE)) / RATE
    tone = sum(
        w * np.sin(2 * np.pi * frequency * n * time) * np.exp(-time * n) for n, w in ((1, 1.0), (2, 0.3), (3, 0.1))
    )
    return np.asarray(tone * np.minimum(1, time / 0.02) * np.exp(-1.2 * time))


def _add(sound: NDArray[np.float64], at: int, note: NDArray[np.float64]) -> None:
    """Wrapped around the end, so that the loop has no seam."""
    places = (at + np.arange(len(note))) % len(sound)
    np.add.at(sound, places, note)


def _pcm(sound: NDArray[np.float64]) -> bytes:
    return bytes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
