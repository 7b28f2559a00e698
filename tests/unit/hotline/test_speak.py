"""From characters to syllables, and from there to sound at the telephone's rate."""

import wave
from pathlib import Path

import pytest

from callflow.speak import pinyin, speak
from core.errors import Invalid


@pytest.mark.parametrize(
    ("text", "syllables"),
    [
        ("我要投诉", "wo3 yao4 tou2 su4"),
        ("您好,请讲。", "nin2 hao3 , qing3 jiang3 ."),
        ("我的", "wo3 de5"),
        ("女士", "nv3 shi4"),
        ("12345", "yi1 er4 san1 si4 wu3"),
        ("等了3天", "deng3 le5 san1 tian1"),
        ("OK我在<b>这里", "wo3 zai4 zhe4 li3"),
    ],
)
def test_pinyin(text: str, syllables: str) -> None:
    assert pinyin(text) == syllables


@pytest.mark.parametrize("text", ["", "hello", "……", "\x00"])
def test_nothing_to_say_is_said_so(text: str) -> None:
    with pytest.raises(Invalid, match="nothing-to-say"):
        pinyin(text)


def test_speech_is_telephone_wav_and_rendered_once(tmp_path: Path) -> None:
    path = speak("我要投诉小区", tmp_path)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        assert 1 < file.getnframes() / 8000 < 5
    before = path.stat().st_mtime_ns
    assert speak("我要投诉小区", tmp_path) == path
    assert path.stat().st_mtime_ns == before
