"""Sound as Opus: exact in time, each voice on its side, the same file at each try, and lossless where Opus fails."""

import io
import itertools
import os
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recordings.archive import opus
from recordings.archive.ogg import checksum
from recordings.archive.rules import RATE
from recordings.archive.sound import encode, holds, peaks_of
from recordings.archive.tracks import BLOCK, Samples, Tracks
from recordings.forms import Encoding, Form
from recordings.speech.service import SAMPLE

SPEECH: Samples = soundfile.read(SAMPLE, dtype="int16")[0]
LOSSY = [one for one in Encoding if one.form is Form.OPUS]


def raw(folder: Path, name: str, samples: Samples) -> Path:
    path = folder / name
    path.write_bytes(samples.astype("<i2").tobytes())
    return path


def dialogue(folder: Path, seconds: int = 14) -> list[Path]:
    """They speak in turns: seven seconds the citizen, seven the other."""
    length = seconds * RATE
    left, right = (np.zeros(length, np.int16) for _ in "ab")
    for turn, start in enumerate(range(0, length, len(SPEECH))):
        side = right if turn % 2 else left
        side[start : start + len(SPEECH)] = SPEECH[: length - start]
    return [raw(folder, "in.sln", left), raw(folder, "out.sln", right[: length - 999])]


def decoded(sound: io.BytesIO) -> Samples:
    sound.seek(0)
    found: Samples = soundfile.read(sound, dtype="int16", always_2d=True)[0]
    return found


@pytest.mark.parametrize("encoding", LOSSY)
def test_each_voice_stays_on_its_side_at_its_second_and_as_loud(tmp_path: Path, encoding: Encoding) -> None:
    sources, target = dialogue(tmp_path), io.BytesIO()
    made = encode(sources, target, encoding)
    was, now = next(iter(Tracks(sources).blocks())), decoded(target)
    assert (made.form, made.samples, len(now)) == (Form.OPUS, 14 * RATE, 14 * RATE)
    assert made.size == len(target.getvalue())
    assert made.size * 8 / 14 < 2.4 * 1000 * encoding.kbps, "two voices, of which one is silent at a time"
    here = slice(RATE // 2, len(SPEECH) - RATE // 2)
    assert np.corrcoef(was[here, 0], now[here, 0])[0, 1] > 0.93
    energy = (now[here].astype(float) ** 2).mean(axis=0) + 1e-3
    assert 10 * np.log10(energy[0] / energy[1]) > 55, "who is silent does not hear the other"
    assert energy[0] == pytest.approx((was[here, 0].astype(float) ** 2).mean(), rel=0.1)
    loudest = peaks_of(io.BytesIO(target.getvalue()), 14)
    assert len(loudest[0]) == 14 and max(loudest[0][1:5]) > 50 * max(loudest[1][1:5])


@pytest.mark.parametrize("samples", [2, 79, 80, 81, 159, 160, 161, 313, 8000, 8001, BLOCK - 1, BLOCK, BLOCK + 1])
def test_the_length_is_exact(tmp_path: Path, samples: int) -> None:
    sound = np.tile(SPEECH, 2)[3000 : 3000 + samples]
    target = io.BytesIO()
    tracks = Tracks([raw(tmp_path, "in.sln", sound)])
    opus.write(tracks, target, 24)
    assert len(decoded(target)) == samples
    target.seek(0)
    assert soundfile.SoundFile(target).frames == samples
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opus, "MOST", 1e9)
        assert opus.resembles(target, tracks)


def test_the_same_sound_is_the_same_file(tmp_path: Path) -> None:
    sources, files = dialogue(tmp_path), [io.BytesIO(), io.BytesIO()]
    first, second = (encode(sources, file, Encoding.OPUS_24) for file in files)
    assert first == second and files[0].getvalue() == files[1].getvalue()


def test_a_player_finds_its_place_by_short_pages(tmp_path: Path) -> None:
    target = io.BytesIO()
    encode(dialogue(tmp_path), target, Encoding.OPUS_24)
    ends = [int.from_bytes(head[2:10], "little") for head in target.getvalue().split(b"OggS")[3:]]
    steps = [b - a for a, b in itertools.pairwise(ends)]
    assert len(ends) == 140 and set(steps[:-1]) == {4800}, "a tenth of a second, at 48 kHz"


def test_another_decoder_agrees(tmp_path: Path) -> None:
    target = io.BytesIO()
    encode(dialogue(tmp_path), target, Encoding.OPUS_32)
    (tmp_path / "x.opus").write_bytes(target.getvalue())
    said = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", tmp_path / "x.opus", "-f", "s16le", "-ar", "8000", "-"],
        check=True, capture_output=True,
    )  # fmt: skip
    assert said.stderr == b"", "no page fails its checksum"
    theirs, ours = np.frombuffer(said.stdout, "<i2").reshape(-1, 2), decoded(target)
    assert abs(len(theirs) - len(ours)) <= 1, "it resamples from 48 kHz"
    assert np.corrcoef(theirs[: len(ours), 0], ours[: len(theirs), 0])[0, 1] > 0.99


def test_the_checksum_is_that_of_the_rfc() -> None:
    slow, page = 0, os.urandom(1000)
    for byte in page:
        slow ^= byte << 24
        for _ in range(8):
            slow = (slow << 1 ^ 0x04C11DB7 if slow & 1 << 31 else slow << 1) & 0xFFFFFFFF
    assert checksum(page) == slow != zlib.crc32(page)


AT = np.arange(10 * RATE) / RATE
UNFIT = {
    "a tone at the edge of the band": 20000 * np.sin(2 * np.pi * 3900 * AT),
    "clicks": np.where(np.arange(len(AT)) % 4000 == 0, 30000, 0),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_opus_does_not_carry_stays_lossless(tmp_path: Path, name: str) -> None:
    loud = np.random.default_rng(7).choice(np.array([-32768, 32767], np.int16), len(AT))
    samples, target = np.stack([UNFIT[name].astype(np.int16), loud], axis=1), io.BytesIO()
    sources = [raw(tmp_path, f"{channel}.sln", samples[:, channel]) for channel in (0, 1)]
    made = encode(sources, target, Encoding.OPUS_16)
    assert made.form is Form.FLAC and made.size == len(target.getvalue())
    assert np.array_equal(decoded(target), samples)


WRONG = {
    "exchanged": lambda a, b: (b, a),
    "mixed": lambda a, b: ((a // 2 + b // 2),) * 2,
    "one voice lost": lambda a, b: (a, b * 0),
    "half as loud": lambda a, b: (a // 2, b // 2),
    "late by 50 ms": lambda a, b: (np.roll(a, 400), np.roll(b, 400)),
    "leaking at -30 dB": lambda a, b: (a + b // 32, b + a // 32),
    "one sample short": lambda a, b: (a[:-1], b[:-1]),
    "one sample long": lambda a, b: (np.append(a, a[:1]), np.append(b, b[:1])),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_not_what_was_said_is_found(tmp_path: Path, name: str) -> None:
    sources = dialogue(tmp_path)
    left, right = np.concatenate(list(Tracks(sources).blocks())).T
    (tmp_path / "wrong").mkdir()
    other = [raw(tmp_path / "wrong", f"{n}.sln", one) for n, one in enumerate(WRONG[name](left, right))]
    target = io.BytesIO()
    opus.write(Tracks(other), target, 48)
    assert opus.resembles(target, Tracks(other)) and not opus.resembles(target, Tracks(sources))


@pytest.mark.parametrize("encoding", [Encoding.FLAC, Encoding.OPUS_24])
def test_a_stored_sound_knows_what_it_was_made_of(tmp_path: Path, encoding: Encoding) -> None:
    sources, target = dialogue(tmp_path), io.BytesIO()
    encode(sources, target, encoding)
    assert holds(target, sources) and holds(target, [None, sources[1]]) and holds(target, [sources[0], None])
    assert not holds(target, sources[::-1])
    sound = bytearray(sources[1].read_bytes())
    sound[40_000] ^= 1
    altered = tmp_path / "altered.sln"
    altered.write_bytes(sound)
    assert not holds(target, [None, altered])
    altered.write_bytes(sources[0].read_bytes() + b"\1\0")
    assert not holds(target, [altered, None]), "longer than what is kept"
    altered.write_bytes(sources[0].read_bytes() + b"\1")
    assert holds(target, [altered, None]), "half a sample is none"
