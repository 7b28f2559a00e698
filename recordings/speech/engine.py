"""The port to speech recognition: one loaded model, any number of streams, plain bytes in, words out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

RATE = 8000
BYTES_PER_SECOND = RATE * 2
PIECE = BYTES_PER_SECOND // 5
"""Bytes that are worth a call: 200 ms, about what an engine looks at together, and less than a pause."""


def pieces(audio: bytes) -> Iterator[bytes]:
    """`audio` in the pieces that `Stream.accept` wants."""
    return (audio[start : start + PIECE] for start in range(0, len(audio), PIECE))


@dataclass(frozen=True)
class Word:
    """A word, its time in seconds after the stream's first sample, and how sure the engine is (0..1)."""

    w: str
    start: float
    end: float
    conf: float


@dataclass(frozen=True)
class Utterance:
    """Words between two pauses."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """As it is written: Chinese has no blanks."""
        return "".join(word.w for word in self.words)

    @property
    def start(self) -> float:
        return self.words[0].start

    @property
    def end(self) -> float:
        return self.words[-1].end


@dataclass(frozen=True)
class Heard:
    """What a piece of audio brought: the words so far, or, after a pause, the finished utterance."""

    partial: str = ""
    ended: bool = False
    """Whether an utterance ended here, with words or without."""
    utterance: Utterance | None = None


class Stream(Protocol):
    """One voice. Calls come one after the other, from any thread."""

    def accept(self, audio: bytes, *, partial: bool = True) -> Heard:
        """Decode more samples: 8 kHz, signed 16 bits, little endian, mono.

        The end of an utterance is looked for once a call: give `PIECE` at a time. Without `partial` nobody asks
        for the words so far.
        """

    def finish(self) -> Heard:
        """No more samples: the last words."""


class Engine(Protocol):
    """A loaded model; streams share it and decode in parallel threads."""

    kind: str
    """What runs the model, such as `vosk`."""
    name: str
    digest: str
    """Of the model's files: what tells one version from another of the same name."""

    def stream(self) -> Stream:
        """A new voice."""
