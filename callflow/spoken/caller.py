"""The line's part: calls whose time has come are placed, each with its sentence."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

from callflow import current
from callflow.ami import AmiClient, State
from callflow.phones.rules import may_dial
from callflow.settings import LineSettings
from callflow.speak import speak
from callflow.spoken import service
from callflow.spoken.models import SpokenCall
from callflow.spoken.rules import Outcome, linkedid_of
from callflow.variables import Variable
from core.db import Database
from core.errors import Invalid, Unavailable
from core.log import get
from core.phone import show
from core.service import Loop

log = get(__name__)
EVERY_S = 2.0
FOLDER = "spoken"
"""Below the sounds of the language: what is said in this one call."""
PLAIN = "hotline/spoken-plain"
"""Said where no voice can be made: that something happened, and that an SMS says what."""
GRACE_S = 60
KEPT_S = 86_400


class SpokenCaller:
    """One node's caller. Nobody is called twice for one row, however a process dies."""

    def __init__(self, db: Database, ami: AmiClient, settings: LineSettings, sounds: Path) -> None:
        self._db = db
        self._ami = ami
        self._settings = settings
        self._sounds = sounds / "zh" / FOLDER
        self._longest = timedelta(seconds=settings.waits.spoken_ring + settings.waits.spoken + GRACE_S)
        self.loop = Loop("通知电话", EVERY_S, self.step)

    async def step(self) -> None:
        """Place what is due, while there is an Asterisk to place it."""
        if self._ami.state is not State.UP:
            return
        async with self._db.session() as session:
            at_once = current.line_policy().spoken_at_once
            calls = await service.take(session, self._settings.node, at_once, self._longest)
        for call in calls:
            await self._place(call)

    async def _place(self, call: SpokenCall) -> None:
        digits = show(call.phone).replace("-", "")
        if not self._settings.trunk_to or not may_dial(digits, current.line_policy().may_dial):
            await self._failed(call, Outcome.FORBIDDEN if self._settings.trunk_to else Outcome.FAILED)
            return
        answer = await self._ami.action(
            "Originate",
            Channel=f"PJSIP/{digits}@trunk",
            Codecs="alaw",
            ChannelId=linkedid_of(call.id),
            Context="hotline-spoken",
            Exten="s",
            Priority="1",
            CallerID=self._settings.caller_number,
            Timeout=str(self._settings.waits.spoken_ring * 1000),
            Variable=f"{Variable.SAID}={await asyncio.to_thread(self._sound, call.text)}",
            Async="true",
        )
        if answer.get("Response") != "Success":
            await self._failed(call, Outcome.FAILED)

    def _sound(self, text: str) -> str:
        """What to play; what was said a day ago and longer goes."""
        try:
            path = speak(text, self._sounds)
            path.touch()
            for old in self._sounds.glob("*.wav"):
                if old.stat().st_mtime < time.time() - KEPT_S:
                    old.unlink()
            return f"{FOLDER}/{path.stem}"
        except (Unavailable, Invalid, OSError) as error:
            log.error("spoken.no-voice", error=type(error).__name__)
            return PLAIN

    async def _failed(self, call: SpokenCall, outcome: Outcome) -> None:
        async with self._db.session() as session:
            row = await session.get(SpokenCall, call.id, with_for_update=True)
            if row and row.outcome is None:
                await service.close(session, row, outcome)
