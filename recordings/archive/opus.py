"""Sound as Opus: written, made the same file at each try, and heard again before it may stand for what was said."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

from recordings.archive.ogg import renumber
from recordings.archive.rules import RATE
from recordings.archive.told import Told
from recordings.archive.tracks import Samples, Tracks, padded_digest

WINDOW = RATE // 20
"""Samples of one measure of loudness: 50 ms."""
FLOOR = 24.0
"""Loudness that counts as silence, in steps of 16 bits: 63 dB below full scale."""
MOST = 0.25
"""Of the loudness of eight seconds of a voice so much may differ. Speech differs by up to 0.09 at 16 kbit/s and white
noise by 0.22; voices mixed, halved, exchanged or 50 ms late by 0.43 and more."""
LEAST_KBPS, MOST_KBPS = 6, 256
"""What libsndfile gives each channel at compression level 1 and 0; in between it is a straight line."""
PAGE_MS = 100.0
"""Ogg has no index: a player that jumps guesses the place by the time, and reads a page to see how far it missed. With
pages of a second, which libsndfile makes by itself, it asked up to fifteen times; with these once or twice."""
PAGE_LATENCY = 0x1302
"""libsndfile's SFC_SET_OGG_PAGE_LATENCY_MS, for which soundfile has no name of its own."""
SOURCE = "source-sha256"
"""Begins the comment that says what was encoded."""


def write(tracks: Tracks, target: BinaryIO, kbps: int) -> None:
    """The tracks as Ogg Opus of `kbps` for each channel. The digests of what was encoded stand in its comment, since no
    decoder gives those samples back."""
    digests = tracks.digests()
    level = (MOST_KBPS - kbps) / (MOST_KBPS - LEAST_KBPS)
    how = {"subtype": "OPUS", "format": "OGG", "compression_level": level}
    with Told(target) as told, soundfile.SoundFile(told, "w", RATE, tracks.channels, **how) as file:
        _page_every(file, PAGE_MS)
        file.comment = " ".join([SOURCE, *digests])
        for block in tracks.blocks():
            file.write(block)
    renumber(target, int(digests[0][:8], 16))


def resembles(target: BinaryIO, tracks: Tracks) -> bool:
    """Whether the file decodes to as many samples, and in every channel is loud where the source is and silent where it
    is silent. A tone above the band, a train of clicks are sounds that Opus does not carry."""
    target.seek(0)
    with soundfile.SoundFile(target) as file:
        for block in tracks.blocks():
            heard = file.read(len(block), dtype="int16", always_2d=True)
            if heard.shape != block.shape:
                return False
            said, differ = _loudness(block), np.abs(_loudness(heard) - _loudness(block))
            if np.any(differ.sum(axis=0) > MOST * (said + FLOOR).sum(axis=0)):
                return False
        return not len(file.read(1))


def made_of(file: soundfile.SoundFile, channel: int, source: Path) -> bool:
    """Whether this channel of an Opus file was encoded from `source`."""
    kind, *digests = str(file.comment).split(" ") or [""]
    wanted = padded_digest(source, file.frames)
    return kind == SOURCE and wanted is not None and digests[channel : channel + 1] == [wanted]


def _page_every(file: soundfile.SoundFile, milliseconds: float) -> None:
    given = soundfile._ffi.new("double *", milliseconds)
    soundfile._snd.sf_command(file._file, PAGE_LATENCY, given, soundfile._ffi.sizeof("double"))


def _loudness(block: Samples) -> npt.NDArray[np.float64]:
    """Root mean square of each window around its mean, by channel: what a telephone adds to all samples is no sound."""
    windows = -(-len(block) // WINDOW)
    whole = np.zeros((windows * WINDOW, block.shape[1]))
    whole[: len(block)] = block
    found: npt.NDArray[np.float64] = whole.reshape(windows, WINDOW, -1).std(axis=1)
    return found
