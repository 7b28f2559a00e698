"""The speech role: loads the model, measures it, serves live and batch words, says how it is."""

import asyncio
import os
import socket
from pathlib import Path
from uuid import UUID

import soundfile
from sqlalchemy.dialects.postgresql import insert

from callflow.ami.client import AmiClient
from core import clock
from core.db import Database
from core.errors import Unavailable
from core.health import Health
from core.live import RESYNC, listen
from core.service import Loop
from recordings.models import SpeechStatus
from recordings.settings import SpeechSettings
from recordings.speech.audiosocket import AudioSocketServer
from recordings.speech.batch import Batch
from recordings.speech.decoder import Decoder
from recordings.speech.engine import Engine
from recordings.speech.live import Live
from recordings.speech.model import Loaded, load
from recordings.speech.words import WordWriter
from recordings.store.port import Store

SAMPLE = Path(__file__).parent / "models" / "sample.flac"
"""Five seconds of speech by which the speed of a model is measured."""
LIVE_EVERY_S, BATCH_EVERY_S, STATUS_EVERY_S = 0.5, 5.0, 2.0
ROOM_LAG_S = 0.5
"""Batch waits while a live voice is further behind than this."""
ROOM_EVERY_S = 0.1


class SpeechService:
    """Everything that the speech role runs. `ami` is its own account, which may only originate."""

    name = "speech"

    def __init__(
        self, db: Database, store: Store, settings: SpeechSettings, ami: AmiClient, *, engine: Engine | None = None
    ) -> None:
        self._db = db
        self._store = store
        self._settings = settings
        self._ami = ami
        self._given = engine
        self._loaded = Loaded(None, "正在启动。")
        self._decoder: Decoder | None = None
        self.server = AudioSocketServer(settings.host, settings.port)
        self._writer = WordWriter(db)
        self.live: Live | None = None
        self._loops: list[Loop] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Load the model, listen, begin. Without a model calls are marked, nothing else happens."""
        if self._given:
            self._loaded = Loaded(self._given, f"正在使用模型 {self._given.name}。")
        else:
            self._loaded = await asyncio.to_thread(load, self._settings.model)
        if self._loaded.engine:
            self._decoder = await measured(self._loaded.engine, self._settings.threads)
        self._writer.engine = self._loaded.engine
        await self.server.start()
        await self._writer.start()
        self.live = Live(
            self._db,
            self.server,
            self._decoder,
            self._writer,
            self._originate,
            max_lag_s=self._settings.max_lag_s,
            changed=lambda: live_loop.wake(),
        )
        live_loop = Loop("speech-live", LIVE_EVERY_S, self.live.step)
        self._loops = [live_loop, Loop("speech-status", STATUS_EVERY_S, self._report)]
        wakes = {"calls": live_loop}
        if self._decoder:
            batch = Batch(self._db, self._store, self._decoder, room=self._room, live=self.live.busy)
            wakes["recordings"] = Loop("speech-batch", BATCH_EVERY_S, batch.step)
            self._loops.append(wakes["recordings"])
        for loop in self._loops:
            await loop.start()
        self._tasks = [
            asyncio.create_task(self._ami.run(), name="speech-ami"),
            asyncio.create_task(self._listen(wakes), name="speech-hints"),
        ]

    async def stop(self) -> None:
        """Write the last words, hang up the taps; calls go on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for loop in self._loops:
            await loop.stop()
        await self.server.stop()
        if self.live:
            await self.live.stop()
        await self._writer.stop()
        if self._decoder:
            self._decoder.close()

    async def health(self) -> Health:
        """Not well without a model, or while a part fails."""
        mend = (
            "" if self._loaded.engine else "请在设置 speech.model 中指定模型文件夹，或运行 hotline speech-model 安装。"
        )
        if not self._loaded.engine:
            return Health("语音转写", self._settings.model is None, self._loaded.detail, mend)
        for state in [await loop.health() for loop in self._loops]:
            if not state.ok:
                return Health("语音转写", False, state.detail)
        room = self.live.room if self.live else 0
        return Health("语音转写", True, f"{self._loaded.detail}可同时实时转写 {room} 路。")

    async def _originate(self, channel: str, tap: UUID) -> None:
        """Ask Asterisk to send what `channel` says, without touching its media path."""
        host = self._settings.advertised_host or self._settings.host
        answer = await self._ami.action(
            "Originate",
            Channel=f"AudioSocket/{host}:{self.server.port}/{tap}/c(slin)",
            Application="ChanSpy",
            Data=f"{channel},qoEsS",
            Async="true",
            Codecs="slin",
        )
        if answer.get("Response") != "Success":
            raise Unavailable("tap-refused", "电话系统拒绝了语音转写的监听请求。")

    async def _room(self) -> None:
        while self.live and self.live.lag_s > ROOM_LAG_S:  # noqa: ASYNC110 - lag has no event of its own
            await asyncio.sleep(ROOM_EVERY_S)

    async def _listen(self, wakes: dict[str, Loop]) -> None:
        async for hint in listen(self._db.dsn, wakes):
            for topic, loop in wakes.items():
                if hint.topic in {topic, RESYNC}:
                    loop.wake()

    async def _report(self) -> None:
        live, decoder = self.live, self._decoder
        values = {
            "model": self._loaded.engine.name if self._loaded.engine else "",
            "model_digest": self._loaded.engine.digest if self._loaded.engine else "",
            "detail": self._loaded.detail,
            "capacity": live.room if live else 0,
            "streams": live.streams if live else 0,
            "lag_s": live.lag_s if live else 0.0,
            "realtime_factor": decoder.realtime_factor if decoder else 0.0,
            "at": clock.now(),
        }
        process = f"{socket.gethostname()}:{self.server.port}"
        async with self._db.session() as session:
            await session.execute(
                insert(SpeechStatus)
                .values(process=process, **values)
                .on_conflict_do_update(index_elements=["process"], set_=values)
            )


async def measured(engine: Engine, threads: int | None) -> Decoder:
    """Decoding threads for `engine`, with its speed measured on a sample of speech."""
    decoder = Decoder(engine, threads or os.cpu_count() or 1)
    audio, _ = await asyncio.to_thread(soundfile.read, SAMPLE, dtype="int16")
    await decoder.measure(audio.astype("<i2").tobytes())
    return decoder
