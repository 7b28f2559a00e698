"""The frames of baresip's control socket."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.softphone import netstring, read_netstring


async def parse(data: bytes) -> bytes:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await read_netstring(reader)


@given(st.binary(max_size=300))
def test_a_frame_reads_as_it_was_written(payload: bytes) -> None:
    assert asyncio.run(parse(netstring(payload))) == payload


@pytest.mark.parametrize("broken", [b"x:abc,", b":abc,", b"3:abcd", b"99999999999:a,", b"-3:abc,"])
async def test_a_broken_frame_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="netstring"):
        await parse(broken)


async def test_a_cut_frame_is_the_end() -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await parse(b"10:abc")
