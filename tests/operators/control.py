"""How a test steers an operator's gateway that runs as a process of its own: JSON lines in, JSON lines out."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any


def tell(event: str, **more: Any) -> None:
    """Say what happened."""
    print(json.dumps({"event": event, **more}), flush=True)


async def obey(carry_out: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Carry out each line of standard input and say `done`, until it ends."""
    lines = asyncio.StreamReader(limit=2**20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        await carry_out(json.loads(line))
        tell("done")
