"""Raw one-direction files to one file: stereo for a talk, mono for a message; and back."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from core.log import get
from recordings.archive import opus
from recordings.archive.rules import RATE, SAMPLE_BYTES, whole_samples
from recordings.archive.seektable import add_seek_table
from recordings.archive.told import Told
from recordings.archive.tracks import BLOCK, Samples, Tracks
from recordings.forms import Encoding, Form
from recordings.store.digests import digests_of
from recordings.store.port import mismatch

log = get(__name__)


@dataclass(frozen=True)
class Encoded:
    """A file: its form, SHA-256 and SM3, size in bytes, and samples per channel."""

    form: Form
    digest: str
    sm3: str
    size: int
    samples: int


def encode(sources: Sequence[Path | None], target: BinaryIO, encoding: Encoding = Encoding.FLAC) -> Encoded:
    """Each source becomes one channel; a missing or shorter one is silent to the end.

    The result is decoded again and compared with the sources. What Opus would not carry is kept lossless instead, and
    lossless is to the sample: raises `Invalid("digest-mismatch")` when one differs, OSError when the disk is full.
    """
    tracks, form = Tracks(sources), encoding.form
    if form is Form.OPUS:
        opus.write(tracks, target, encoding.kbps)
        if not opus.resembles(target, tracks):
            log.warning("recording.kept-lossless", wanted=encoding.value, samples=tracks.total)
            form = Form.FLAC
            target.seek(0)
            target.truncate()
    if form is Form.FLAC:
        _write_lossless(tracks, target)
    digests = digests_of(target)
    return Encoded(form, digests.sha256, digests.sm3, target.seek(0, os.SEEK_END), tracks.total)


def _write_lossless(tracks: Tracks, target: BinaryIO) -> None:
    written, how = hashlib.sha256(), {"subtype": "PCM_16", "format": "FLAC"}
    with Told(target) as told, soundfile.SoundFile(told, "w", RATE, tracks.channels, **how) as file:
        for block in tracks.blocks():
            written.update(block.tobytes())
            file.write(block)
    add_seek_table(target, RATE)
    if _decoded_digest(target) != written.hexdigest():
        raise mismatch()


def _decoded_digest(flac: BinaryIO) -> str:
    digest = hashlib.sha256()
    flac.seek(0)
    with soundfile.SoundFile(flac) as file:
        while len(block := file.read(BLOCK, dtype="int16", always_2d=True)):
            digest.update(block.tobytes())
    return digest.hexdigest()


def peaks_of(sound: BinaryIO, points: int) -> list[list[int]]:
    """The waveform of a stored file: the loudest sample of each of at most `points` parts, per channel."""
    with soundfile.SoundFile(sound) as file:
        loudest, start = _Peaks(file.channels, file.frames, points), 0
        while len(block := file.read(BLOCK, dtype="int16", always_2d=True)):
            loudest.add(start, block)
            start += len(block)
    return loudest.values()


def holds(sound: BinaryIO, sources: Sequence[Path | None]) -> bool:
    """Whether each channel of this stored file is, or was encoded from, the sound of its source, silent to the end
    behind it; a channel whose source is missing may be anything."""
    return all(_channel_holds(sound, channel, source) for channel, source in enumerate(sources) if source)


def _channel_holds(sound: BinaryIO, channel: int, source: Path) -> bool:
    sound.seek(0)
    with soundfile.SoundFile(sound) as file:
        if file.subtype == "OPUS":
            return opus.made_of(file, channel, source)
        return _same_samples(file, channel, source)


def _same_samples(file: soundfile.SoundFile, channel: int, source: Path) -> bool:
    with source.open("rb") as raw:
        while len(block := file.read(BLOCK, dtype="int16", always_2d=True)):
            sound = raw.read(len(block) * SAMPLE_BYTES)
            samples = np.zeros(len(block), "<i2")
            whole = whole_samples(len(sound))
            samples[:whole] = np.frombuffer(sound, "<i2", count=whole)
            if not np.array_equal(samples, block[:, channel]):
                return False
        return len(raw.read(SAMPLE_BYTES)) < SAMPLE_BYTES


class _Peaks:
    """Collects the loudest sample of each part of a sound."""

    def __init__(self, channels: int, total: int, points: int) -> None:
        self._part = max(1, -(-total // points))
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
