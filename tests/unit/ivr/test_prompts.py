"""Prompts: all rendered, only what changed again, a human voice first; the notice is short enough."""

import audioop
import wave
from pathlib import Path

import pytest

from core.errors import Invalid
from ivr.prompts.render import render_all, texts, write


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "sounds"
    render_all(folder)
    return folder


def seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        assert audioop.rms(file.readframes(file.getnframes()), 2) > 200
        return file.getnframes() / 8000


def test_every_prompt_is_there_and_audible(sounds: Path) -> None:
    for name in texts():
        assert 0.1 < seconds(sounds / f"zh/{name}.wav") < 12, name
    assert seconds(sounds / "zh/beep.wav") < 1
    assert seconds(sounds.parent / "moh/waiting.wav") > 30


def test_notice_and_greeting_take_at_most_eight_seconds(sounds: Path) -> None:
    assert seconds(sounds / "zh/hotline/notice.wav") + seconds(sounds / "zh/hotline/greeting.wav") <= 8


def test_a_second_rendering_changes_nothing_and_a_recording_replaces_one(sounds: Path, tmp_path: Path) -> None:
    assert render_all(sounds) == []
    write(tmp_path / "hotline/notice.wav", b"\x00\x20" * 8000)
    assert render_all(sounds, recorded=tmp_path) == ["hotline/notice"]
    assert seconds(sounds / "zh/hotline/notice.wav") == 1
    assert render_all(sounds) == ["hotline/notice"]


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a sound at all"])
def test_a_file_that_is_no_recording_is_refused(sounds: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hotline").mkdir()
    (tmp_path / "hotline/notice.wav").write_bytes(content)
    with pytest.raises(Invalid, match="notice"):
        render_all(sounds, recorded=tmp_path)


@pytest.mark.parametrize("entry", ['"../x" = "你好"', '"x" = ""', '"x" = 5'])
def test_a_wrong_catalogue_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "c.toml").write_text(f"[prompts]\n{entry}\n")
    with pytest.raises(Invalid):
        texts(tmp_path / "c.toml")
