"""One voice through the decoding threads: the same words however late they come, nothing after the end, errors told."""

import asyncio
import wave
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from callflow.speak import speak
from recordings.settings import TINY_MODEL
from recordings.speech.decoder import Decoder
from recordings.speech.engine import BYTES_PER_SECOND, RATE, Engine, Heard, Stream
from recordings.speech.voice import VoiceDecoder
from recordings.speech.vosk_engine import VoskEngine

SENTENCES = ("我要投诉小区门口占道经营", "自来水停了三天请帮忙")
FRAME = 320


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two sentences, silence around each."""
    samples = bytes(RATE)
    for sentence in SENTENCES:
        with wave.open(str(speak(sentence, tmp_path_factory.mktemp("voice")))) as file:
            samples += file.readframes(file.getnframes()) + bytes(2 * RATE)
    return samples


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    made = Decoder(VoskEngine(TINY_MODEL), 2)
    yield made
    made.close()


async def news_of(decoder: Decoder, sound: bytes, piece: int) -> list[tuple[Heard, float]]:
    news: list[tuple[Heard, float]] = []
    voice = VoiceDecoder(decoder, lambda heard, seconds: news.append((heard, seconds)))
    for start in range(0, len(sound), piece):
        voice.feed(sound[start : start + piece])
        await asyncio.sleep(0)
    voice.close()
    async with asyncio.timeout(30):
        await voice.wait()
    assert voice.lag_s == 0
    return news


@pytest.mark.parametrize("piece", [FRAME, BYTES_PER_SECOND, 1 << 20], ids=["as spoken", "in bursts", "all at once"])
async def test_utterances_are_the_same_however_late_the_voice_is(decoder: Decoder, sound: bytes, piece: int) -> None:
    decoder.realtime_factor = 0.01
    news = await news_of(decoder, sound, piece)
    assert [heard.utterance.text for heard, _ in news if heard.utterance] == list(SENTENCES)
    assert [seconds for _, seconds in news] == sorted(seconds for _, seconds in news)
    assert news[-1][1] == len(sound) / BYTES_PER_SECOND
    shown = [heard.partial for heard, _ in news if not heard.ended]
    assert all(before != after for before, after in pairwise(shown)), "only what is new"


async def test_what_waits_is_dropped_on_demand(decoder: Decoder, sound: bytes) -> None:
    news: list[Heard] = []
    voice = VoiceDecoder(decoder, lambda heard, seconds: news.append(heard))
    voice.feed(sound)
    voice.close(discard=True)
    async with asyncio.timeout(10):
        await voice.wait()
    voice.feed(sound)
    assert len([heard for heard in news if heard.utterance]) < len(SENTENCES)


class Broken:
    """An engine whose streams fail."""

    kind, name, digest = "vosk", "broken", "0" * 64

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def stream(self) -> Stream:
        return self  # type: ignore[return-value]

    def accept(self, audio: bytes, *, partial: bool = True) -> Heard:
        raise MemoryError("no room for another search")


async def test_an_engine_that_fails_is_told_to_who_waits(decoder: Decoder) -> None:
    broken = Decoder(Broken(decoder.engine), 1)
    voice = VoiceDecoder(broken, lambda heard, seconds: None)
    voice.feed(bytes(BYTES_PER_SECOND))
    async with asyncio.timeout(10):
        with pytest.raises(MemoryError):
            await voice.wait()
        voice.feed(bytes(10 * BYTES_PER_SECOND))
        assert voice.lag_s == 0, "a voice that is over keeps nothing"
        voice.close()
        with pytest.raises(MemoryError):
            await voice.wait()
    broken.close()
