"""The jobs of a measurement in a process of their own, as the worker role runs them: `python -m tests.bench.clerk DSN`.

It says `ready` once it has read the county's words, and ends when its input ends.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop

from callflow import current
from callflow.policy import LinePolicy
from core import log, personal
from core.db import Database
from core.jobs import Worker
from crm import installed
from crm.drafts import subscribers as _drafts  # noqa: F401 - the jobs
from crm.lexicon import lexicon_of

COUNTY = Path(__file__).parents[2] / "counties" / "yiyang"
KEYS = personal.Keys.derive(b"a master key that only measurements use")


@contextlib.asynccontextmanager
async def clerk(db: Database) -> AsyncIterator[None]:
    """The other process, at work."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, db.url, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin and process.stdout
    try:
        async with asyncio.timeout(60):
            if await process.stdout.readline() != b"ready\n":
                raise RuntimeError("the clerk did not start")
        yield
    finally:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(15):
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _serve(url: str) -> None:
    log.setup("ERROR", json=False, role="clerk")
    personal.use_keys(KEYS)
    county = installed.read(COUNTY)
    installed.use(county)
    current.use(county.policy[LinePolicy])
    lexicon_of(county)
    db = Database(url, pool_size=10)
    worker = Worker(db)
    await worker.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await worker.stop()
    await db.close()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
