"""Raw one-direction files side by side: each is a channel, and a missing or shorter one is silent to the end."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recordings.archive.rules import RATE, SAMPLE_BYTES, whole_samples

BLOCK = 8 * RATE
"""Samples at a time: eight seconds."""

Samples = npt.NDArray[np.int16]


class Tracks:
    """As long as the files were when this was made; what is written to them later does not count."""

    def __init__(self, sources: Sequence[Path | None]) -> None:
        self._sources = tuple(sources)
        self._counts = [whole_samples(source.stat().st_size) if source else 0 for source in sources]
        self.channels = len(sources)
        self.total = max(self._counts)
        """Samples of each channel."""

    def blocks(self) -> Iterator[Samples]:
        """Samples by channels, a block at a time."""
        for start in range(0, self.total, BLOCK):
            yield self._block(start, min(BLOCK, self.total - start))

    def digests(self) -> list[str]:
        """SHA-256 of each channel's samples (16 bits, little-endian), hexadecimal."""
        made = [hashlib.sha256() for _ in range(self.channels)]
        for block in self.blocks():
            for channel, digest in enumerate(made):
                digest.update(block[:, channel].tobytes())
        return [digest.hexdigest() for digest in made]

    def _block(self, start: int, length: int) -> Samples:
        block = np.zeros((length, self.channels), np.dtype("<i2"))
        for channel, (source, count) in enumerate(zip(self._sources, self._counts, strict=True)):
            here = min(length, count - start)
            if source and here > 0:
                block[:here, channel] = np.fromfile(source, "<i2", count=here, offset=start * SAMPLE_BYTES)
        return block


def padded_digest(source: Path, total: int) -> str | None:
    """SHA-256 of this file's samples, silent to the end of `total`; None for a longer file."""
    count = whole_samples(source.stat().st_size)
    if count > total:
        return None
    digest, left = hashlib.sha256(), count * SAMPLE_BYTES
    with source.open("rb") as raw:
        while left and (piece := raw.read(min(left, BLOCK * SAMPLE_BYTES))):
            digest.update(piece)
            left -= len(piece)
    silent = (total - count) * SAMPLE_BYTES
    for start in range(0, silent, BLOCK * SAMPLE_BYTES):
        digest.update(bytes(min(BLOCK * SAMPLE_BYTES, silent - start)))
    return digest.hexdigest()
