"""Frames come out whole, however the network cut them; what is no frame is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.speech.audiosocket import MAX_AUDIO, BadFrame, Kind, take_frames

AUDIO = st.binary(max_size=40).map(lambda data: data[: len(data) // 2 * 2])


def frame(kind: int, payload: bytes) -> bytes:
    return bytes([kind]) + len(payload).to_bytes(2, "big") + payload


@given(st.lists(AUDIO, max_size=20), st.integers(1, 60), st.binary(max_size=2))
def test_any_cut_gives_the_same_frames_and_keeps_the_rest(payloads: list[bytes], cut: int, rest: bytes) -> None:
    stream = b"".join(frame(Kind.AUDIO, payload) for payload in payloads) + rest
    arrived, found = bytearray(), []
    for start in range(0, len(stream), cut):
        arrived += stream[start : start + cut]
        found += take_frames(arrived)
    assert found == [(Kind.AUDIO, payload) for payload in payloads]
    assert bytes(arrived) == rest


@pytest.mark.parametrize(
    "bad", [frame(0x77, b""), frame(Kind.AUDIO, b"abc"), frame(Kind.IDENTITY, bytes(15)), b"\x10\xff\xff"]
)
def test_what_is_no_frame_is_refused_after_the_good_ones(bad: bytes) -> None:
    arrived = bytearray(frame(Kind.AUDIO, b"ab") + bad)
    frames = take_frames(arrived)
    assert next(frames) == (Kind.AUDIO, b"ab")
    with pytest.raises(BadFrame):
        next(frames)


def test_the_longest_frame_is_taken() -> None:
    arrived = bytearray(frame(Kind.AUDIO, bytes(MAX_AUDIO)))
    assert [len(payload) for _, payload in take_frames(arrived)] == [MAX_AUDIO]
    assert not arrived
