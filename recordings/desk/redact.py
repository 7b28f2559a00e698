"""Redaction 脱敏: chosen stretches become a tone, in the sound of a derived copy and in its words; the source stays."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import numpy as np
import soundfile

from core.errors import Invalid
from recordings.archive.tracks import BLOCK, Samples
from recordings.models import Side
from recordings.store.digests import Digests, digests_of
from recordings.store.port import mismatch

MOST = 200
"""Stretches of one copy."""
MARGIN_S = 0.1
"""Taken before and after each stretch: the borders of words are known no better."""
TONE = 1000
"""Hertz of the bleep."""
LOUD = 2500
"""Its amplitude, in steps of 16 bits."""
MASK = "■"
Told = Callable[[int], None]
SIDES = (Side.CITIZEN, Side.OTHER)
"""Whose voice each channel holds."""


@dataclass(frozen=True)
class Stretch:
    """Seconds of the recording, on one channel."""

    channel: int
    start: float
    end: float


def tidied(wanted: Iterable[Stretch], channels: int, seconds: float) -> list[Stretch]:
    """With margins, overlapping ones joined, in order. Raises `Invalid("bad-stretch")` for what lies outside."""
    given = sorted(wanted, key=lambda one: (one.channel, one.start))
    if not given or len(given) > MOST:
        raise Invalid("bad-stretch", f"请选择要遮盖的时段，最多 {MOST} 段。", fields={"stretch": "请选择要遮盖的时段"})
    joined: list[Stretch] = []
    for one in given:
        if not (0 <= one.channel < channels and 0 <= one.start < one.end <= seconds + 1):
            raise Invalid("bad-stretch", "遮盖的时段不在录音之内。", fields={"stretch": "时段不在录音之内"})
        start, end = max(0.0, one.start - MARGIN_S), min(seconds, one.end + MARGIN_S)
        last = joined[-1] if joined else None
        if last and last.channel == one.channel and start <= last.end:
            joined[-1] = Stretch(one.channel, last.start, max(last.end, end))
        else:
            joined.append(Stretch(one.channel, start, end))
    return joined


def bleep(source: BinaryIO, target: BinaryIO, stretches: Sequence[Stretch], told: Told) -> Digests:
    """Write the copy, decode it again and compare -> its digests. Nothing of the sound is left in a stretch. `told`
    hears how many seconds of sound are done, twice those of the recording in all.

    It is lossless whatever the source is: what stands in it besides the tone is the source, to the sample.

    Raises `LibsndfileError`, `Invalid("digest-mismatch")`, OSError when the disk is full.
    """
    written = hashlib.sha256()
    with soundfile.SoundFile(source) as sound:
        rate = sound.samplerate
        with soundfile.SoundFile(target, "w", rate, sound.channels, subtype="PCM_16", format="FLAC") as copy:
            start = 0
            while len(block := sound.read(BLOCK, dtype="int16", always_2d=True)):
                _cover(block, start, rate, stretches)
                written.update(block.tobytes())
                copy.write(block)
                start += len(block)
                told(start // rate)
    target.seek(0)
    read = hashlib.sha256()
    with soundfile.SoundFile(target) as copy:
        while len(block := copy.read(BLOCK, dtype="int16", always_2d=True)):
            read.update(block.tobytes())
            start += len(block)
            told(start // rate)
    if read.digest() != written.digest():
        raise mismatch()
    return digests_of(target)


def _cover(block: Samples, start: int, rate: int, stretches: Sequence[Stretch]) -> None:
    for one in stretches:
        first = max(0, int(one.start * rate) - start)
        last = min(len(block), int(np.ceil(one.end * rate)) - start)
        if first < last:
            at = (start + np.arange(first, last)) / rate
            block[first:last, one.channel] = (LOUD * np.sin(2 * np.pi * TONE * at)).astype(np.int16)


def masked(
    side: Side, text: str, words: Sequence[dict[str, Any]], span: tuple[float, float], covered: Sequence[Stretch]
) -> str:
    """A line without the words that lie in a stretch of its voice; times are those of the recording.

    Where the words are not those of the text, since somebody corrected it, the whole line goes.
    """
    mine = [one for one in covered if SIDES[one.channel] is side]
    if not any(_touches(one, *span) for one in mine):
        return text
    if not words or "".join(str(word["w"]) for word in words) != text:
        return MASK * len(text)
    return "".join(_word(word, mine) for word in words)


def _word(word: dict[str, Any], mine: Sequence[Stretch]) -> str:
    hidden = any(_touches(one, float(word["start"]), float(word["end"])) for one in mine)
    return MASK * len(word["w"]) if hidden else str(word["w"])


def _touches(one: Stretch, start: float, end: float) -> bool:
    """Whether more of it is covered than the margin of a neighbour, or half of it."""
    shared = min(one.end, end) - max(one.start, start)
    return shared > min(1.5 * MARGIN_S, (end - start) / 2)


def as_rows(stretches: Sequence[Stretch]) -> list[dict[str, Any]]:
    """As the table keeps them."""
    return [asdict(one) for one in stretches]
