"""Encrypted frames: whatever range is asked for comes exactly, and whatever is changed is found."""

import io
import os
from functools import cache
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings.store.frames import (
    FRAME,
    HEADER,
    SEALED,
    Broken,
    Header,
    Opener,
    encrypt,
    open_all,
    size_of,
    unpack,
)
from recordings.store.suite import TAG, Aead, Suite, sm4_is_there

SIZES = (0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 3 * FRAME + 17)
SUITES = st.sampled_from(list(Suite))
CONTENT = os.urandom(max(SIZES))


@cache
def key_of(suite: Suite) -> Aead:
    return suite.aead(os.urandom(suite.key_bytes))


@cache
def stored(suite: Suite, size: int, number: int = 1) -> tuple[Header, bytes]:
    """An object of so many bytes of content."""
    header, target = Header(suite, UUID(int=number), size), io.BytesIO()
    encrypt(header, key_of(suite), io.BytesIO(CONTENT[:size]), target)
    return header, target.getvalue()


def content(header: Header, data: bytes) -> bytes:
    """All of it. Raises Broken."""
    found = unpack(data[:HEADER])
    if found.stored != len(data):
        raise Broken("length")
    return b"".join(open_all(found, key_of(header.suite), io.BytesIO(data)))


def test_this_machine_has_sm4() -> None:
    assert sm4_is_there()


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize("size", SIZES)
def test_an_object_has_the_length_that_its_header_says_and_is_opened_again(suite: Suite, size: int) -> None:
    header, data = stored(suite, size)
    assert len(data) == header.stored
    assert size_of(len(data)) == size
    assert unpack(data[:HEADER]) == header
    assert content(header, data) == CONTENT[:size]
    assert size < 16 or CONTENT[: min(size, 64)] not in data


@settings(max_examples=60, deadline=None)
@given(SUITES, st.sampled_from(SIZES[1:]), st.data())
def test_a_range_needs_only_its_frames_in_any_pieces_and_is_exact(suite: Suite, size: int, data: st.DataObject) -> None:
    header, whole = stored(suite, size)
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    first, behind = header.where(start, end)
    assert behind - first <= (end - start) + 2 * SEALED + (end - start) // FRAME * TAG
    opener, served, at = Opener(header, key_of(suite), start, end), b"", first
    step = data.draw(st.sampled_from((997, SEALED - 1, SEALED, SEALED + 1, 4 * SEALED)))
    while at < behind:
        served += opener.feed(whole[at : min(at + step, behind)])
        at += step
    opener.finish()
    assert served == CONTENT[start:end]


@settings(max_examples=60, deadline=None)
@given(SUITES, st.sampled_from(SIZES), st.data())
def test_any_changed_bit_is_found(suite: Suite, size: int, data: st.DataObject) -> None:
    header, whole = stored(suite, size)
    at = data.draw(st.one_of(st.integers(0, len(whole) - 1), st.integers(0, HEADER - 1)))
    changed = bytearray(whole)
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Broken):
        content(header, bytes(changed))


@settings(max_examples=40, deadline=None)
@given(SUITES, st.sampled_from(SIZES), st.data())
def test_any_cut_and_any_addition_is_found(suite: Suite, size: int, data: st.DataObject) -> None:
    header, whole = stored(suite, size)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for changed in (whole[:cut], whole + bytes(data.draw(st.integers(1, 40)))):
        with pytest.raises(Broken):
            content(header, changed)


@pytest.mark.parametrize("suite", Suite)
def test_frames_are_bound_to_their_place_and_their_object(suite: Suite) -> None:
    header, whole = stored(suite, 3 * FRAME)
    frames = [whole[HEADER + n * SEALED : HEADER + (n + 1) * SEALED] for n in range(3)]
    _, other = stored(suite, 3 * FRAME, 2)
    orders = ([1, 0, 2], [0, 0, 2], [0, 1, 1], [0, 2, 1])
    for order in orders:
        with pytest.raises(Broken):
            content(header, whole[:HEADER] + b"".join(frames[n] for n in order))
    with pytest.raises(Broken):
        content(header, whole[:HEADER] + frames[0] + other[HEADER + SEALED : HEADER + 2 * SEALED] + frames[2])
    shorter = Header(suite, header.key_id, 2 * FRAME)
    with pytest.raises(Broken):
        content(header, shorter.pack() + b"".join(frames[:2]))


def test_a_content_that_changes_while_it_is_written_is_refused() -> None:
    for said in (10, 12):
        with pytest.raises(Broken):
            encrypt(Header(Suite.AES, UUID(int=3), said), key_of(Suite.AES), io.BytesIO(bytes(11)), io.BytesIO())
