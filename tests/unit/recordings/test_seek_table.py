"""The seek table that ingest adds: right points, the same sound, and nothing changed where the form is another."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recordings.archive.rules import RATE
from recordings.archive.seektable import CHUNK, EVERY_S, HEAD, SEEKTABLE, add_seek_table
from recordings.archive.sound import encode


def flac(samples: np.ndarray, **how: str) -> io.BytesIO:  # type: ignore[type-arg]
    made = io.BytesIO()
    soundfile.write(made, samples, RATE, format="FLAC", **how)
    return made


def points_of(content: bytes) -> list[tuple[int, int, int]]:
    assert content[HEAD] == SEEKTABLE
    size = int.from_bytes(content[HEAD + 1 : HEAD + 4], "big")
    return list(struct.iter_unpack(">QQH", content[HEAD + 4 : HEAD + 4 + size]))


def first_frame(content: bytes) -> int:
    at, last = 4, False
    while not last:
        last, size = bool(content[at] & 0x80), int.from_bytes(content[at + 1 : at + 4], "big")
        at += 4 + size
    return at


@pytest.mark.parametrize("seconds", [1, 3, 61, 400])
def test_each_point_leads_to_the_frame_of_its_sample(seconds: int) -> None:
    sound = np.random.default_rng(seconds).integers(-9000, 9000, (seconds * RATE, 2), dtype=np.int16)
    made = flac(sound)
    plain = made.getvalue()
    add_seek_table(made, RATE)
    content = made.getvalue()
    again, _ = soundfile.read(io.BytesIO(content), dtype="int16", always_2d=True)
    assert np.array_equal(again, sound)
    points, start = points_of(content), first_frame(content)
    assert content[start:] == plain[first_frame(plain) :], "not one byte of the sound is another"
    size = points[0][2]
    assert len(points) >= seconds // EVERY_S and points[0] == (0, 0, size)
    for sample, offset, _ in points:
        assert content[start + offset : start + offset + 2] == b"\xff\xf8" and sample % size == 0
    frames = [offset for _, offset, _ in points]
    assert frames == sorted(set(frames))
    assert len(content) > CHUNK or seconds < 60, "longer than what is read at a time"


def test_silence_and_what_looks_like_frames_are_no_trap() -> None:
    trap = np.frombuffer(b"\xff\xf8\x69\x18\x00" * 40_000, "<i2")
    sound = np.concatenate([np.zeros(80_000, np.int16), trap])
    made = flac(sound)
    add_seek_table(made, RATE)
    again, _ = soundfile.read(io.BytesIO(made.getvalue()), dtype="int16")
    assert np.array_equal(again, sound)


@pytest.mark.parametrize("content", [b"", b"fLaC", b"RIFF" + bytes(100), b"fLaC" + b"\x00\x00\x00\x22" + bytes(34)])
def test_what_is_no_file_of_ours_stays_as_it_is(content: bytes) -> None:
    made = io.BytesIO(content)
    add_seek_table(made, RATE)
    assert made.getvalue() == content


def test_ingest_adds_it(tmp_path: Path) -> None:
    (tmp_path / "a.sln").write_bytes(np.random.default_rng(1).integers(-99, 99, 9 * RATE, "<i2").tobytes())
    made = io.BytesIO()
    encode([tmp_path / "a.sln"], made)
    assert len(points_of(made.getvalue())) >= 4
