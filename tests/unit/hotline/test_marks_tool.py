"""A sound that turned up elsewhere names its export, however it was packed."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.errors import Invalid
from hotline.tools.marks import heard
from recordings.archive.rules import RATE
from recordings.desk.watermark import marked, noise_of, recognised

SECRET = b"a secret"
SECONDS = 20
PACKED = {
    "as it left": ["-c:a", "flac", "x.flac"],
    "as a telephone carries it": ["-c:a", "pcm_mulaw", "-ac", "1", "x.wav"],
    "as MP3 of 32 kbit/s": ["-b:a", "32k", "-ar", "44100", "x.mp3"],
    "as Opus of 12 kbit/s": ["-c:a", "libopus", "-b:a", "12k", "-ac", "1", "x.ogg"],
    "softer and at another rate": ["-filter:a", "volume=0.3", "-ar", "44100", "x.wav"],
    "five seconds from the middle": ["-ss", "7.3", "-t", "5", "x.wav"],
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two voices in turn, as loud as speech, with the mark of an export in them."""
    drawn = np.random.default_rng(11)
    syllables = np.repeat(drawn.random(SECONDS * 5) > 0.4, RATE // 5)
    voice = drawn.normal(0, 1800, SECONDS * RATE) * syllables
    turn = np.arange(SECONDS * RATE) // (4 * RATE) % 2
    both = np.stack([voice * (turn == 0), voice * (turn == 1)], axis=1).clip(-32768, 32767).astype(np.int16)
    path = tmp_path_factory.mktemp("copy") / "copy.wav"
    soundfile.write(path, marked(both, 0, noise_of(SECRET, "LYD20261130-0000000A")), RATE)
    return path


@pytest.mark.parametrize("how", list(PACKED))
def test_the_mark_outlives_tags_codecs_and_cutting(copy: Path, tmp_path: Path, how: str) -> None:
    *options, name = PACKED[how]
    subprocess.run(["ffmpeg", "-v", "error", "-i", copy, "-map_metadata", "-1", *options, tmp_path / name], check=True)
    numbers = [f"LYD20261130-{number:08X}" for number in range(200)]
    found = recognised(heard(tmp_path / name), SECRET, numbers)
    assert [one.number for one in found] == ["LYD20261130-0000000A"]
    assert recognised(heard(tmp_path / name), b"another installation", numbers) == []


def test_what_is_no_sound_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"RIFF")
    with pytest.raises(Invalid, match="not-a-sound"):
        heard(tmp_path / "x.wav")
    with pytest.raises(Invalid, match="no-such-file"):
        heard(tmp_path / "none.wav")
