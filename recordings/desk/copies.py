"""A copy of a recording as it leaves: the same sound with the export's mark in it, and who took it in its tags."""

from dataclasses import dataclass
from typing import BinaryIO

import soundfile

from recordings.archive.tracks import BLOCK
from recordings.desk.watermark import Noise, marked
from recordings.store.digests import Digests, digests_of


@dataclass(frozen=True)
class Tags:
    """What stands in the file itself (Vorbis comments); `number` is what ledger and mark know the export by."""

    number: str
    by: str
    at: str
    why: str
    house: str
    source: str
    """SHA-256 of the recording that it was made from."""


@dataclass(frozen=True)
class Copy:
    """A copy's digests and its size in bytes."""

    digests: Digests
    size: int


def make_copy(source: BinaryIO, target: BinaryIO, noise: Noise, tags: Tags) -> Copy:
    """Write the marked copy of a stored file into `target`, block by block; lossless, so that nothing is lost twice.

    Raises `LibsndfileError` for what is no sound, OSError when the disk is full.
    """
    with soundfile.SoundFile(source) as sound:
        given = (sound.samplerate, sound.channels)
        with soundfile.SoundFile(target, "w", *given, subtype="PCM_16", format="FLAC") as copy:
            copy.title = f"录音导出 {tags.number}"
            copy.artist = tags.by
            copy.date = tags.at
            copy.copyright = f"{tags.house} 内部资料，不得外传"
            copy.comment = f"导出人 {tags.by}，{tags.at}，编号 {tags.number}；{tags.why}；原录音 SHA-256 {tags.source}"
            start = 0
            while len(block := sound.read(BLOCK, dtype="int16", always_2d=True)):
                copy.write(marked(block, start, noise))
                start += len(block)
    digests = digests_of(target)
    return Copy(digests, target.seek(0, 2))
