"""`make bench-speech`: how late words are, what the pipeline costs beside raw Vosk, and what a slow engine harms.

Everything runs on this machine in one run: the speech role with the tiny model, PostgreSQL with full durability,
voices over real AudioSocket connections from a process of their own, the drafts' jobs in another. Figures hold for
this machine and model.
"""

import asyncio
import tempfile
from pathlib import Path

from core import log
from recordings.settings import TINY_MODEL
from recordings.speech.vosk_engine import VoskEngine
from tests.bench.machine import speed
from tests.bench.speech_latency import latency
from tests.bench.speech_room import database
from tests.bench.speech_slow import slowed
from tests.bench.speech_sounds import Voices
from tests.bench.speech_throughput import Load, throughput, wide


async def main() -> None:
    """All measurements, one after the other."""
    print(speed(), flush=True)
    log.setup("ERROR", json=False, role="bench")
    with tempfile.TemporaryDirectory(prefix="hl-bench-", dir="/tmp") as name:
        folder = Path(name)
        voices = Voices(folder / "voices")
        async with database(folder) as db:
            await latency(db, VoskEngine(TINY_MODEL), voices)
            await throughput(db, voices, TINY_MODEL, "小模型", Load(8, 4, 3))
            await throughput(db, voices, wide(TINY_MODEL, folder / "wide"), "小模型，宽搜索", Load(6, 1, 2))
            await slowed(db, voices, from_the_start=False)
            await slowed(db, voices, from_the_start=True)


if __name__ == "__main__":
    asyncio.run(main())
