"""The committed test model: built from the sources beside it, whole, and it hears what the product says."""

import wave
from pathlib import Path

import numpy as np
import pytest

from callflow.speak import speak
from recordings.settings import TINY_MODEL
from recordings.speech.digests import DIGESTS
from recordings.speech.engine import RATE, Engine, pieces
from recordings.speech.model import check
from recordings.speech.training.vocabulary import Grammar, place_names, sound
from recordings.speech.vosk_engine import VoskEngine

GAZETTEER = Path(__file__).parents[3] / "counties" / "yiyang" / "gazetteer.toml"
LARGEST = 1_500_000


@pytest.fixture(scope="module")
def engine() -> Engine:
    return VoskEngine(TINY_MODEL)


def heard(engine: Engine, samples: bytes) -> str:
    stream = engine.stream()
    found = [stream.accept(piece) for piece in pieces(samples)] + [stream.finish()]
    return "".join(one.utterance.text for one in found if one.utterance)


def test_every_file_is_what_its_digest_says_and_the_whole_is_small() -> None:
    assert (TINY_MODEL / DIGESTS).is_file()
    assert check(TINY_MODEL) == ""
    assert sum(path.stat().st_size for path in TINY_MODEL.rglob("*")) < LARGEST


def test_its_words_are_those_of_the_sources() -> None:
    lines = (TINY_MODEL / "graph" / "words.txt").read_text(encoding="utf-8").splitlines()
    words = [line.split()[0] for line in lines]
    assert words == ["<eps>", *Grammar(GAZETTEER).words, "[unk]", "#0", "<s>", "</s>"]


def test_digits_and_every_place_can_be_said() -> None:
    words = set(Grammar(GAZETTEER).words)
    assert set("零一二三四五六七八九幺") <= words
    sounds = {sound(word) for word in words}
    assert not [name for name in place_names(GAZETTEER) if sound(name) not in sounds]


@pytest.mark.parametrize(
    "text",
    [
        "我要投诉小区门口占道经营",
        "我要反映路灯坏了请派人来修",
        "自来水停了三天请帮忙",
        "我要投诉桃源社区门口占道经营",
        "地址在三县岭镇旁边",
        "我的电话号码是一三九零零六二七七八一",
        "好的我们马上联系自来水公司",
    ],
)
def test_it_hears_what_callers_and_agents_say(engine: Engine, text: str, tmp_path: Path) -> None:
    with wave.open(str(speak(text, tmp_path))) as file:
        said = file.readframes(file.getnframes())
    assert heard(engine, bytes(RATE) + said + bytes(RATE)) == text


def test_what_is_no_speech_has_no_words(engine: Engine) -> None:
    time = np.arange(3 * RATE) / RATE
    noise = np.random.default_rng(1).standard_normal(len(time)) * 300
    for samples in (0 * time, 8000 * np.sin(2 * np.pi * 450 * time), noise):
        assert heard(engine, samples.astype("<i2").tobytes()) == ""
