"""Raw one-direction files to one lossless file: stereo for a talk, mono for a message."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

from recordings.archive.rules import RATE, SAMPLE_BYTES, whole_samples
from recordings.store.digests import digests_of
from recordings.store.port import mismatch

BLOCK = 8 * RATE
"""Samples at a time: eight seconds."""
PEAKS = 1000
"""Points of a waveform."""

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Encoded:
    """A FLAC file: its SHA-256 and SM3, size in bytes, and samples per channel."""

    digest: str
    sm3: str
    size: int
    samples: int


def encode(sources: list[Path | None], target: BinaryIO) -> Encoded:
    """Each source becomes one channel; a missing or shorter one is silent to the end.

    The result is decoded again and compared with the sources: raises `Invalid("digest-mismatch")` when one
    sample differs, OSError when the disk is full.
    """
    counts = [whole_samples(source.stat().st_size) if source else 0 for source in sources]
    total = max(counts)
    written = hashlib.sha256()
    with soundfile.SoundFile(target, "w", RATE, len(sources), subtype="PCM_16", format="FLAC") as file:
        for start in range(0, total, BLOCK):
            block = _interleave(sources, counts, start, min(BLOCK, total - start))
            written.update(block.tobytes())
            file.write(block)
    if _decoded_digest(target) != written.hexdigest():
        raise mismatch()
    digests = digests_of(target)
    return Encoded(digests.sha256, digests.sm3, target.seek(0, os.SEEK_END), total)


def peaks_of(path: Path) -> list[list[int]]:
    """Waveform points of a stored file, per channel."""
    with soundfile.SoundFile(path) as file:
        loudest, start = _Peaks(file.channels, file.frames), 0
        while len(block := file.read(BLOCK, dtype="int16", always_2d=True)):
            loudest.add(start, block)
            start += len(block)
    return loudest.values()


class _Peaks:
    """Collects the loudest sample of each part of a sound."""

    def __init__(self, channels: int, total: int) -> None:
        self._part = max(1, -(-total // PEAKS))
        self._values = np.zeros((channels, -(-total // self._part)), np.int32)

    def add(self, start: int, block: Samples) -> None:
        first, loud = start // self._part, np.abs(block.astype(np.int32))
        edges = np.arange(first, -(-(start + len(block)) // self._part)) * self._part - start
        np.maximum(
            self._values[:, first : first + len(edges)],
            np.maximum.reduceat(loud, np.maximum(edges, 0), axis=0).T,
            out=self._values[:, first : first + len(edges)],
        )

    def values(self) -> list[list[int]]:
        return self._values.tolist()


def _interleave(sources: list[Path | None], counts: list[int], start: int, length: int) -> Samples:
    block = np.zeros((length, len(sources)), np.int16)
    for channel, (source, count) in enumerate(zip(sources, counts, strict=True)):
        here = min(length, count - start)
        if source and here > 0:
            block[:here, channel] = np.fromfile(source, "<i2", count=here, offset=start * SAMPLE_BYTES)
    return block


def _decoded_digest(flac: BinaryIO) -> str:
    digest = hashlib.sha256()
    flac.seek(0)
    with soundfile.SoundFile(flac) as file:
        while len(block := file.read(BLOCK, dtype="int16", always_2d=True)):
            digest.update(block.tobytes())
    return digest.hexdigest()
