"""`hotline archive whose`: which export a sound that turned up elsewhere comes from."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from sqlalchemy import select

from core.clock import local
from core.errors import Invalid
from hotline.settings import Settings
from hotline.tools.archive import instance
from recordings.archive.rules import RATE
from recordings.desk.exporting import SECRET
from recordings.desk.models import Export
from recordings.desk.watermark import Excerpt, Match, recognised

BLOCK_S = 10


async def whose(settings: Settings, file: Path) -> list[tuple[Match, Export]]:
    """The exports whose mark is in the file, the clearest first. Raises `Invalid("not-a-sound")`."""
    excerpt = heard(file)
    async with instance(settings) as runtime:
        async with runtime.db.session() as session:
            known = {one.number: one for one in await session.scalars(select(Export))}
        secret = runtime.secrets.get(SECRET).encode()
    return [(match, known[match.number]) for match in recognised(excerpt, secret, known)]


def heard(file: Path) -> Excerpt:
    """A sound file of any rate (WAV, FLAC, OGG, MP3), read block by block.

    Raises `Invalid("no-such-file" | "not-a-sound")`.
    """
    excerpt = Excerpt()
    if not file.is_file():
        raise Invalid("no-such-file", f"没有找到文件 {file}。")
    try:
        with soundfile.SoundFile(file) as sound:
            start = 0
            while len(block := sound.read(BLOCK_S * sound.samplerate, dtype="float32", always_2d=True)):
                excerpt.add(at_rate(block.mean(axis=1) * 32768, start, sound.samplerate))
                start += len(block)
    except (soundfile.LibsndfileError, OSError) as error:
        raise Invalid("not-a-sound", f"{file} 不是可以识别的声音文件。") from error
    return excerpt


def at_rate(mono: npt.NDArray[np.float32], start: int, rate: int) -> npt.NDArray[np.float32]:
    """A block that begins at sample `start` of its sound, at 8 kHz."""
    if rate == RATE:
        return mono
    width = max(1, rate // RATE)
    smooth = np.convolve(mono, np.full(width, 1 / width), "same") if width > 1 else mono
    first, behind = -(-start * RATE // rate), -(-(start + len(mono)) * RATE // rate)
    return np.interp(np.arange(first, behind) * rate / RATE - start, np.arange(len(mono)), smooth).astype(np.float32)


def as_text(found: list[tuple[Match, Export]]) -> list[str]:
    """What was found, a sentence each."""
    if not found:
        return ["没有找到本系统导出的标记。变速、叠加很强的噪声或过短（不足3秒）的声音无法识别。"]
    return [
        f"导出编号 {match.number}，导出人 {one.by_name}，{local(one.asked_at):%Y-%m-%d}，{one.about}；"
        f"用途 {one.purpose}：{one.reason}（标记强度 {match.score:.0f}）"
        for match, one in found
    ]
