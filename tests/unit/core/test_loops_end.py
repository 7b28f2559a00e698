"""A loop ends when it is stopped, whatever happens to it in the same moment."""

import asyncio

import pytest

from core.service import Loop


@pytest.mark.parametrize("turns", range(8))
async def test_a_loop_that_is_just_woken_still_ends(turns: int) -> None:
    async def step() -> None: ...

    loop = Loop("test", 60.0, step)
    await loop.start()
    await asyncio.sleep(0.01)
    loop.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    stopping = asyncio.create_task(loop.stop())
    done, _ = await asyncio.wait({stopping}, timeout=5)
    stopping.cancel()
    assert done
